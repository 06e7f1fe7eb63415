"""Solving one budget, and the frontier."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np

from benchmarks.figure import Figure
from qcore.allocate import AllocationProblem, frontier, solve_ilp


def bench_allocation() -> Iterator[Figure]:
    """53 layers (ResNet-50's count) and 6 or 36 options, budgets across the range."""
    for options in (6, 36):
        problem = _problem(53, options)
        low = problem.costs["size"].min(axis=1).sum()
        high = problem.costs["size"].max(axis=1).sum()
        started = time.perf_counter()
        hull = frontier(problem, "size")
        frontier_ms = 1000 * (time.perf_counter() - started)
        times = []
        excess = 0.0
        for share in (0.2, 0.35, 0.5, 0.65, 0.8):
            budget = low + share * (high - low)
            started = time.perf_counter()
            best = solve_ilp(AllocationProblem(problem.loss, problem.costs, {"size": budget}))
            times.append(time.perf_counter() - started)
            point = hull.best_within(budget)
            assert point is not None
            excess = max(excess, hull.loss[point] / best.loss - 1)
        yield Figure(
            f"one budget, 53 layers x {options} options, ILP (worst of 5)",
            f"{max(times):.2f} s",
            f"frontier {frontier_ms:.1f} ms for {len(hull)} points, at most {excess:.2%} worse",
        )


def _problem(layers: int, options: int) -> AllocationProblem:
    generator = np.random.default_rng(0)
    bits = np.linspace(2, 8, options)
    count = generator.lognormal(10, 1.5, layers)[:, None]
    loss = generator.lognormal(-3, 1.5, layers)[:, None] * 4.0 ** -(bits - 2)
    loss = loss * generator.lognormal(0, 0.2, (layers, options))
    return AllocationProblem(loss, {"size": count * bits}, {})
