"""An allocation of a table's problem as the configuration that is written to a file."""

from __future__ import annotations

from collections.abc import Mapping

from qcore.allocate.bits import BitAllocation
from qcore.allocate.budget import TableProblem
from qcore.allocate.kernels import KernelProblem
from qcore.allocate.problem import Allocation
from qcore.calibrate.clipping import Clipping
from qcore.quantize.limits import WeightBits
from qcore.sensitivity.table import SensitivityTable


def to_bit_allocation(
    problem: TableProblem,
    table: SensitivityTable,
    allocation: Allocation,
    method: str,
    inputs: Clipping | None = None,
) -> BitAllocation:
    """What is written to a file: the bits, and what they were chosen on.

    Layer inputs are clipped as ``inputs`` says where the table measured weights alone (its part of
    weights is not read: those are clipped as they were measured).
    """
    return _written(
        table,
        problem.choose(allocation.choice),
        problem.inputs(allocation.choice),
        problem.costs(allocation),
        allocation,
        method,
        inputs,
    )


def kernels_to_bit_allocation(
    problem: KernelProblem,
    table: SensitivityTable,
    allocation: Allocation,
    method: str,
    inputs: Clipping | None = None,
) -> BitAllocation:
    """The same of an allocation of bits to kernels."""
    bits, option = problem.choose(allocation.choice), problem.layers.options[0]
    widths = dict.fromkeys(bits, option.activation_bits)
    activations = {name: width for name, width in widths.items() if width is not None}
    costs = problem.costs(allocation)
    return _written(table, bits, activations, costs, allocation, method, inputs)


def _written(
    table: SensitivityTable,
    bits: Mapping[str, WeightBits],
    activations: Mapping[str, int],
    costs: Mapping[str, float],
    allocation: Allocation,
    method: str,
    inputs: Clipping | None,
) -> BitAllocation:
    facts = {
        "predicted_loss": costs["loss"],
        "costs": dict(costs),
        "gap": allocation.gap,
        "seconds": allocation.seconds,
        "method": method,
        "quantizer": table.quantizer,
        "samples": min(row.samples for row in table.rows),
    }
    measured = table.config.clipping
    return BitAllocation(
        dict(bits),
        table.network.name,
        table.network.fingerprint,
        table.data,
        table.config.objective,
        facts,
        dict(activations),
        measured.joined(inputs or Clipping()) if table.config.target == "weight" else measured,
    )
