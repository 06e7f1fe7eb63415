"""Budgets that cannot be met, and the nearest that can."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from dataclasses import replace

from qcore.allocate.from_least import from_least
from qcore.allocate.highs import SolverTimeout, minimise
from qcore.allocate.problem import Allocation, MergedProblem, evaluate

_SECONDS = 1.0  # to look for the nearest within the other budgets


class InfeasibleBudget(ValueError):
    """No allocation meets the budgets.

    ``name`` is the budget to change and ``given`` its value. ``nearest`` is the smallest value it
    can take within pins, groups and the other budgets (without these where they cannot be met
    either), in the cost's own unit, and ``allocation`` is the one of least loss there; both are the
    best found in a second, which thousands of layers or nearly equal options may use up.
    """

    def __init__(
        self, name: str, given: float, nearest: float, allocation: Allocation, message: str
    ) -> None:
        # All fields go into args, so that the exception survives pickling between processes.
        super().__init__(name, given, nearest, allocation, message)
        self.name, self.given, self.nearest = name, given, nearest
        self.allocation, self.message = allocation, message

    def __str__(self) -> str:
        return self.message


def impossible_alone(merged: MergedProblem) -> str | None:
    """The first budget that even the cheapest allocation exceeds."""
    for name, budget in merged.source.budgets.items():
        if from_least(merged.costs[name], merged.allowed, budget)[1] < 0:
            return name
    return None


def infeasible(merged: MergedProblem) -> InfeasibleBudget:
    """Which budget to change, to what, and what that buys."""
    budgets = merged.source.budgets
    alone = impossible_alone(merged)
    names = list(budgets) if alone is None else [alone]
    for name in names:
        others = {other: budget for other, budget in budgets.items() if other != name}
        found = _cheapest(merged, name, others)
        if found is not None:
            break
    else:
        name, others = names[0], {}
        found = _cheapest_alone(merged, name)
    # Its bound may be one on the cost.
    found, nearest = replace(found, bound=None), found.costs[name]
    if alone is not None:
        problem = f"budget {name!r} = {budgets[name]:.12g} cannot be met"
    else:
        problem = f"budgets {', '.join(map(repr, budgets))} cannot be met together"
    given = "" if alone is not None else f" (given: {budgets[name]:.12g})"
    kept = " within the other budgets" if others else ""
    message = (
        f"{problem}: the smallest feasible {name!r}{kept} is {nearest:.12g}{given}; "
        "allow that much, or loosen pins and groups"
    )
    return InfeasibleBudget(name, budgets[name], nearest, found, message)


def _cheapest(merged: MergedProblem, name: str, others: Mapping[str, float]) -> Allocation | None:
    """Least ``costs[name]`` within ``others``, of those the least loss; ``None`` if not found."""
    if not others:
        return _cheapest_alone(merged, name)
    least = None
    with contextlib.suppress(SolverTimeout):
        deadline = time.perf_counter() + _SECONDS
        least = minimise(merged, name, others, deadline)
        if least is not None:
            limits = {**others, name: least.costs[name]}
            least = minimise(merged, None, limits, deadline) or least
    return least


def _cheapest_alone(merged: MergedProblem, name: str) -> Allocation:
    """Least ``costs[name]``, of those the least loss: each unit decides for itself."""
    return evaluate(merged.source, merged.expand(merged.cheapest(name)))
