"""The allocation problem of a sensitivity table, and the budgets it is solved within."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from qcore.allocate.costs import BUDGETS, costs_of
from qcore.allocate.problem import Allocation, AllocationProblem, FloatArray, Groups, merge_groups
from qcore.errors import BadInput
from qcore.graph.layer import Description
from qcore.hardware.model import Hardware
from qcore.sensitivity.config import Width
from qcore.sensitivity.table import SensitivityTable
from qcore.sensitivity.table_arrays import delta_losses
from qcore.sensitivity.width_text import width_text


@dataclass(frozen=True, eq=False)
class TableProblem:
    """A problem made from a table, and how to read its numbers: ``options[o]`` is option o.

    Costs are those of ``BUDGETS`` that are known, summed over layers; ``offsets`` are what no layer
    decides (the bytes that stay 32 bit), already taken off the problem's budgets. What is least is
    ``losses``, or the size where the loss has a budget; so ``costs["loss"]`` is the predicted loss
    of an allocation either way.
    """

    problem: AllocationProblem
    network: Description
    options: tuple[Width, ...]
    offsets: Mapping[str, float]

    @property
    def bits(self) -> tuple[int, ...]:
        """The weight bits of every option."""
        return tuple(option.bits for option in self.options)

    @property
    def names(self) -> tuple[str, ...]:
        """The budgets that can be set."""
        return tuple(self.problem.costs)

    @property
    def losses(self) -> FloatArray:
        """(layers, options): ΔL."""
        return self.problem.costs["loss"]

    def cost(self, allocation: Allocation, name: str) -> float:
        """A cost in the budget's own unit."""
        return allocation.costs[name] + self.offsets[name]

    def costs(self, allocation: Allocation) -> dict[str, float]:
        return {name: self.cost(allocation, name) for name in self.names}

    def choose(self, choice: tuple[int, ...]) -> dict[str, int]:
        """Layer name -> weight bits."""
        return {name: width.bits for name, width in self.widths(choice).items()}

    def inputs(self, choice: tuple[int, ...]) -> dict[str, int]:
        """Layer name -> bits of its input, of those that have a width."""
        widths = self.widths(choice).items()
        return {n: w.activation_bits for n, w in widths if w.activation_bits is not None}

    def widths(self, choice: tuple[int, ...]) -> dict[str, Width]:
        """Layer name -> bits of its weights and of its input."""
        names = (layer.name for layer in self.network.layers)
        return {name: self.options[o] for name, o in zip(names, choice, strict=True)}

    def choice_of(self, widths: Sequence[Width]) -> tuple[int, ...] | None:
        """The option of each layer, whatever bits its input has where the table has weights alone;
        None where some width is not among the options."""
        if any(width not in self.options for width in widths):
            by_bits = {option.bits: option for option in self.options}
            if len(by_bits) < len(self.options) or any(w.bits not in by_bits for w in widths):
                return None
            widths = [by_bits[width.bits] for width in widths]
        return tuple(self.options.index(width) for width in widths)

    def limits(self, name: str) -> tuple[float, float]:
        """Smallest and largest value of a cost over all allocations within pins and groups."""
        merged, offset = merge_groups(self.problem), self.offsets[name]
        cost, allowed = merged.costs[name], merged.allowed
        low = math.fsum(np.where(allowed, cost, np.inf).min(1)) + offset
        return low, math.fsum(np.where(allowed, cost, -np.inf).max(1)) + offset


def table_problem(
    table: SensitivityTable,
    budgets: Mapping[str, float] | None = None,
    pins: Mapping[str, int | Width] | None = None,
    *,
    activation_bits: int | None = None,
    hardware: Hardware | None = None,
    groups: Groups = (),
) -> TableProblem:
    """Options are the table's widths, loss its ΔL, costs those of ``BUDGETS``.

    A table of weights alone has ``activation_bits`` at every layer's input, which counts in bit
    operations, latency and energy, and not in the loss. Pins are to weight bits, or to a pair where
    there are several with these. Raises BadInput for a table of layer inputs or with missing cells,
    an unknown budget or layer, hardware that does not run all widths, a budget that needs
    hardware, and a pin to a width that
    was not measured or to one of several.
    """
    options = _options(table, activation_bits)
    loss = delta_losses(table)
    costs = costs_of(table.network, options, hardware, table.config.corrects_biases)
    fixed = _pins(pins or {}, table, options)
    free = AllocationProblem(loss, costs.tables | {"loss": loss}, {}, groups, fixed)
    return with_budgets(TableProblem(free, table.network, options, costs.offsets), budgets or {})


def with_budgets(problem: TableProblem, budgets: Mapping[str, float]) -> TableProblem:
    """The same problem under these budgets instead of what it had. BadInput for an unknown one."""
    for name in budgets:
        if name not in BUDGETS:
            raise BadInput(f"no budget is called {name!r}; there are: {', '.join(BUDGETS)}")
        if name not in problem.names:
            raise BadInput(
                f"budget {name!r} needs hardware that has it; choose one with --hardware"
            )
    shifted = {name: value - problem.offsets[name] for name, value in budgets.items()}
    costs = problem.problem.costs
    least = costs["size_bytes"] if "loss" in budgets else costs["loss"]
    return replace(problem, problem=replace(problem.problem, loss=least, budgets=shifted))


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


def _options(table: SensitivityTable, activation_bits: int | None) -> tuple[Width, ...]:
    config = table.config
    if config.target == "activation":
        raise BadInput(
            "this sensitivity table is of layer inputs alone; bits are allocated on a table made "
            "with --target weight or --target both"
        )
    if config.target == "weight":
        return tuple(Width(b, activation_bits) for b in config.bits)
    if activation_bits is not None:
        raise BadInput(
            "this sensitivity table has its own bits of layer inputs; leave out --activation-bits"
        )
    return config.widths


def _pins(
    pins: Mapping[str, int | Width], table: SensitivityTable, options: tuple[Width, ...]
) -> dict[int, int]:
    index = {layer.name: i for i, layer in enumerate(table.network.layers)}
    result = {}
    for layer, pin in pins.items():
        if layer not in index:
            raise BadInput(f"no layer is called {layer!r}; describe lists the names")
        width = pin if isinstance(pin, Width) else Width(pin)
        same = [o for o, option in enumerate(options) if option.bits == width.bits]
        if width.activation_bits is not None:
            same = [o for o in same if options[o].activation_bits == width.activation_bits]
        if not same:
            raise BadInput(
                f"{layer!r} cannot be pinned to {width_text(width)} bits; measured are "
                + ", ".join(dict.fromkeys(width_text(option) for option in _shown(table)))
            )
        if len(same) > 1:
            pair = width_text(options[same[0]])
            raise BadInput(
                f"{layer!r} has several widths of its input at {width.bits} bits of weights; pin "
                f"both, as {layer}={pair}"
            )
        result[index[layer]] = same[0]
    return result


def _shown(table: SensitivityTable) -> tuple[Width, ...]:
    """The widths as a person names them."""
    config = table.config
    return config.widths if config.activation_bits else tuple(Width(b) for b in config.bits)
