"""Allocations for a slider: over the whole range of one cost, within all other budgets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from qcore.allocate.frontier import walk_hulls
from qcore.allocate.known import best_known
from qcore.allocate.lagrangian import solve_lagrangian
from qcore.allocate.problem import (
    Allocation,
    AllocationProblem,
    FloatArray,
    IndexArray,
    MergedProblem,
    evaluate,
    merge_groups,
)
from qcore.allocate.relaxation import Units, relax
from qcore.allocate.sums import Limits, reachable

_MOST_POINTS = 400
_FEW_OPTIONS = 2000  # in all; the corners of more are close to each other
_ALL_SUMS = 60_000  # so many are all looked at
_SOLVED_WITH_OTHERS = 60  # budgets, where each takes ten times as long
_PRICES = (8, 40)  # of the other budgets, fewest and most
_WALKED = 2_000_000  # options, along all hulls together


def live_path(
    problem: AllocationProblem, cost_name: str, points: int = 200
) -> tuple[Allocation, ...]:
    """Allocations of rising ``costs[cost_name]`` and falling loss, from the cheapest to the best.

    All are within every other budget of the problem, the groups and the pins; a budget on
    ``cost_name`` itself is not looked at. Corners of the lower convex hulls are optimal at their
    own cost (see ``frontier``). Other budgets are charged at 8 to 40 prices, and what is within
    them counts. Where all choices can be looked at, as of 6 layers of 6 options, all are (see
    ``reachable``). Up to 2,000 options in all, what lies between the corners is the best known at
    ``points`` budgets (see ``best_known``), closer together where there is little. Of more than
    ``points`` (at most 400), those at such costs are taken.

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
    between: list[Allocation] = []
    if np.log(np.isfinite(units.loss).sum(1)).sum() <= np.log(_ALL_SUMS):
        found.append(_every(units, cost))
    elif units.loss.size <= _FEW_OPTIONS:
        least = float(merged.costs[cost_name][np.arange(len(cost)), cost.argmin(1)].sum())
        count = min(points, _SOLVED_WITH_OTHERS) if others else points
        limits = _spread(least, best.costs[cost_name], count)
        between = _solved(merged, cost_name, others, limits)
    path = [evaluate(problem, merged.expand(choice)) for choice in _best(found)]
    return _thinned(_rising([*path, *between], cost_name), cost_name, min(points, _MOST_POINTS))


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
    steps = units.costs.max(2).sum(1)
    steps = np.where(steps > 0, steps, 1.0)  # a cost without a range has no price
    typical = np.where(np.isfinite(units.loss), units.loss, 0.0).max(1).sum() / steps
    prices = np.where(relaxed.prices > 0, relaxed.prices, 0.01 * typical)
    return [np.zeros(len(prices)), *(factor * prices for factor in np.logspace(-3, 1.5, count))]


def _every(units: Units, cost: FloatArray) -> _Found:
    """All that the units reach together."""
    limits = Limits(np.concatenate(([np.inf], units.room)), _ALL_SUMS)
    sums = reachable(units.loss, np.concatenate((cost[None], units.costs)), limits)
    return _Found(sums.costs[0], sums.loss, lambda number: sums.choice[number])


def _solved(
    merged: MergedProblem, cost_name: str, others: Mapping[str, float], limits: FloatArray
) -> list[Allocation]:
    """The best known within each of ``limits`` on the cost."""
    found = [best_known(merged, merged.loss, {**others, cost_name: x}) for x in limits.tolist()]
    return [one.allocation for one in found if one is not None and one.allocation is not None]


def _spread(least: float, most: float, count: int) -> FloatArray:
    """Costs from the least to the most, closer together where there is little, as loss falls
    steeply there."""
    found: FloatArray = least + (most - least) * np.linspace(0.0, 1.0, count) ** 2
    return found


def _best(found: list[_Found]) -> list[IndexArray]:
    """Those that none of no more cost beats, by rising cost."""
    cost = np.concatenate([part.cost for part in found])
    loss = np.concatenate([part.loss for part in found])
    part = np.repeat(np.arange(len(found)), [len(part.cost) for part in found])
    number = np.concatenate([np.arange(len(part.cost)) for part in found])
    order = np.lexsort((loss, cost))
    falling = loss[order]
    before = np.minimum.accumulate(np.concatenate(([np.inf], falling[:-1])))
    order = order[falling < before]
    if len(order) > _MOST_POINTS:
        targets = _spread(cost[order][0], cost[order][-1], _MOST_POINTS)
        order = order[np.unique(np.searchsorted(cost[order], targets, side="right") - 1)]
    return [found[part[i]].unit_choice(int(number[i])) for i in order]


def _rising(path: list[Allocation], cost_name: str) -> list[Allocation]:
    """By rising cost, without those of no less loss than a cheaper one."""
    kept: list[Allocation] = []
    for allocation in sorted(path, key=lambda a: (a.costs[cost_name], a.loss)):
        if not kept or allocation.loss < kept[-1].loss:
            kept.append(allocation)
    return kept


def _thinned(path: list[Allocation], cost_name: str, points: int) -> tuple[Allocation, ...]:
    """At most so many, the one nearest below each of spread costs."""
    if len(path) <= points:
        return tuple(path)
    cost = np.array([allocation.costs[cost_name] for allocation in path])
    targets = _spread(cost[0], cost[-1], points)
    places = np.unique(np.searchsorted(cost, targets, side="right") - 1)
    places[-1] = len(path) - 1  # by rounding the last target may lie below it
    return tuple(path[i] for i in places.tolist())
