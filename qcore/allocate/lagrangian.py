"""Allocations from prices on the budgets: milliseconds for thousands of kernels, with a bound."""

from __future__ import annotations

import time
from dataclasses import replace

from qcore.allocate.ilp import solve_ilp
from qcore.allocate.infeasible import infeasible
from qcore.allocate.known import best_known, proven_gap
from qcore.allocate.problem import Allocation, AllocationProblem, merge_groups


def solve_lagrangian(problem: AllocationProblem) -> Allocation:
    """Least loss within every budget, as far as prices on the budgets can tell, with a bound.

    Prices give a lower bound on the loss and, for each unit (a layer, or a group), the options that
    a better allocation may need (see ``relax``). From the choice at these prices, changed until
    it is within the budgets, what is left of them is spent, and the units with the closest
    alternatives are chosen anew together by dynamic programming (see ``improved``). Where that
    tries all that could be better, ``bound`` is the loss and ``gap`` 0; elsewhere ``gap`` says how
    far the allocation can be from the best. Where prices do not lead within the budgets, the
    integer program decides.

    Raises ``InfeasibleBudget`` where the budgets cannot be met and ``SolverTimeout`` where the
    integer program took too long to find out.

    >>> p = AllocationProblem([[0.0, 0.3], [0.0, 0.1]], {"bits": [[8, 4], [8, 4]]}, {"bits": 12})
    >>> found = solve_lagrangian(p)
    >>> found.choice, found.loss, found.gap
    ((0, 1), 0.1, 0.0)
    """
    started = time.perf_counter()
    merged = merge_groups(problem)
    known = best_known(merged, merged.loss, problem.budgets)
    if known is None:
        raise infeasible(merged)
    found = known.allocation
    if found is None:
        found = solve_ilp(problem)
        return replace(found, seconds=time.perf_counter() - started)
    # By rounding alone the bound may lie above.
    bound = found.loss if known.proven else min(known.bound, found.loss)
    seconds = time.perf_counter() - started
    return replace(found, bound=bound, gap=proven_gap(found.loss, bound), seconds=seconds)
