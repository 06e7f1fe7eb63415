"""Allocations for a slider: over the whole range of one cost, within all other budgets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from qcore.allocate.frontier import walk_hulls
from qcore.allocate.lagrangian import solve_lagrangian
from qcore.allocate.problem import (
    Allocation,
    AllocationProblem,
    FloatArray,
    IndexArray,
    evaluate,
    merge_groups,
)
from qcore.allocate.relaxation import Units, relax
from qcore.allocate.sums import Limits, reachable

_MOST_POINTS = 400
_FEW_OPTIONS = 2000  # in all, as many are searched together; more have corners close to each other
_ALL_SUMS = 60_000  # so many are all looked at
_SUMS = 700  # of more as many are kept, from unit to unit
_PRICES = (8, 40)  # of the other budgets, fewest and most
_WALKED = 2_000_000  # options, along all hulls together


def live_path(
    problem: AllocationProblem, cost_name: str, points: int = 200
) -> tuple[Allocation, ...]:
    """Allocations of rising ``costs[cost_name]`` and falling loss, from the cheapest to the best.

    All are within every other budget of the problem, the groups and the pins; a budget on
    ``cost_name`` itself is not looked at. Corners of the lower convex hulls are optimal at their
    own cost (see ``frontier``). Other budgets are charged at 8 to 40 prices, and what is within
    them counts. Up to 2,000 options in all, what lies between the corners is searched by dynamic
    programming over the sums that the units reach together (see ``reachable``): all of them where
    they are few, as of 6 layers of 6 options, else thinned to those nearest to the hulls. If more
    than ``points`` allocations (at most 400) are then best at their cost, those at evenly spaced
    costs are returned.

    Raises ``ValueError`` for an unknown cost or fewer than 2 points, and ``InfeasibleBudget`` as
    ``solve_lagrangian`` does where the other budgets cannot be met.

    >>> p = AllocationProblem([[0.3, 0.0], [0.1, 0.0]], {"bits": [[4, 8], [4, 8]]}, {})
    >>> [a.choice for a in live_path(p, "bits")]
    [(0, 0), (1, 0), (1, 1)]
    """
    if cost_name not in problem.costs:
        raise ValueError(f"no cost named {cost_name!r}, costs are {sorted(problem.costs)}")
    if points < 2:
        raise ValueError(f"points is {points}, expected 2 or more")
    others = {name: value for name, value in problem.budgets.items() if name != cost_name}
    best = solve_lagrangian(replace(problem, budgets=others))
    merged = merge_groups(problem)
    units = Units.of(merged, merged.loss, others)
    cost = Units.of(merged, merged.loss, {cost_name: 0.0}).costs[0]
    found = [_one(units, cost, np.array(best.choice)[np.unique(merged.unit_of_layer, True)[1]])]
    found += [_walk(units, cost, prices) for prices in _prices(units)]
    if units.loss.size <= _FEW_OPTIONS:
        found.append(_searched(units, cost))
    path = [
        evaluate(problem, merged.expand(choice))
        for choice in _evenly(found, min(points, _MOST_POINTS))
    ]
    return _rising(path, cost_name)


@dataclass(frozen=True, eq=False)
class _Found:
    """Allocations by ``cost`` and ``loss`` (allocations,); ``unit_choice`` gives one of them."""

    cost: FloatArray
    loss: FloatArray
    unit_choice: Callable[[int], IndexArray]


def _one(units: Units, cost: FloatArray, choice: IndexArray) -> _Found:
    rows = np.arange(len(choice))
    loss = units.loss[rows, choice].sum(keepdims=True)
    return _Found(cost[rows, choice].sum(keepdims=True), loss, lambda _: choice)


def _walk(units: Units, cost: FloatArray, prices: FloatArray) -> _Found:
    """The corners of the hulls of loss + prices . costs, those within the budgets."""
    charged = units.charged(prices)
    start: IndexArray = np.where(cost <= 0, charged, np.inf).argmin(1)
    steps = walk_hulls(charged, cost, start, np.zeros(len(start)))

    def along(table: FloatArray) -> FloatArray:
        first = table[np.arange(len(start)), start].sum()
        change = table[steps.unit, steps.option] - table[steps.unit, steps.before]
        return np.cumsum(np.concatenate(([first], change)))

    fits = np.ones(len(steps.unit) + 1, dtype=np.bool_)
    for table, room in zip(units.costs, units.room, strict=True):
        fits &= along(table) <= room
    places = np.flatnonzero(fits)

    def unit_choice(number: int) -> IndexArray:
        choice, moves = start.copy(), places[number]
        choice[steps.unit[:moves]] = steps.option[:moves]
        return choice

    return _Found(along(cost)[places], along(units.loss)[places], unit_choice)


def _prices(units: Units) -> list[FloatArray]:
    """Prices on the other budgets: nothing, and multiples of those where loss alone counts."""
    relaxed = relax(units)
    if not len(units.room) or relaxed is None:
        return [np.zeros(len(units.room))]
    count = int(np.clip(_WALKED / units.loss.size, *_PRICES))
    # A budget that does not bind there may still do so where there is less of the other cost.
    steps = np.maximum(units.costs.max(2).sum(1), 1e-300)
    typical = np.where(np.isfinite(units.loss), units.loss, 0.0).max(1).sum() / steps
    prices = np.where(relaxed.prices > 0, relaxed.prices, 0.01 * typical)
    return [np.zeros(len(prices)), *(factor * prices for factor in np.logspace(-3, 1.5, count))]


def _searched(units: Units, cost: FloatArray) -> _Found:
    """What the units reach together, the dearest first: the rest then fills in between."""
    order = np.argsort(-cost.max(1), kind="stable")
    combinations = float(np.isfinite(units.loss).sum(1).astype(float).prod())
    most = _ALL_SUMS if combinations <= _ALL_SUMS else _SUMS
    room = np.concatenate(([np.inf], units.room))
    costs = np.concatenate((cost[None], units.costs))
    limits = Limits(room, most, excess=_excess(units, cost, order))
    sums = reachable(units.loss[order], costs[:, order], limits)
    back = np.argsort(order)
    return _Found(sums.costs[0], sums.loss, lambda number: sums.choice[number, back])


def _excess(
    units: Units, cost: FloatArray, order: IndexArray
) -> Callable[[int, FloatArray, FloatArray], FloatArray]:
    """How far sums of the first units lie above their hull, in parts of the whole loss there."""
    charged, cost = units.loss[order], cost[order]
    start: IndexArray = np.where(cost <= 0, charged, np.inf).argmin(1)
    steps = walk_hulls(charged, cost, start, np.zeros(len(start)))
    first = charged[np.arange(len(start)), start]
    whole = first.sum() - np.concatenate(([0.0], steps.saved.cumsum()))
    whole = np.maximum(whole, 1e-6 * whole[0] + 1e-300)

    def excess(unit: int, loss: FloatArray, costs: FloatArray) -> FloatArray:
        mine = steps.unit <= unit
        at = np.concatenate(([0.0], steps.cost[mine].cumsum()))
        least = first[: unit + 1].sum() - np.concatenate(([0.0], steps.saved[mine].cumsum()))
        scale = np.concatenate((whole[:1], whole[1:][mine]))
        above: FloatArray = (loss - np.interp(costs[0], at, least)) / np.interp(costs[0], at, scale)
        return above

    return excess


def _evenly(found: list[_Found], points: int) -> list[IndexArray]:
    """Of those that none of no more cost beats, the one nearest below each of even costs."""
    cost = np.concatenate([part.cost for part in found])
    loss = np.concatenate([part.loss for part in found])
    part = np.repeat(np.arange(len(found)), [len(part.cost) for part in found])
    number = np.concatenate([np.arange(len(part.cost)) for part in found])
    order = np.lexsort((loss, cost))
    falling = loss[order]
    before = np.minimum.accumulate(np.concatenate(([np.inf], falling[:-1])))
    order = order[falling < before]
    if len(order) > points:
        rising = cost[order]
        targets = np.linspace(rising[0], rising[-1], points)
        order = order[np.unique(np.searchsorted(rising, targets, side="right") - 1)]
    return [found[part[i]].unit_choice(int(number[i])) for i in order]


def _rising(path: list[Allocation], cost_name: str) -> tuple[Allocation, ...]:
    """Without those that rounding alone told apart."""
    kept: list[Allocation] = []
    for allocation in sorted(path, key=lambda a: (a.costs[cost_name], a.loss)):
        if not kept or allocation.loss < kept[-1].loss:
            kept.append(allocation)
    return tuple(kept)
