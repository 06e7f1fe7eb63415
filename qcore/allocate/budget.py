"""Budgets by name, and the allocation problem of a sensitivity table."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from qcore.allocate.bits import BitAllocation
from qcore.allocate.problem import Allocation, AllocationProblem
from qcore.calibrate.clipping import Clipping
from qcore.errors import BadInput
from qcore.graph.layer import Description
from qcore.hardware.size import FULL_PRECISION_BYTES, layer_bytes
from qcore.sensitivity.table import SensitivityTable

BUDGETS: dict[str, str] = {
    "size_bytes": "bytes of the whole network: packed weights, scales, biases, constants",
    "size_ratio": "weight bits of the quantized layers, relative to 32 bit",
    "average_bits": "weight bits of the quantized layers, per weight",
}
"""Budget name -> what it measures."""


@dataclass(frozen=True, eq=False)
class TableProblem:
    """A problem made from a table, and how to read its numbers: ``bits[o]`` is option o.

    Costs are those of ``BUDGETS`` summed over layers; ``offsets`` are what no layer decides (the
    bytes that stay 32 bit), already taken off the problem's budgets.
    """

    problem: AllocationProblem
    network: Description
    bits: tuple[int, ...]
    offsets: Mapping[str, float]

    def cost(self, allocation: Allocation, name: str) -> float:
        """A cost in the budget's own unit."""
        return allocation.costs[name] + self.offsets[name]

    def costs(self, allocation: Allocation) -> dict[str, float]:
        return {name: self.cost(allocation, name) for name in BUDGETS}

    def choose(self, choice: tuple[int, ...]) -> dict[str, int]:
        """Layer name -> bits."""
        names = (layer.name for layer in self.network.layers)
        return {name: self.bits[option] for name, option in zip(names, choice, strict=True)}

    def predicted_loss(self, bits: Mapping[str, int | None]) -> float | None:
        """Sum of the layers' ΔL at given bits; None where a bit width was not measured."""
        options = [bits[layer.name] for layer in self.network.layers]
        if any(b not in self.bits for b in options if b is not None):
            return None
        rows = zip(self.problem.loss, options, strict=True)
        return math.fsum(row[self.bits.index(b)] for row, b in rows if b is not None)

    def limits(self, name: str) -> tuple[float, float]:
        """Smallest and largest value of a cost over all allocations that respect the pins."""
        cost, pins = self.problem.costs[name], self.problem.pins or {}
        rows = [row if i not in pins else row[[pins[i]]] for i, row in enumerate(cost)]
        offset = self.offsets[name]
        low = math.fsum(row.min() for row in rows) + offset
        return low, math.fsum(row.max() for row in rows) + offset


def table_problem(
    table: SensitivityTable,
    budgets: Mapping[str, float] | None = None,
    pins: Mapping[str, int] | None = None,
) -> TableProblem:
    """Options are the table's bit widths, loss its ΔL, costs those of ``BUDGETS``.

    Raises BadInput for a table of layer inputs or with missing cells, an unknown budget or layer,
    and a pin to a bit width that was not measured.
    """
    if table.config.target != "weight":
        raise BadInput(
            "this sensitivity table is not of weights alone; bits of weights are allocated on a "
            "table made with --target weight"
        )
    if not table.covered:
        raise BadInput(
            f"the sensitivity table has {len(table.rows)} of {table.cells} cells; let the run "
            "go on until every layer has a value at every bit width"
        )
    layers, bits = table.network.layers, table.config.bits
    loss_of = {(row.layer, row.bits): row.delta_loss for row in table.rows}
    loss = np.array([[loss_of[layer.name, b] for b in bits] for layer in layers])
    weights = table.network.weight_count
    stored = np.array([[b * layer.weight_count for b in bits] for layer in layers], dtype=float)
    size = np.array([[sum(layer_bytes(layer, b)) for b in bits] for layer in layers], dtype=float)
    other_bytes = float(table.network.other_count * FULL_PRECISION_BYTES)
    offsets = {"size_bytes": other_bytes, "size_ratio": 0.0, "average_bits": 0.0}
    costs = {
        "size_bytes": size,
        "size_ratio": stored / (32 * weights),
        "average_bits": stored / weights,
    }
    for name in budgets or {}:
        if name not in BUDGETS:
            raise BadInput(f"no budget is called {name!r}; there are: {', '.join(BUDGETS)}")
    shifted = {name: value - offsets[name] for name, value in (budgets or {}).items()}
    problem = AllocationProblem(loss, costs, shifted, pins=_pins(pins or {}, table))
    return TableProblem(problem, table.network, bits, offsets)


def with_budget(problem: TableProblem, name: str, value: float) -> TableProblem:
    """The same problem under one budget instead of what it had."""
    budgets = {name: value - problem.offsets[name]}
    return replace(problem, problem=replace(problem.problem, budgets=budgets))


def check_budgets(problem: TableProblem, budgets: Mapping[str, float]) -> None:
    """BadInput for a budget that no allocation meets, or that every allocation meets."""
    for name, value in budgets.items():
        low, high = problem.limits(name)
        slack = 1e-9 * max(1.0, abs(high))
        if math.isnan(value) or value < low - slack:
            raise BadInput(
                f"budget {name}={value:.10g} is below the smallest possible {low:.10g}; "
                f"nearest feasible: {name}={round_up(low)}"
            )
        if value > max(high + slack, float(round_up(high))):
            raise BadInput(
                f"budget {name}={value:.10g} is above the largest allocation's {high:.10g} and "
                f"would decide nothing; give at most {name}={round_up(high)}"
            )


def round_up(value: float) -> str:
    """The value with 6 decimals at most, rounded up, so that it is feasible as printed."""
    return f"{math.ceil(value * 1e6 - 1e-6) / 1e6:.12g}"


def to_bit_allocation(
    problem: TableProblem,
    table: SensitivityTable,
    allocation: Allocation,
    method: str,
    activation_bits: int | None = None,
    inputs: Clipping | None = None,
) -> BitAllocation:
    """What is written to a file: the bits, and what they were chosen on.

    Every layer's input gets ``activation_bits``, clipped as ``inputs`` says (its part of weights is
    not read: those are clipped as they were measured).
    """
    facts = {
        "predicted_loss": allocation.loss,
        "costs": problem.costs(allocation),
        "gap": allocation.gap,
        "seconds": allocation.seconds,
        "method": method,
        "quantizer": table.quantizer,
        "samples": min(row.samples for row in table.rows),
    }
    chosen = problem.choose(allocation.choice)
    return BitAllocation(
        chosen,
        table.network.name,
        table.network.fingerprint,
        table.data,
        table.config.objective,
        facts,
        {} if activation_bits is None else dict.fromkeys(chosen, activation_bits),
        table.config.clipping.joined(inputs or Clipping()),
    )


def _pins(pins: Mapping[str, int], table: SensitivityTable) -> dict[int, int]:
    index = {layer.name: i for i, layer in enumerate(table.network.layers)}
    result = {}
    for layer, bits in pins.items():
        if layer not in index:
            raise BadInput(f"no layer is called {layer!r}; describe lists the names")
        if bits not in table.config.bits:
            measured = ", ".join(str(b) for b in table.config.bits)
            raise BadInput(f"{layer!r} cannot be pinned to {bits} bits; measured are {measured}")
        result[index[layer]] = table.config.bits.index(bits)
    return result
