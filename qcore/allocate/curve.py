"""The curves that every allocation is seen against: frontier, uniform line, random cloud."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from qcore.allocate.baselines import random_allocations, uniform_allocations
from qcore.allocate.budget import TableProblem
from qcore.allocate.frontier import frontier
from qcore.allocate.problem import Allocation, evaluate


@dataclass(frozen=True)
class CurvePoint:
    """One allocation on a curve: bytes of the whole network, predicted ΔL in nats per image."""

    size_bytes: float
    average_bits: float
    predicted_loss: float
    bits: dict[str, int]

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def frontier_points(problem: TableProblem) -> tuple[CurvePoint, ...]:
    """The corners of the lower convex hull by size; each is optimal at its own size."""
    hull = frontier(problem.problem, "size_bytes")
    choices = (hull.choice_at(i) for i in range(len(hull)))
    return tuple(curve_point(problem, evaluate(problem.problem, choice)) for choice in choices)


def uniform_points(problem: TableProblem) -> tuple[CurvePoint, ...]:
    """The same bits in every layer, for each bit width (pinned layers keep theirs)."""
    return tuple(curve_point(problem, a) for a in uniform_allocations(problem.problem))


def best_uniform(problem: TableProblem, budget: str, value: float) -> CurvePoint | None:
    """The uniform allocation of least predicted loss within a budget; None where none fits."""
    limit = value + 1e-9 * abs(value)
    fitting = [a for a in uniform_allocations(problem.problem) if problem.cost(a, budget) <= limit]
    best = min(fitting, key=lambda a: a.loss, default=None)
    return None if best is None else curve_point(problem, best)


def random_points(problem: TableProblem, count: int, seed: int) -> tuple[CurvePoint, ...]:
    """Random allocations spread over all sizes: what choosing is worth."""
    return tuple(curve_point(problem, a) for a in random_allocations(problem.problem, count, seed))


def curve_point(problem: TableProblem, allocation: Allocation) -> CurvePoint:
    """An allocation as a point of the plot."""
    return CurvePoint(
        problem.cost(allocation, "size_bytes"),
        problem.cost(allocation, "average_bits"),
        allocation.loss,
        problem.choose(allocation.choice),
    )
