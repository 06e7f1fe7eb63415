"""The Lagrangian relaxation: prices on the budgets, and a bound on every allocation within."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import highspy
import numpy as np

from qcore.allocate.from_least import from_least
from qcore.allocate.frontier import walk_hulls
from qcore.allocate.problem import FloatArray, IndexArray, MergedProblem

_CUTS = 100  # prices tried at most; two budgets take 20 to 50
_CLOSE = 1e-7  # of the height above the least loss: a bound this near to the highest will do
_ROUNDING = 1e-12  # of the highest sum of losses
_TINY = 1e-300


@dataclass(frozen=True, eq=False)
class Units:
    """What is minimised, and the costs under a budget, counted from each unit's least value.

    ``loss`` (units, options) is infinite where a pin rules an option out; ``costs`` (budgets,
    units, options); ``room`` (budgets,) is what the budgets leave above the least costs.
    """

    loss: FloatArray
    costs: FloatArray
    room: FloatArray
    least_loss: float

    @staticmethod
    def of(merged: MergedProblem, objective: FloatArray, budgets: Mapping[str, float]) -> Units:
        allowed = merged.allowed
        costs, room = np.empty((len(budgets), *allowed.shape)), np.empty(len(budgets))
        for k, (name, budget) in enumerate(budgets.items()):
            extra, room[k] = from_least(merged.costs[name], allowed, budget)
            costs[k] = np.where(allowed, extra, 0.0)
        loss, minus_least = from_least(objective, allowed)
        return Units(np.where(allowed, loss, np.inf), costs, room, -minus_least)

    def charged(self, prices: FloatArray) -> FloatArray:
        """loss + prices . costs, shape (units, options)."""
        total = self.loss.copy()
        for price, cost in zip(prices, self.costs, strict=True):
            if price:
                total += price * cost
        return total

    def sums(self, choice: IndexArray) -> tuple[float, FloatArray]:
        """The loss of one option per unit, and what it leaves of each budget."""
        rows = np.arange(len(choice))
        left: FloatArray = self.room - self.costs[:, rows, choice].sum(1)
        return float(self.loss[rows, choice].sum()), left


@dataclass(frozen=True, eq=False)
class Relaxed:
    """Prices (budgets,) of a high lower ``bound`` on the loss within the budgets.

    ``choice`` is a good start at these prices, an option per unit; it may exceed the budgets.
    """

    prices: FloatArray
    bound: float
    choice: IndexArray


def relax(units: Units) -> Relaxed | None:
    """The prices at which the budgets bind; None where they prove that nothing is feasible.

    At prices p >= 0 each unit takes its option of least loss + p . cost on its own, and the sum of
    those minus p . room is at most the loss of any allocation within the budgets (Everett 1963,
    "Generalized Lagrange Multiplier Method"). One budget's best price is the slope of the step
    along the hulls that no longer fits (Dantzig 1957, "Discrete-Variable Extremum Problems"); for
    more, cutting planes find them (Kelley 1960, "The Cutting-Plane Method for Solving Convex
    Programs"). One unit with losses 1 and 0 at costs 0 and 2, room 1: price 0.5, bound 0.5.
    """
    if (units.room < 0).any():
        return None
    if len(units.room) == 1:
        return _one_budget(units, units.costs[0], float(units.room[0]))
    return _cutting_planes(units)


def _one_budget(units: Units, cost: FloatArray, room: float) -> Relaxed:
    """Along the hulls as far as the room goes."""
    start: IndexArray = np.where(cost <= cost.min(1)[:, None], units.loss, np.inf).argmin(1)
    steps = walk_hulls(units.loss, cost, start, np.zeros(len(start)))
    fitting = int(np.searchsorted(np.cumsum(steps.cost), room, side="right"))
    price = np.array([steps.slope[fitting] if fitting < len(steps.slope) else 0.0])
    # A unit that steps twice is written twice; numpy keeps the last, which is the later step.
    start[steps.unit[:fitting]] = steps.option[:fitting]
    bound = math.fsum((units.loss + price[0] * cost).min(1)) - float(price[0]) * room
    return Relaxed(price, bound, start)


def _cutting_planes(units: Units) -> Relaxed | None:
    """The highest of the lower bounds: each price tried gives a plane that none lies above."""
    highest = float(np.where(np.isfinite(units.loss), units.loss, 0.0).max(1).sum()) or 1.0
    first = [_tried(units, prices) for prices in _first_prices(units)]
    planes = [units.sums(tried.choice) for tried in first]
    best, step = max(first, key=lambda tried: tried.bound), 4 * highest
    for _ in range(_CUTS if len(units.room) else 0):
        prices, rise = _highest(planes, best, step, 4 * highest - best.bound)
        above = best.bound + rise
        tried = _tried(units, prices)
        best = max(best, tried, key=lambda tried: tried.bound)
        if best.bound > highest * (1 + 1e-9):
            return None
        step = above - best.bound
        if step <= max(_CLOSE * above, _ROUNDING * highest):
            break
        planes.append(units.sums(tried.choice))
    return best


def _highest(
    planes: list[tuple[float, FloatArray]], best: Relaxed, step: float, most: float
) -> tuple[FloatArray, float]:
    """Where the lowest of all planes loss - prices . left is highest, and how far above ``best``.

    Planes are counted from the best prices and bound, in units of ``step``, about what is to be
    found, and at most ``most``: HiGHS works to absolute tolerances.
    """
    loss, left = np.array([loss for loss, _ in planes]), np.array([left for _, left in planes])
    over = np.maximum(loss - left @ best.prices - best.bound, 0.0) / step
    weight = 1 / (1 + over)
    slope = left * weight[:, None]
    unit = np.abs(slope).max(0)
    unit[unit == 0] = 1.0
    program = highspy.Highs()
    program.silent()
    for name in ("primal_feasibility_tolerance", "dual_feasibility_tolerance"):
        program.setOptionValue(name, 1e-10)
    for price, size in zip(best.prices, unit, strict=True):
        program.addVar(-price * size / step, highspy.kHighsInf)
    program.addVar(-highspy.kHighsInf, most / step)
    program.changeColCost(len(unit), -1.0)
    rows, places = np.column_stack((slope / unit, weight)), np.arange(len(unit) + 1, dtype=np.int32)
    for row, end in zip(rows, weight * over, strict=True):
        program.addRow(-highspy.kHighsInf, end, len(row), places, row)
    program.run()
    *moved, rise = program.getSolution().col_value
    return np.maximum(best.prices + moved / unit * step, 0.0), rise * step


def _tried(units: Units, prices: FloatArray) -> Relaxed:
    charged = units.charged(prices)
    choice = charged.argmin(1)
    bound = math.fsum(charged[np.arange(len(choice)), choice]) - float(prices @ units.room)
    return Relaxed(prices, bound, choice)


def _first_prices(units: Units) -> list[FloatArray]:
    """Nothing, what each budget is worth alone, and what as its part of all of them together."""
    found = [np.zeros(len(units.room))]
    share = 1 / np.maximum(units.room, 1e-9 * units.costs.max(2).sum(1) + _TINY)
    for weights in (*np.diag(share), share):
        if len(weights):
            cost, room = np.tensordot(weights, units.costs, 1), float(weights @ units.room)
            found.append(weights * _one_budget(units, cost, room).prices[0])
    return found
