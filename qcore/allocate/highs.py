"""The least loss, or cost, within budgets: by prices where they prove it, else by HiGHS."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pulp

from qcore.allocate.known import best_known
from qcore.allocate.problem import (
    Allocation,
    FloatArray,
    MergedProblem,
    budget_limit,
    evaluate,
)
from qcore.allocate.program import BoolArray, build, unscaled, usable_options

# The default absolute gap of 1e-6 would end the search early where losses are small. The presolve
# is off because it sometimes calls a wrong answer optimal: of 15,000 small random problems, also
# solved by trying every choice, HiGHS 1.15.1 missed two with presolve, by far, and none without.
_OPTIONS: dict[str, Any] = {
    "presolve": "off",
    "mip_feasibility_tolerance": 1e-9,
    "primal_feasibility_tolerance": 1e-9,
    "dual_feasibility_tolerance": 1e-9,
}
_TOO_SHORT = "the time limit passed before an allocation within the budgets was found"


class SolverTimeout(RuntimeError):
    """The time limit passed before the solver found any allocation within the budgets."""


def minimise(
    merged: MergedProblem,
    cost_name: str | None,
    budgets: Mapping[str, float],
    deadline: float,
    relative_gap: float = 0.0,
) -> Allocation | None:
    """Least loss, or least cost of that name, within ``budgets``; ``None`` if infeasible.

    ``bound`` is on what is minimised: its value, up to rounding, where prices on the budgets prove
    that nothing is better (see ``best_known``). Elsewhere HiGHS solves the integer program of the
    options that something better may need. ``deadline`` is a reading of ``time.perf_counter``; once
    it has passed, the best allocation known counts. Raises ``SolverTimeout`` where there is none.
    """
    objective = merged.loss if cost_name is None else merged.costs[cost_name]
    known = best_known(merged, objective, budgets)
    if known is None:
        return None

    def value(allocation: Allocation) -> float:
        return allocation.loss if cost_name is None else allocation.costs[cost_name]

    if known.allocation is not None and known.proven:
        return replace(known.allocation, bound=value(known.allocation))
    usable = usable_options(merged, known.useful, objective, budgets)
    found = None
    try:
        if usable is not None:
            found = solve_program(merged, objective, budgets, usable, deadline, relative_gap)
    except SolverTimeout:
        if known.allocation is None:
            raise
    best = min((a for a in (found, known.allocation) if a is not None), key=value, default=None)
    if best is None:
        return None
    # What the solver proved of the options it was given holds of all: the others are in nothing
    # better than what was known before.
    proven = known.bound if found is None or found.bound is None else max(found.bound, known.bound)
    return replace(best, bound=min(proven, value(best)))


def solve_program(
    merged: MergedProblem,
    objective: FloatArray,
    budgets: Mapping[str, float],
    usable: BoolArray,
    deadline: float,
    relative_gap: float,
) -> Allocation | None:
    """The least sum of ``objective`` (units, options) within ``budgets``, by HiGHS alone.

    Only ``usable`` options (units, options) are taken. ``bound`` is the solver's, on what is
    minimised. None if infeasible; raises ``SolverTimeout`` as ``minimise`` does.
    """
    if time.perf_counter() >= deadline:
        raise SolverTimeout(_TOO_SHORT)
    model, binaries = build(objective, merged.costs, budgets, usable)
    choice = usable.argmax(axis=1)
    while True:
        bound = _run(model, deadline, relative_gap) if binaries else 0.0
        if bound is None:
            return None
        taken = [place for place, binary in binaries.items() if binary.value() > 0.5]
        for unit, option in taken:
            choice[unit] = option
        found = evaluate(merged.source, merged.expand(choice))
        if all(found.costs[name] <= budget_limit(budgets[name]) for name in budgets):
            reached = math.fsum(objective[np.arange(len(choice)), choice])
            return replace(found, bound=unscaled(bound, objective, usable, reached))
        if not binaries:
            return None
        # The solver's tolerance let a budget through by a hair: forbid this one choice and repeat.
        # Tightening the budget instead could lose an allocation that meets it exactly.
        model += pulp.lpSum(binaries[place] for place in taken) <= len(taken) - 1


def _run(model: Any, deadline: float, relative_gap: float) -> float | None:
    """Solve in place: the lower bound, in the model's scale, or ``None`` if infeasible."""
    left = deadline - time.perf_counter()
    if left <= 0:
        raise SolverTimeout(_TOO_SHORT)
    result: Any = model.solve(
        pulp.HiGHS(msg=False, gapRel=relative_gap, gapAbs=0.0, timeLimit=left, **_OPTIONS)
    )
    # PuLP 3 returns a status number, PuLP 4 an object with the statistics.
    if isinstance(result, int):
        status, solved = pulp.LpStatus[result], result == pulp.LpStatusOptimal
        bound = model.solverModel.getInfo().mip_dual_bound
    else:
        status, solved, bound = result.status_str, result.has_solution, result.best_bound
    if status == "Infeasible":
        return None
    if not solved and time.perf_counter() >= deadline:
        raise SolverTimeout(_TOO_SHORT)
    if not solved:
        raise RuntimeError(f"HiGHS stopped without an allocation, status {status!r}")
    return -math.inf if bound is None else float(bound)
