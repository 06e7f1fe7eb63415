"""Bits chosen for one machine, run on the others."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from qcore.allocate.problem import FloatArray
from qcore.allocate.specialise import (
    Quantity,
    Specialised,
    best_uniform,
    quantity_of,
    specialise,
    values_on,
)
from qcore.errors import BadInput
from qcore.hardware import Hardware
from qcore.sensitivity.config import Width
from qcore.sensitivity.table import SensitivityTable
from qcore.sensitivity.table_arrays import delta_losses

Policy = tuple[Width, ...]
"""A width for every layer, in their order."""


@dataclass(frozen=True)
class CrossTable:
    """What the policy made for machine ``names[p]`` takes on machine ``names[m]``.

    ``values[p][m]`` is in the unit of ``quantities[m]``, for that machine's batch: compare within a
    column. None where the machine has no policy (``trouble`` says why) or does not run it.
    ``uniform[m]`` is the best width for all layers within the same loss on machine m, None where
    none keeps it.
    """

    names: tuple[str, ...]
    policies: tuple[Policy | None, ...]
    values: tuple[tuple[float | None, ...], ...]
    quantities: tuple[Quantity, ...]
    uniform: tuple[float | None, ...]
    trouble: tuple[str | None, ...]


def across(
    table: SensitivityTable,
    machines: Sequence[Hardware],
    limit: float,
    activation_bits: int | None = None,
) -> CrossTable:
    """The policy of least latency (energy) for each machine within the same predicted loss, and
    what it takes on every machine.

    The diagonal is the least of its column: every policy keeps the loss, and the machine's own is
    the best that does. That a policy made for another machine is not, is the point of HAQ (Wang et
    al. 2019). A machine that no policy can be made for has its reason in ``trouble``. Raises
    BadInput for a table with missing cells and a machine with neither latency nor energy.
    """
    delta_losses(table)
    found = [_attempt(table, machine, limit, activation_bits) for machine in machines]
    policies = [one if isinstance(one, Specialised) else None for one in found]
    costs = [values_on(table, machine, activation_bits) for machine in machines]
    uniform = [best_uniform(table, machine, limit, activation_bits) for machine in machines]
    return CrossTable(
        tuple(machine.name for machine in machines),
        tuple(None if one is None else one.widths for one in policies),
        tuple(tuple(_total(table, one, cost) for cost in costs) for one in policies),
        tuple(map(quantity_of, machines)),
        tuple(None if one is None else one[1] for one in uniform),
        tuple(one if isinstance(one, str) else None for one in found),
    )


def _attempt(
    table: SensitivityTable, machine: Hardware, limit: float, activation_bits: int | None
) -> Specialised | str:
    """The policy, or why there is none."""
    try:
        return specialise(table, machine, limit, activation_bits)
    except BadInput as error:
        return str(error)


def _total(table: SensitivityTable, policy: Specialised | None, values: FloatArray) -> float | None:
    """What the policy takes of ``values`` (layers, widths); None where some layer does not run."""
    if policy is None:
        return None
    columns = [table.config.widths.index(width) for width in policy.widths]
    total = math.fsum(values[np.arange(len(columns)), columns])
    return None if math.isnan(total) else total
