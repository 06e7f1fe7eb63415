"""The bits that are best for one machine."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from qcore.allocate.highs import SolverTimeout
from qcore.allocate.ilp import solve_ilp
from qcore.allocate.infeasible import InfeasibleBudget
from qcore.allocate.problem import AllocationProblem, FloatArray, budget_limit
from qcore.errors import BadInput
from qcore.hardware import BitPair, Hardware, hardware_costs
from qcore.sensitivity.config import Width
from qcore.sensitivity.table import SensitivityTable
from qcore.sensitivity.table_arrays import delta_losses

Quantity = Literal["latency_ms", "energy_mj"]


@dataclass(frozen=True)
class Specialised:
    """A width for every layer, in their order, chosen for a machine; ``value`` is what it takes
    there, of ``quantity``. ``gap`` is how far from the least that may be, None where unknown."""

    widths: tuple[Width, ...]
    value: float
    quantity: Quantity
    predicted_loss: float
    gap: float | None


def quantity_of(hardware: Hardware) -> Quantity:
    """What is made least: latency, or energy where the machine has no latency."""
    return "latency_ms" if hardware.has_latency else "energy_mj"


def values_on(
    table: SensitivityTable, hardware: Hardware, activation_bits: int | None = None
) -> FloatArray:
    """(layers, widths of the table): ``quantity_of`` each layer for the machine's batch; NaN where
    it does not run.

    ``activation_bits`` is the width of all inputs of a table of weights alone. Raises BadInput for
    a machine with neither latency nor energy.
    """
    pairs = [BitPair(w.bits, w.activation_bits or activation_bits) for w in table.config.widths]
    cost = hardware_costs(table.network, hardware, pairs).cost
    found = cost.latency_ms if hardware.has_latency else cost.energy_mj
    if found is None:
        raise BadInput(f"{hardware.title} has neither latency nor energy; choose another machine")
    return found


def specialise(
    table: SensitivityTable,
    hardware: Hardware,
    limit: float,
    activation_bits: int | None = None,
) -> Specialised:
    """The widths of least latency (energy, where there is none) whose predicted losses add up to at
    most ``limit``.

    A layer takes the widths of ``table`` that it runs at. This is CalibTIP's integer program
    (Hubara et al. 2020, equation 5) with the loss as its budget. Raises BadInput where no widths
    keep the loss, where the machine runs none, and where the time was too short. Example: two
    layers of 1 ms a bit, losses 0.1 at 4 bits and 0 at 8, limit 0.1: one of them at 4, 12 ms.
    """
    values, losses = values_on(table, hardware, activation_bits), delta_losses(table)
    columns = np.flatnonzero(~np.isnan(values).all(axis=0))
    if not len(columns):
        raise BadInput(f"{hardware.title} runs no width of this sensitivity table")
    values, losses = values[:, columns], losses[:, columns]
    try:
        found = solve_ilp(_problem(values, losses, limit))
    except InfeasibleBudget as error:
        raise BadInput(_too_low(hardware, limit, error)) from error
    except SolverTimeout as error:
        raise BadInput(str(error)) from error
    choice = _least_loss(values, losses, found.choice)
    rows = np.arange(len(choice))
    return Specialised(
        tuple(table.config.widths[columns[option]] for option in choice),
        math.fsum(values[rows, choice]),
        quantity_of(hardware),
        math.fsum(losses[rows, choice]),
        found.gap,
    )


def best_uniform(
    table: SensitivityTable,
    hardware: Hardware,
    limit: float,
    activation_bits: int | None = None,
) -> tuple[Width, float] | None:
    """The one width for all layers that takes least within ``limit``, and what it takes; None
    where there is none. Pruning all of a network is no such width."""
    values, losses = values_on(table, hardware, activation_bits), delta_losses(table)
    fits = [
        (math.fsum(value), width)
        for value, loss, width in zip(values.T, losses.T, table.config.widths, strict=True)
        if math.fsum(loss) <= budget_limit(limit) and not np.isnan(value).any() and width.bits
    ]
    if not fits:
        return None
    value, width = min(fits, key=lambda fit: fit[0])
    return width, value


def _problem(values: FloatArray, losses: FloatArray, limit: float) -> AllocationProblem:
    """Least value within the loss; cells that do not run are refused by a budget of their own."""
    refused = np.isnan(values)
    costs = {"loss": losses, "value": np.where(refused, 0.0, values)}
    budgets = {"loss": limit}
    if refused.any():
        costs["refused"] = refused.astype(np.float64)
        budgets["refused"] = 0.0
    return AllocationProblem(costs["value"], costs, budgets)


def _least_loss(values: FloatArray, losses: FloatArray, choice: Sequence[int]) -> list[int]:
    """Of what takes no more in a layer the width of least loss: several widths may run alike, and
    layers that a machine's totals leave out take nothing at any."""
    taken = values[np.arange(len(choice)), choice]
    alike = values <= taken[:, None]
    better: list[int] = np.where(alike, losses, np.inf).argmin(axis=1).tolist()
    return better


def _too_low(hardware: Hardware, limit: float, error: InfeasibleBudget) -> str:
    if error.name != "loss":
        return f"{hardware.title} does not run every layer at some width of this sensitivity table"
    return (
        f"no widths that {hardware.title} runs keep the predicted loss within {limit:.4g}; the "
        f"least that they reach is {error.nearest:.4g}"
    )
