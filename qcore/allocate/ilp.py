"""The allocation of least loss within the budgets, by integer linear programming."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pulp

from qcore.allocate.problem import (
    Allocation,
    AllocationProblem,
    FloatArray,
    MergedProblem,
    budget_limit,
    evaluate,
    merge_groups,
)

BoolArray = npt.NDArray[np.bool_]

# HiGHS works to absolute tolerances. With the largest coefficient of every row near 1e4 and these
# tolerances it tells apart values that differ by 1e-13 of that coefficient. The default absolute
# gap of 1e-6 would end the search early where losses are small. Its presolve is off because it
# sometimes calls a wrong answer optimal: of 15,000 small random problems, also solved by trying
# every choice, HiGHS 1.15.1 missed two with presolve, by far, and none without.
_LARGEST_EXPONENT = 13
_OPTIONS: dict[str, Any] = {
    "presolve": "off",
    "mip_feasibility_tolerance": 1e-9,
    "primal_feasibility_tolerance": 1e-9,
    "dual_feasibility_tolerance": 1e-9,
}
_ROUNDING = 1e-12
_TOO_SHORT = "the time limit passed before an allocation within the budgets was found"


class SolverTimeout(RuntimeError):
    """The time limit passed before the solver found any allocation within the budgets."""


class InfeasibleBudget(ValueError):
    """No allocation meets the budgets.

    ``name`` is the budget to change and ``given`` its value. ``nearest`` is the smallest value it
    can take within pins, groups and the other budgets (without these where they cannot be met
    either), in the cost's own unit, and ``allocation`` is the one of least loss there.
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


def solve_ilp(
    problem: AllocationProblem,
    *,
    time_limit_seconds: float = 10.0,
    relative_gap: float = 1e-9,
) -> Allocation:
    """Find the allocation of least loss within every budget, with a proof of how good it is.

    This is the integer program of CalibTIP (Hubara et al. 2020, "Improving Post Training Neural
    Quantization: Layer-wise Calibration and Integer Programming", equation 5): one binary per unit
    and option, solved by HiGHS. It stops when the loss, counted from the sum of each unit's least
    loss, is proven within ``relative_gap``, or at the time limit with the best allocation so far;
    ``bound`` and ``gap`` say what was proven. Budgets hold to ``BUDGET_TOLERANCE``.

    Raises ``InfeasibleBudget`` where the budgets cannot be met (with several budgets, working out
    the nearest feasible value may take the time limit again for each), ``SolverTimeout`` where the
    time was too short to find an allocation, ``ValueError`` for a limit or gap out of range.

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
    found = None
    if _impossible_alone(merged) is None:
        deadline = started + time_limit_seconds
        found = _minimise(merged, None, problem.budgets, deadline, relative_gap)
    if found is None:
        raise _infeasible(merged, time_limit_seconds)
    gap = None
    if found.bound is not None:
        gap = (found.loss - found.bound) / max(abs(found.loss), np.finfo(np.float64).tiny)
    return replace(found, gap=gap, seconds=time.perf_counter() - started)


def _minimise(
    merged: MergedProblem,
    cost_name: str | None,
    budgets: Mapping[str, float],
    deadline: float,
    relative_gap: float = 0.0,
) -> Allocation | None:
    """Least loss, or least cost of that name, within ``budgets``; ``None`` if infeasible.

    ``bound`` is on what is minimised. ``deadline`` is a reading of ``time.perf_counter``.
    """
    objective = merged.loss if cost_name is None else merged.costs[cost_name]
    usable = _usable(merged, objective, budgets)
    if usable is None:
        return None
    model, binaries = _build(merged, objective, budgets, usable)
    while True:
        bound = _run(model, deadline, relative_gap)
        if bound is None:
            return None
        value = np.full(usable.shape, -1.0)
        value[usable] = [binary.value() for binary in binaries]
        choice = value.argmax(axis=1)
        found = evaluate(merged.source, merged.expand(choice))
        if all(found.costs[name] <= budget_limit(budgets[name]) for name in budgets):
            reached = found.loss if cost_name is None else found.costs[cost_name]
            return replace(found, bound=_unscaled(bound, objective, usable, reached))
        # The solver's tolerance let a budget through by a hair: forbid this one choice and repeat.
        # Tightening the budget instead could lose an allocation that meets it exactly.
        chosen = choice[:, None] == np.arange(usable.shape[1])
        taken = [x for x, hit in zip(binaries, chosen[usable], strict=True) if hit]
        model += pulp.lpSum(taken) <= len(taken) - 1


def _usable(
    merged: MergedProblem, objective: FloatArray, budgets: Mapping[str, float]
) -> BoolArray | None:
    """Options that an optimal choice may need, or ``None`` if some budget leaves a unit none.

    Dropping the hopeless ones makes the model smaller, and lets it be scaled to what remains.
    """
    usable = merged.allowed.copy()
    for name, budget in budgets.items():
        extra, room = _above_least(merged.costs[name], merged.allowed, budget)
        usable &= extra <= room + _ROUNDING * np.abs(extra)
    if not usable.any(axis=1).all():
        return None
    tables = np.stack([objective, *(merged.costs[name] for name in budgets)])
    options = np.arange(usable.shape[1])
    for other in options:
        # An option is needless beside one that is nowhere worse; of equals the first stays.
        theirs = tables[:, :, other, None]
        beaten = (theirs <= tables).all(axis=0)
        beaten &= (theirs < tables).any(axis=0) | (other < options)
        usable &= ~(usable[:, other, None] & beaten)
    return usable


def _above_least(
    table: FloatArray, usable: BoolArray, budget: float = 0.0
) -> tuple[FloatArray, float]:
    """``table`` counted from each unit's least usable value, and ``budget`` from their sum.

    Large common parts would otherwise use up the digits that tell the options apart.
    """
    least = np.where(usable, table, np.inf).min(axis=1)
    return table - least[:, None], math.fsum([budget_limit(budget), *(-least)])


def _exponent(values: FloatArray) -> int:
    """The power of two that brings the largest value near 1e4; powers of two round nothing."""
    largest = float(values.max())
    return min(_LARGEST_EXPONENT - math.frexp(largest)[1], 900) if largest > 0 else 0


def _unscaled(
    bound: float, objective: FloatArray, usable: BoolArray, reached: float
) -> float | None:
    """The bound in the objective's own unit, never above the sum that was ``reached``."""
    if not math.isfinite(bound):
        return None
    extra, minus_least = _above_least(objective, usable)
    proven = math.ldexp(bound, -_exponent(extra[usable])) - minus_least
    # A difference below the solver's resolution is not a gap.
    noise = _ROUNDING * float(np.abs(objective[usable]).max())
    return reached if reached - proven <= noise else proven


def _build(
    merged: MergedProblem, objective: FloatArray, budgets: Mapping[str, float], usable: BoolArray
) -> tuple[Any, list[Any]]:
    """The integer program, and its binaries in the order of ``usable``'s true entries."""
    model: Any = pulp.LpProblem("allocation", pulp.LpMinimize)
    places = np.argwhere(usable).tolist()
    binaries = [model.add_variable(f"x_{unit}_{option}", cat="Binary") for unit, option in places]
    of_unit: list[list[Any]] = [[] for _ in range(len(usable))]
    for (unit, _), binary in zip(places, binaries, strict=True):
        of_unit[unit].append(binary)
    extra, _ = _above_least(objective, usable)
    scaled = np.ldexp(extra[usable], _exponent(extra[usable])).tolist()
    model += pulp.lpSum(c * x for c, x in zip(scaled, binaries, strict=True))
    for its_binaries in of_unit:
        model += pulp.lpSum(its_binaries) == 1
    for name, budget in budgets.items():
        extra, room = _above_least(merged.costs[name], usable, budget)
        exponent = _exponent(extra[usable])
        row = np.ldexp(extra[usable], exponent).tolist()
        model += pulp.lpSum(c * x for c, x in zip(row, binaries, strict=True)) <= float(
            np.ldexp(room, exponent)
        )
    return model, binaries


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


def _impossible_alone(merged: MergedProblem) -> str | None:
    """The first budget that even the cheapest allocation exceeds."""
    for name, budget in merged.source.budgets.items():
        if _above_least(merged.costs[name], merged.allowed, budget)[1] < 0:
            return name
    return None


def _infeasible(merged: MergedProblem, time_limit_seconds: float) -> InfeasibleBudget:
    """Which budget to change, to what, and what that buys."""
    budgets = merged.source.budgets
    alone = _impossible_alone(merged)
    names = list(budgets) if alone is None else [alone]
    for name in names:
        others = {other: budget for other, budget in budgets.items() if other != name}
        found = _cheapest(merged, name, others, time_limit_seconds)
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


def _cheapest(
    merged: MergedProblem, name: str, others: Mapping[str, float], time_limit_seconds: float
) -> Allocation | None:
    """Least ``costs[name]`` within ``others``, of those the least loss; ``None`` if not found."""
    if not others:
        return _cheapest_alone(merged, name)
    least = None
    with contextlib.suppress(SolverTimeout):
        deadline = time.perf_counter() + time_limit_seconds
        least = _minimise(merged, name, others, deadline)
        if least is not None:
            limits = {**others, name: least.costs[name]}
            least = _minimise(merged, None, limits, deadline) or least
    return least


def _cheapest_alone(merged: MergedProblem, name: str) -> Allocation:
    """Least ``costs[name]``, of those the least loss: each unit decides for itself."""
    return evaluate(merged.source, merged.expand(merged.cheapest(name)))
