"""Budgets are met by lowering bits from the last unit to the first, as HAQ does."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from qcore.agents.task import SearchTask
from qcore.allocate.problem import FloatArray, IndexArray, budget_limit

_LOSS = "loss"
_MOST_REPAIRS = 2_000  # of single units; each looks at all options of all units


def within_budgets(task: SearchTask, choice: IndexArray) -> IndexArray | None:
    """``choice`` (units,) changed by as little as meets every budget; None where that fails.

    HAQ's rule (Wang et al. 2019, arXiv 1811.08886, section 3.2, as its code does it): sweep from
    the last unit to the first; of each lower the input by one width, then the weights by one; stop
    as soon as the budgets hold; sweep again while they do not. A budget of loss is met the other
    way: weights are raised, then inputs, from the last unit to the first. Where no width is left
    to lower, every unit takes its option of least cost of a budget: costs need not rise with
    every bit. Where budgets pull in different directions, single units are changed then, each time
    the one and to the option that leaves least of what exceeds the budgets. Pinned units keep their
    option. Example: three layers at 8 bits with room for 20 at
    widths 4 and 8 become 8, 8, 4.
    """
    found = np.where(task.free, choice, task.pinned)
    costs = {n: b for n, b in task.problem.budgets.items() if n != _LOSS}
    if costs and not _met(task, found, costs):
        found = _swept(task, found, costs, -1)
    if _LOSS in task.problem.budgets and not _met(task, found, task.problem.budgets):
        found = _swept(task, found, {_LOSS: task.problem.budgets[_LOSS]}, +1)
    if _met(task, found, task.problem.budgets):
        return found
    cheapest = (task.merged.cheapest(name) for name in task.problem.budgets)
    known = next((one for one in cheapest if _met(task, one, task.problem.budgets)), None)
    if known is not None or len(task.problem.budgets) == 1:
        return known
    return next(
        (one for one in (_repaired(task, s) for s in (found, choice)) if one is not None), None
    )


def _repaired(task: SearchTask, start: IndexArray) -> IndexArray | None:
    """``start`` with single units changed until all budgets hold; None where no change helps."""
    found = np.where(task.free, start, task.pinned)
    rows, budgets = np.arange(len(found)), task.problem.budgets
    costs = np.stack([task.merged.costs[name] for name in budgets])
    limits = np.array([budget_limit(budget) for budget in budgets.values()])
    least = np.where(task.merged.allowed, costs, np.inf).min(2).sum(1)
    # What exceeds a budget, as a part of what that budget leaves above the least cost.
    scale = np.maximum(limits - least, 1e-9 * np.abs(costs).sum((1, 2)) + 1e-300)
    for _ in range(_MOST_REPAIRS):
        if _met(task, found, budgets):
            return found
        totals = costs[:, rows, found].sum(1) - limits
        after = totals[:, None, None] + costs - costs[:, rows, found][:, :, None]
        excess = np.maximum(after / scale[:, None, None], 0.0).sum(0)
        excess = np.where(task.merged.allowed, excess, np.inf)
        unit, option = np.unravel_index(excess.argmin(), excess.shape)
        if not excess[unit, option] < np.maximum(totals / scale, 0.0).sum():
            return None
        found[unit] = option
    return None


def _met(task: SearchTask, choice: IndexArray, budgets: Mapping[str, float]) -> bool:
    rows = np.arange(len(choice))
    return all(
        math.fsum(task.merged.costs[name][rows, choice]) <= budget_limit(budget)
        for name, budget in budgets.items()
    )


def _swept(
    task: SearchTask, choice: IndexArray, budgets: Mapping[str, float], step: int
) -> IndexArray:
    """Sweeps until the budgets hold, or nothing can be moved."""
    found = choice.copy()
    units, each = _moves(task, found, step)
    while len(units):
        first = _first_within(task, found, units, each, budgets)
        # A unit may be moved twice in a sweep; numpy keeps the last, which is the later move.
        found[units[: first + 1]] = each[: first + 1]
        if _met(task, found, budgets):
            break
        units, each = _moves(task, found, step)
    return found


def _moves(task: SearchTask, choice: IndexArray, step: int) -> tuple[IndexArray, IndexArray]:
    """One sweep: which unit moves to which option, in order."""
    axes = task.axes
    weight, inputs = axes.weight_of[choice], axes.input_of[choice]
    weight_to = np.clip(weight + step, 0, len(axes.weight_bits) - 1)
    input_to = np.clip(inputs + step, 0, len(axes.input_bits) - 1)
    half = axes.option[weight, input_to] if step < 0 else axes.option[weight_to, inputs]
    whole = axes.option[weight_to, input_to]
    order = np.flatnonzero(task.free)[::-1]
    units = np.repeat(order, 2)
    before = np.stack([choice[order], half[order]], 1).ravel()
    after = np.stack([half[order], whole[order]], 1).ravel()
    moved = before != after
    return units[moved], after[moved]


def _first_within(
    task: SearchTask,
    choice: IndexArray,
    units: IndexArray,
    each: IndexArray,
    budgets: Mapping[str, float],
) -> int:
    """The first move of a sweep after which the budgets hold; the last where none is."""
    rows, held = np.arange(len(choice)), np.ones(len(units), dtype=bool)
    before = choice[units]
    again = np.flatnonzero(units[1:] == units[:-1]) + 1  # the second move of one unit
    before[again] = each[again - 1]
    for name, budget in budgets.items():
        cost: FloatArray = task.merged.costs[name]
        change = np.cumsum(cost[units, each] - cost[units, before])
        held &= math.fsum(cost[rows, choice]) + change <= budget_limit(budget)
    return int(held.argmax()) if held.any() else len(units) - 1
