"""What is to be decided, and what a decision is worth."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from operator import index
from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IndexArray = npt.NDArray[np.intp]
Groups = tuple[tuple[int, ...], ...]

# Sums of exact decimals are rarely exact in binary, so a cost equal to its budget on paper needs a
# little room. This much still keeps whole numbers up to 1e10 on the right side of their budget.
BUDGET_TOLERANCE = 1e-11


@dataclass(frozen=True, eq=False)
class AllocationProblem:
    """Choose one option (say, a bit width) for every layer: least loss within the budgets.

    ``loss`` has shape (layers, options) and may be negative, as a measured difference can be.
    ``costs[name]`` has the same shape, in whatever unit ``budgets[name]``, its upper bound, has;
    a cost may have no budget. Both add up over layers, as in CalibTIP (Hubara et al. 2020,
    "Improving Post Training Neural Quantization: Layer-wise Calibration and Integer Programming",
    equation 5). For that paper's own direction, most saving within a loss limit, give the negated
    saving as ``loss`` and the loss as a cost. Layers in one group take the same option; ``pins``
    fixes the option of a layer, and so of its group. Arrays are copied and made read-only. Raises
    ``ValueError`` for shapes that differ, values that are not finite, a budget without a cost, a
    layer in two groups, and a pin that is out of range or contradicts its group.

    >>> AllocationProblem([[0.0, 0.3]], {"bits": [[8, 4]]}, {"bits": 4}).loss.shape
    (1, 2)
    """

    loss: FloatArray
    costs: Mapping[str, FloatArray]
    budgets: Mapping[str, float]
    groups: Groups = ()
    pins: Mapping[int, int] | None = None

    def __post_init__(self) -> None:
        loss = _table("loss", self.loss)
        costs = {name: _table(f"cost {name!r}", cost) for name, cost in self.costs.items()}
        for name, cost in costs.items():
            if cost.shape != loss.shape:
                raise ValueError(f"cost {name!r} has shape {cost.shape}, loss has {loss.shape}")
        groups = tuple(tuple(index(layer) for layer in group) for group in self.groups)
        pins = {index(layer): index(option) for layer, option in (self.pins or {}).items()}
        _check_groups(groups, len(loss))
        _check_pins(pins, groups, loss.shape)
        object.__setattr__(self, "loss", loss)
        object.__setattr__(self, "costs", costs)
        object.__setattr__(self, "budgets", _checked_budgets(self.budgets, costs))
        object.__setattr__(self, "groups", groups)
        object.__setattr__(self, "pins", pins)


@dataclass(frozen=True)
class Allocation:
    """One option per layer, and what is known about it.

    ``loss`` and ``costs`` are sums over the layers. ``bound`` is a proven lower bound on the loss,
    whatever the problem's ``loss`` holds, of every allocation that meets the same budgets, and
    ``gap`` is (loss - bound) / |loss|; both are ``None`` where nothing was proven. ``seconds`` is
    the time it took to find.
    """

    choice: tuple[int, ...]
    loss: float
    costs: dict[str, float]
    bound: float | None = None
    gap: float | None = None
    seconds: float = 0.0


@dataclass(frozen=True, eq=False)
class MergedProblem:
    """The same problem over units that choose alone: a group's rows are added into one.

    ``loss`` and ``costs[name]`` have shape (units, options), ``allowed`` marks the options that
    the pins leave, ``unit_of_layer`` has shape (layers,). Units are numbered by first layer.
    """

    source: AllocationProblem = field(repr=False)
    loss: FloatArray
    costs: dict[str, FloatArray]
    allowed: npt.NDArray[np.bool_]
    unit_of_layer: IndexArray

    def rounding(self, table: FloatArray) -> FloatArray:
        """How far adding ``table`` (layers, options) up in groups may be off, shape (units,)."""
        largest = np.abs(table).max(axis=1)
        return 1e-14 * np.bincount(self.unit_of_layer, largest).astype(np.float64)

    def cheapest(self, name: str) -> IndexArray:
        """Each unit's option of least ``costs[name]``, of several the one of least loss."""
        cost = np.where(self.allowed, self.costs[name], np.inf)
        least = cost.min(axis=1) + self.rounding(self.source.costs[name])
        option: IndexArray = np.where(cost <= least[:, None], self.loss, np.inf).argmin(axis=1)
        return option

    def expand(self, unit_choice: npt.ArrayLike) -> tuple[int, ...]:
        """From one option per unit, shape (units,), to one option per layer."""
        return tuple(np.asarray(unit_choice, dtype=np.intp)[self.unit_of_layer].tolist())


def evaluate(problem: AllocationProblem, choice: Sequence[int]) -> Allocation:
    """Add up loss and every cost of ``choice``, one option index per layer.

    Sums are correctly rounded (``math.fsum``). Budgets, groups and pins are not consulted: any
    choice has a loss. Raises ``ValueError`` for a wrong number of layers or an unknown option.

    >>> evaluate(AllocationProblem([[0, 0.3], [0, 0.5]], {}, {}), (1, 0)).loss
    0.3
    """
    layers, options = problem.loss.shape
    picked = tuple(index(option) for option in choice)
    if len(picked) != layers:
        raise ValueError(f"choice has {len(picked)} entries for {layers} layers")
    for layer, option in enumerate(picked):
        if not 0 <= option < options:
            raise ValueError(f"layer {layer} takes option {option}, there are {options} options")
    rows = np.arange(layers)
    costs = {name: math.fsum(cost[rows, picked]) for name, cost in problem.costs.items()}
    return Allocation(picked, math.fsum(problem.loss[rows, picked]), costs)


def merge_groups(problem: AllocationProblem) -> MergedProblem:
    """Turn groups and pins into fewer rows and fewer options."""
    layers, options = problem.loss.shape
    first = np.arange(layers)
    for group in problem.groups:
        first[list(group)] = min(group)
    leaders, unit_of_layer = np.unique(first, return_inverse=True)

    def added(table: FloatArray) -> FloatArray:
        merged = np.zeros((len(leaders), options))
        np.add.at(merged, unit_of_layer, table)
        return merged

    allowed = np.ones((len(leaders), options), dtype=np.bool_)
    for layer, option in (problem.pins or {}).items():
        allowed[unit_of_layer[layer]] = np.arange(options) == option
    costs = {name: added(cost) for name, cost in problem.costs.items()}
    return MergedProblem(problem, added(problem.loss), costs, allowed, unit_of_layer)


def meets_budgets(problem: AllocationProblem, allocation: Allocation) -> bool:
    """True where every cost is within its budget."""
    limits = problem.budgets.items()
    return all(allocation.costs[name] <= budget_limit(budget) for name, budget in limits)


def budget_limit(budget: float) -> float:
    """The largest sum that still counts as within ``budget`` (see ``BUDGET_TOLERANCE``)."""
    return budget + BUDGET_TOLERANCE * abs(budget)


def _table(what: str, values: npt.ArrayLike) -> FloatArray:
    table = np.array(values, dtype=np.float64)
    if table.ndim != 2 or table.size == 0:
        raise ValueError(f"{what} has shape {table.shape}, expected (layers, options)")
    bad = np.argwhere(~np.isfinite(table))
    if len(bad):
        layer, option = bad[0]
        raise ValueError(f"{what} of layer {layer}, option {option} is {table[layer, option]}")
    table.setflags(write=False)
    return table


def _checked_budgets(budgets: Mapping[str, float], costs: Mapping[str, Any]) -> dict[str, float]:
    checked = {name: float(value) for name, value in budgets.items()}
    for name, value in checked.items():
        if name not in costs:
            raise ValueError(f"budget {name!r} has no cost of that name, costs are {[*costs]}")
        if not math.isfinite(value):
            raise ValueError(f"budget {name!r} is {value}; for no limit, leave it out")
    return checked


def _check_groups(groups: Groups, layers: int) -> None:
    owner: dict[int, int] = {}
    if () in groups:
        raise ValueError(f"group {groups.index(())} is empty")
    for number, group in enumerate(groups):
        for layer in group:
            if not 0 <= layer < layers:
                raise ValueError(f"group {number} names layer {layer}, there are {layers} layers")
            if layer in owner:
                raise ValueError(f"layer {layer} is in group {owner[layer]} and again in {number}")
            owner[layer] = number


def _check_pins(pins: dict[int, int], groups: Groups, shape: tuple[int, ...]) -> None:
    layers, options = shape
    for layer, option in pins.items():
        if not 0 <= layer < layers:
            raise ValueError(f"pin names layer {layer}, there are {layers} layers")
        if not 0 <= option < options:
            raise ValueError(f"layer {layer} is pinned to option {option} of {options}")
    for group in groups:
        pinned = {layer: pins[layer] for layer in group if layer in pins}
        if len(set(pinned.values())) > 1:
            raise ValueError(f"one group is pinned to different options, layer: option {pinned}")
