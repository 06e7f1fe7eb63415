"""The allocation of least loss within the budgets, by integer linear programming."""

from __future__ import annotations

import time
from dataclasses import replace

from qcore.allocate.highs import minimise
from qcore.allocate.infeasible import infeasible
from qcore.allocate.known import proven_gap
from qcore.allocate.problem import Allocation, AllocationProblem, merge_groups


def solve_ilp(
    problem: AllocationProblem,
    *,
    time_limit_seconds: float = 10.0,
    relative_gap: float = 1e-9,
) -> Allocation:
    """Find the allocation of least loss within every budget, with a proof of how good it is.

    This is the integer program of CalibTIP (Hubara et al. 2020, "Improving Post Training Neural
    Quantization: Layer-wise Calibration and Integer Programming", equation 5): one binary per unit
    and option. Prices on the budgets come first (see ``best_known``): where they prove that an
    allocation is the best, it is returned, ``bound`` its loss and ``gap`` 0, up to rounding. Else
    HiGHS solves the program of the options that a better one may need. It stops when the loss,
    counted from the sum of each unit's least loss, is proven within ``relative_gap``, or at the
    time limit with the best allocation so far; ``bound`` and ``gap`` say what was proven. Budgets
    hold to ``BUDGET_TOLERANCE``.

    Raises ``InfeasibleBudget`` where the budgets cannot be met (with several budgets, working out
    the nearest feasible value may take a second more for each), ``SolverTimeout`` where the time
    was too short to find an allocation, ``ValueError`` for a limit or gap out of range.

    >>> p = AllocationProblem([[0.0, 0.3], [0.0, 0.1]], {"bits": [[8, 4], [8, 4]]}, {"bits": 12})
    >>> solve_ilp(p).choice, solve_ilp(p).loss
    ((0, 1), 0.1)
    """
    if not time_limit_seconds > 0:
        raise ValueError(f"time_limit_seconds is {time_limit_seconds}, expected more than 0")
    if not relative_gap >= 0:
        raise ValueError(f"relative_gap is {relative_gap}, expected 0 or more")
    started = time.perf_counter()
    merged = merge_groups(problem)
    deadline = started + time_limit_seconds
    found = minimise(merged, None, problem.budgets, deadline, relative_gap)
    if found is None:
        raise infeasible(merged)
    gap = None if found.bound is None else proven_gap(found.loss, found.bound)
    return replace(found, gap=gap, seconds=time.perf_counter() - started)
