"""Allocation: the frontier, prices, the integer program, the dial's path; CBC beside each."""

from __future__ import annotations

import contextlib
import io
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import TypeVar

import numpy as np
import pulp

from benchmarks.figure import Figure
from qcore.allocate import Allocation, AllocationProblem, frontier, solve_ilp
from qcore.allocate.lagrangian import solve_lagrangian
from qcore.allocate.live_path import live_path

_CBC_SECONDS = 20  # that CBC may take for one program
_TIMES = 5  # that each is timed; the best counts

T = TypeVar("T")


def bench_allocation() -> Iterator[Figure]:
    """53 layers (ResNet-50's count) of 36 options and thousands of kernels of 7."""
    problem = _problem(53, 36)
    seconds, hull = _timed(partial(frontier, problem, "size"))
    yield Figure(
        "frontier, 53 layers x 36 options",
        f"{1000 * seconds:.1f} ms",
        f"{len(hull)} points",
    )
    for kernels in (4800, 26560):
        problem = _problem(kernels, 7, ("size",))
        seconds, found = _timed(partial(solve_lagrangian, problem))
        yield Figure(
            f"one budget by prices, {kernels:,} kernels x 7 options",
            f"{seconds:.3f} s",
            f"{_gap(found)}; {_beside(problem, found) if kernels == 4800 else 'CBC not tried'}",
        )
    for kernels in (53, 4800):
        problem = _problem(kernels, 36 if kernels == 53 else 7, ("size", "time"))
        seconds, found = _timed(partial(solve_lagrangian, problem))
        yield Figure(
            f"two budgets by prices, {kernels:,} x {problem.loss.shape[1]} options",
            f"{seconds:.3f} s",
            _gap(found),
        )
    for names in (("size",), ("size", "time")):
        yield _integer_program(names)
    yield from _paths()


def _integer_program(names: tuple[str, ...]) -> Figure:
    """The slowest of five budgets."""
    slowest, hardest, worst_gap = 0.0, None, 0.0
    for share in (0.2, 0.35, 0.5, 0.65, 0.8):
        problem = _problem(53, 36, names, share)
        seconds, found = _timed(partial(solve_ilp, problem), times=2)
        worst_gap = max(worst_gap, found.gap or 0.0)
        if seconds > slowest:
            slowest, hardest = seconds, (problem, found)
    assert hardest is not None
    return Figure(
        f"ILP, 53 layers x 36 options, {len(names)} budget{'s'[: len(names) - 1]} (worst of 5)",
        f"{slowest:.2f} s",
        f"gap at most {worst_gap:.1e}; {_beside(*hardest)}",
    )


def _paths() -> Iterator[Figure]:
    for layers, names, points in ((50, (), 200), (50, ("time",), 200), (22008, (), 60)):
        problem = _problem(layers, 8, names)
        seconds, path = _timed(partial(live_path, problem, "size", points))
        yield Figure(
            f"the dial's path, {layers:,} x 8 options{', second budget' if names else ''}",
            f"{1000 * seconds:.0f} ms",
            f"{len(path)} allocations{_from_optimum(problem, path) if layers == 50 else ''}",
        )


def _from_optimum(problem: AllocationProblem, path: tuple[Allocation, ...]) -> str:
    """How much more loss than the integer program's the path has, on every tenth point."""
    excess = []
    for point in path[::10]:
        limits = {**problem.budgets, "size": point.costs["size"]}
        best = solve_ilp(AllocationProblem(problem.loss, problem.costs, limits))
        excess.append(point.loss / best.loss - 1)
    return f", loss above the optimum: {np.mean(excess):.2%} on average, {max(excess):.1%} at most"


def _gap(found: Allocation) -> str:
    return f"within {found.gap or 0.0:.1e} of the bound"


def _beside(problem: AllocationProblem, found: Allocation) -> str:
    """CBC on the same problem, through PuLP."""
    seconds, loss = _cbc(problem)
    if loss is None:
        return f"CBC: nothing in {seconds:.1f} s"
    return f"CBC {seconds:.1f} s, loss {loss / found.loss - 1:+.1e}"


def _cbc(problem: AllocationProblem) -> tuple[float, float | None]:
    """Seconds, and the loss found; groups and pins are not looked at."""
    started = time.perf_counter()
    model = pulp.LpProblem("allocation", pulp.LpMinimize)
    units, options = problem.loss.shape
    taken = [
        [pulp.LpVariable(f"x_{u}_{o}", cat="Binary") for o in range(options)] for u in range(units)
    ]
    flat = [x for row in taken for x in row]

    def total(table: np.ndarray) -> pulp.LpAffineExpression:
        return pulp.LpAffineExpression(zip(flat, table.ravel().tolist(), strict=True))

    # Its smallest improvement is absolute, so losses are scaled to be large.
    scale = 1e6 / float(problem.loss.max())
    model += total(scale * problem.loss)
    for row in taken:
        model += pulp.lpSum(row) == 1
    for name, budget in problem.budgets.items():
        model += total(problem.costs[name]) <= budget
    solver = pulp.PULP_CBC_CMD(msg=False, gapRel=0.0, timeLimit=_CBC_SECONDS)
    with contextlib.redirect_stdout(io.StringIO()):
        model.solve(solver)
    seconds = time.perf_counter() - started
    if model.sol_status not in (pulp.LpSolutionOptimal, pulp.LpSolutionIntegerFeasible):
        return seconds, None
    return seconds, float(pulp.value(model.objective)) / scale


def _timed(solve: Callable[[], T], times: int = _TIMES) -> tuple[float, T]:
    seconds = []
    for _ in range(times):
        started = time.perf_counter()
        result = solve()
        seconds.append(time.perf_counter() - started)
    return min(seconds), result


def _problem(
    layers: int, options: int, names: tuple[str, ...] = (), share: float = 0.4
) -> AllocationProblem:
    """Losses that fall fourfold a bit; a size and a time of their own in every layer."""
    generator = np.random.default_rng(0)
    bits = np.linspace(2, 8, options)
    count = generator.lognormal(10, 1.5, layers)[:, None]
    loss = generator.lognormal(-3, 1.5, layers)[:, None] * 4.0 ** -(bits - 2)
    loss = loss * generator.lognormal(0, 0.2, (layers, options))
    times = generator.lognormal(0, 1, (layers, 1)) * (1 + bits / 4)
    times = times * generator.lognormal(0, 0.1, times.shape)
    costs = {"size": count * bits, "time": times}

    def budget(name: str, part: float) -> float:
        low, high = costs[name].min(axis=1).sum(), costs[name].max(axis=1).sum()
        return float(low + part * (high - low))

    parts = {"size": share, "time": 0.5}
    return AllocationProblem(loss, costs, {name: budget(name, parts[name]) for name in names})
