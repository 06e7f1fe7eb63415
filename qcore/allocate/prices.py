"""What one more unit of each budget is worth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from qcore.allocate.problem import AllocationProblem, merge_groups
from qcore.allocate.relaxation import Units, relax


def shadow_prices(problem: AllocationProblem) -> dict[str, float] | None:
    """For each budget the loss that one more unit of it would save; None where infeasible.

    The multiplier of the budget in the linear relaxation, whose optimum is the lower convex hull of
    all allocations (Everett 1963, "Generalized Lagrange Multiplier Method"). 0 for a budget that
    does not bind. With one budget it is the slope of the frontier there, at a corner that of the
    step above (see ``relax``). The unit is that of the loss per that of the cost: nats per byte,
    say.

    >>> p = AllocationProblem([[0.0, 0.3], [0.0, 0.1]], {"bits": [[8, 4], [8, 4]]}, {"bits": 9})
    >>> round(shadow_prices(p)["bits"], 6)
    0.075
    """
    merged = merge_groups(problem)
    relaxed = relax(Units.of(merged, merged.loss, problem.budgets))
    if relaxed is None:
        return None
    return dict(zip(problem.budgets, relaxed.prices.tolist(), strict=True))


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
