"""What one more unit of each budget is worth."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from qcore.allocate.frontier import frontier
from qcore.allocate.problem import (
    AllocationProblem,
    FloatArray,
    MergedProblem,
    budget_limit,
    merge_groups,
)


def shadow_prices(problem: AllocationProblem) -> dict[str, float] | None:
    """For each budget the loss that one more unit of it would save; None where infeasible.

    The multiplier of the budget in the linear relaxation, whose optimum is the lower convex hull of
    all allocations (Everett 1963, "Generalized Lagrange Multiplier Method"). 0 for a budget that
    does not bind. With one budget it is the slope of the frontier there, at a corner that of the
    step above; with more, HiGHS solves the relaxation. The unit is that of the loss per that of the
    cost: nats per byte, say.

    >>> p = AllocationProblem([[0.0, 0.3], [0.0, 0.1]], {"bits": [[8, 4], [8, 4]]}, {"bits": 9})
    >>> round(shadow_prices(p)["bits"], 6)
    0.075
    """
    if not problem.budgets:
        return {}
    if len(problem.budgets) > 1:
        return _relaxed(merge_groups(problem))
    ((name, budget),) = problem.budgets.items()
    points = frontier(problem, name)
    point = points.best_within(budget)
    if point is None:
        return None
    if point == len(points) - 1:
        return {name: 0.0}
    saved = points.loss[point] - points.loss[point + 1]
    return {name: float(saved / (points.cost[point + 1] - points.cost[point]))}


def priced(
    problem: AllocationProblem, cost_name: str, prices: Mapping[str, float]
) -> AllocationProblem:
    """The problem of one cost; every other budget has become a price on the loss."""
    loss = problem.loss.copy()
    for name, price in prices.items():
        if name != cost_name and price:
            loss += price * problem.costs[name]
    kept = {name: value for name, value in problem.budgets.items() if name == cost_name}
    costs = {cost_name: problem.costs[cost_name]}
    return replace(problem, loss=loss, costs=costs, budgets=kept)


def _relaxed(merged: MergedProblem) -> dict[str, float] | None:
    """Multipliers of the linear program over fractions of options."""
    from scipy.optimize import linprog  # the process that only draws need not import scipy
    from scipy.sparse import csr_array

    allowed, budgets = merged.allowed, merged.source.budgets
    loss, loss_unit, _ = _scaled(merged.loss, allowed)
    rows, units, room = [], [], []
    for name, budget in budgets.items():
        row, unit, least = _scaled(merged.costs[name], allowed)
        rows.append(row)
        units.append(unit)
        room.append((budget_limit(budget) - least) / unit)
    owner = np.nonzero(allowed)[0]
    found = linprog(
        loss,
        A_ub=np.stack(rows),
        b_ub=room,
        A_eq=csr_array((np.ones(len(owner)), (owner, np.arange(len(owner))))),
        b_eq=np.ones(len(allowed)),
        method="highs",
    )
    if found.status == 2:
        return None
    if not found.success:
        raise RuntimeError(f"HiGHS did not solve the relaxation: {found.message}")
    duals = zip(budgets, found.ineqlin.marginals, units, strict=True)
    return {name: max(0.0, -float(dual)) * loss_unit / unit for name, dual, unit in duals}


def _scaled(table: FloatArray, allowed: npt.NDArray[np.bool_]) -> tuple[FloatArray, float, float]:
    """Allowed entries counted from each unit's least and divided by the largest, that largest, and
    the sum of the least: HiGHS works to absolute tolerances."""
    least = np.where(allowed, table, np.inf).min(axis=1)
    extra = (table - least[:, None])[allowed]
    largest = float(extra.max()) or 1.0
    return extra / largest, largest, math.fsum(least)
