"""The curves that every allocation is seen against: frontier, uniform line, greedy, random."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from qcore.allocate.baselines import uniform_allocations
from qcore.allocate.budget import TableProblem, with_budgets
from qcore.allocate.frontier import frontier
from qcore.allocate.ilp import solve_ilp
from qcore.allocate.problem import Allocation, evaluate

Kind = Literal["hull", "ilp", "baseline"]
"""A corner of the hull, optimal at its own cost; the integer program's answer; neither."""


@dataclass(frozen=True)
class CurvePoint:
    """One allocation on a curve: bytes of the whole network, predicted ΔL in nats per image.

    ``activation_bits`` are those of the layers whose input has a width, ``gap`` what is proven of a
    point of kind ``ilp``.
    """

    size_bytes: float
    average_bits: float
    predicted_loss: float
    bits: dict[str, int]
    kind: Kind = "baseline"
    gap: float | None = None
    activation_bits: dict[str, int] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def frontier_points(
    problem: TableProblem, exactly: Mapping[str, Sequence[float]] | None = None
) -> tuple[CurvePoint, ...]:
    """The corners of the lower convex hull by size; each is optimal at its own size.

    ``exactly``: budgets by name, for each of whose values the integer program's answer is among
    them. Raises InfeasibleBudget where there is none.
    """
    hull = frontier(with_budgets(problem, {}).problem, "size_bytes")
    corners = (hull.choice_at(i) for i in range(len(hull)))
    points = [curve_point(problem, evaluate(problem.problem, c), "hull") for c in corners]
    for name, values in (exactly or {}).items():
        for value in values:
            solved = solve_ilp(with_budgets(problem, {name: value}).problem)
            points.append(curve_point(problem, solved, "ilp"))
    return tuple(sorted(points, key=lambda point: point.size_bytes))


def best_uniform(problem: TableProblem, budgets: Mapping[str, float]) -> CurvePoint | None:
    """The uniform allocation of least predicted loss within the budgets; None where none fits."""

    def fits(allocation: Allocation) -> bool:
        return all(
            problem.cost(allocation, name) <= value + 1e-9 * abs(value)
            for name, value in budgets.items()
        )

    fitting = [a for a in uniform_allocations(problem.problem) if fits(a)]
    best = min(fitting, key=lambda a: a.costs["loss"], default=None)
    return None if best is None else curve_point(problem, best)


def curve_point(
    problem: TableProblem, allocation: Allocation, kind: Kind = "baseline"
) -> CurvePoint:
    """An allocation as a point of the plot."""
    return CurvePoint(
        problem.cost(allocation, "size_bytes"),
        problem.cost(allocation, "average_bits"),
        allocation.costs["loss"],
        problem.choose(allocation.choice),
        kind,
        allocation.gap,
        problem.inputs(allocation.choice),
    )
