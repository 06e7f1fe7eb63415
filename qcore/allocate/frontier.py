"""Every best trade of loss against one cost, at once: the Lagrangian relaxation."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from qcore.allocate.problem import (
    AllocationProblem,
    FloatArray,
    IndexArray,
    budget_limit,
    merge_groups,
)


@dataclass(frozen=True, eq=False)
class Frontier:
    """Points of rising cost and falling loss, from the cheapest allocation to the best one.

    ``cost`` and ``loss`` have shape (points,) and are sums over the layers. A choice is rebuilt
    on demand, because thousands of points of thousands of layers would not fit in memory.
    """

    cost: FloatArray
    loss: FloatArray
    _start: IndexArray = field(repr=False)
    _step_unit: IndexArray = field(repr=False)
    _step_option: IndexArray = field(repr=False)
    _unit_of_layer: IndexArray = field(repr=False)

    def __len__(self) -> int:
        return len(self.cost)

    def choice_at(self, point: int) -> tuple[int, ...]:
        """One option per layer at ``point``; ``IndexError`` outside 0 .. len - 1."""
        if not 0 <= point < len(self):
            raise IndexError(f"point {point} of a frontier of {len(self)} points")
        unit_choice = self._start.copy()
        # A unit that steps twice is written twice; numpy keeps the last, which is the later step.
        unit_choice[self._step_unit[:point]] = self._step_option[:point]
        return tuple(unit_choice[self._unit_of_layer].tolist())

    def best_within(self, budget: float) -> int | None:
        """The point of least loss whose cost is within ``budget``; ``None`` if there is none."""
        fitting = int(np.searchsorted(self.cost, budget_limit(budget), side="right"))
        return fitting - 1 if fitting else None


def frontier(problem: AllocationProblem, cost_name: str) -> Frontier:
    """Trade loss against ``costs[cost_name]``, whatever the budgets, within groups and pins.

    Each unit (a layer, or a group) starts at its cheapest option and moves along the lower left
    convex hull of its (cost, loss) options. All moves together are made in the order of loss saved
    per unit of cost. Moves that save nothing are left out.

    Every point is exactly optimal for its own cost: it minimises loss + price * cost for the price
    at which its last move pays, so an allocation of no more cost and less loss would contradict
    that minimum (Everett 1963, "Generalized Lagrange Multiplier Method", main theorem). Between two
    points a better allocation may exist; no allocation lies below the line that joins them
    (Dantzig 1957, "Discrete-Variable Extremum Problems").

    Raises ``ValueError`` for an unknown cost name.

    >>> p = AllocationProblem([[0.3, 0.0], [0.1, 0.0]], {"bits": [[4, 8], [4, 8]]}, {})
    >>> points = frontier(p, "bits")
    >>> points.cost.tolist(), points.choice_at(1), points.best_within(11.5)
    ([8.0, 12.0, 16.0], (1, 0), 0)
    """
    if cost_name not in problem.costs:
        raise ValueError(f"no cost named {cost_name!r}, costs are {sorted(problem.costs)}")
    merged = merge_groups(problem)
    start = merged.cheapest(cost_name)
    loss = np.where(merged.allowed, merged.loss, np.inf)
    # Adding up a group's rows leaves rounding behind, which must not look like loss saved.
    noise = merged.rounding(problem.loss)
    steps = walk_hulls(loss, merged.costs[cost_name], start, noise)
    rows = np.arange(len(start))
    first_cost = merged.costs[cost_name][rows, start].sum()
    first_loss = merged.loss[rows, start].sum()
    return Frontier(
        cost=np.cumsum(np.concatenate(([first_cost], steps.cost))),
        loss=np.cumsum(np.concatenate(([first_loss], -steps.saved))),
        _start=start,
        _step_unit=steps.unit,
        _step_option=steps.option,
        _unit_of_layer=merged.unit_of_layer,
    )


@dataclass(frozen=True, eq=False)
class Steps:
    """Moves along the hulls, steepest first: ``unit`` goes from option ``before`` to ``option``.

    Each array has the shape (steps,).
    """

    unit: IndexArray
    before: IndexArray
    option: IndexArray
    cost: FloatArray
    saved: FloatArray
    slope: FloatArray


def walk_hulls(loss: FloatArray, cost: FloatArray, start: IndexArray, noise: FloatArray) -> Steps:
    """From each unit's ``start``, take the steepest move there is, until none saves loss.

    ``loss`` and ``cost`` are (units, options); infinite loss rules an option out. ``start`` is each
    unit's cheapest option, ``noise`` (units,) what does not count as saved. One unit, losses 10, 9
    and 2 at costs 0, 1 and 2: a single step of slope 4 to the last.
    """
    units, at, limit = np.arange(len(start)), start, np.full(len(start), np.inf)
    found: list[tuple[npt.NDArray[np.generic], ...]] = []
    for _ in range(cost.shape[1] - 1):
        rows = np.arange(len(units))
        more = cost - cost[rows, at][:, None]
        saved = loss[rows, at][:, None] - loss
        slope = np.zeros_like(more)
        with np.errstate(over="ignore"):
            np.divide(saved, more, out=slope, where=(more > 0) & (saved > noise[:, None]))
        best = slope.argmax(axis=1)
        rows = np.flatnonzero(slope[rows, best] > 0)
        if not len(rows):
            break
        before, at, units = at[rows], best[rows], units[rows]
        loss, cost, noise = loss[rows], cost[rows], noise[rows]
        # Rounding may make a slope exceed the one before it, which a convex hull never does.
        limit = np.minimum(limit[rows], slope[rows, at])
        found.append((units, before, at, more[rows, at], saved[rows, at], limit))
    empty = tuple(np.empty(0, t) for t in (np.intp, np.intp, np.intp, float, float, float))
    *places, spent, gained, steepness = map(np.concatenate, zip(empty, *found, strict=True))
    # A unit's moves are in order; equal slopes must stay so, or a later move would come first.
    order = np.argsort(-steepness, kind="stable")
    unit, before, option = (place[order] for place in places)
    return Steps(unit, before, option, spent[order], gained[order], steepness[order])
