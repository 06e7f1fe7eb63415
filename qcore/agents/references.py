"""What a search is measured against: the optimum, the best uniform network, the bound."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from qcore.agents.evaluator import Evaluator
from qcore.agents.task import SearchTask
from qcore.allocate.baselines import uniform_allocations
from qcore.allocate.ilp import solve_ilp
from qcore.allocate.interaction import solve_interaction
from qcore.allocate.lagrangian import solve_lagrangian
from qcore.allocate.problem import Allocation, budget_limit
from qcore.sensitivity.projection.shrinkage import CrossTerms

_MOST_UNITS = 200  # that the integer program is given; more are left to prices on the budgets


@dataclass(frozen=True)
class Reference:
    """A configuration, an option for each row, and its value in the search's own evaluator."""

    choice: tuple[int, ...]
    value: float


@dataclass(frozen=True)
class References:
    """``optimum`` is what the solver finds: of least sum of the rows' losses, with interactions
    what a local search makes of it. ``uniform`` is the best network of one width within the
    budgets, None where none is. ``bound`` is what no configuration within the budgets is below;
    None where the evaluator's loss is not that sum, of which nothing is proven.
    """

    optimum: Reference
    uniform: Reference | None
    bound: float | None

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> References:
        """The inverse of ``to_json``; KeyError or TypeError for a wrong field."""
        uniform = data["uniform"]
        return References(
            _reference(data["optimum"]),
            None if uniform is None else _reference(uniform),
            data["bound"],
        )


def references(
    task: SearchTask,
    evaluator: Evaluator,
    *,
    additive: bool,
    terms: CrossTerms | None = None,
) -> References:
    """The lines that a search is drawn against, each by ``evaluator``.

    ``additive``: the evaluator's loss is the sum of the rows' losses, to which the bound belongs.
    ``terms`` are the evaluator's, where it counts interactions. Raises InfeasibleBudget and
    SolverTimeout as the solvers do.
    """
    problem = task.problem
    relaxed = solve_lagrangian(problem)
    optimum = relaxed
    if len(task.merged.loss) <= _MOST_UNITS:
        optimum = solve_ilp(problem)
    if terms is not None and not task.saves:
        optimum = solve_interaction(problem, terms).allocation
    best = _best_uniform(task)
    return References(
        _scored(task, evaluator, optimum),
        None if best is None else _scored(task, evaluator, best),
        relaxed.bound if additive or task.saves else None,
    )


def _best_uniform(task: SearchTask) -> Allocation | None:
    budgets = task.problem.budgets
    within = [
        one
        for one in uniform_allocations(task.problem)
        if all(one.costs[name] <= budget_limit(value) for name, value in budgets.items())
    ]
    return min(within, key=lambda one: one.loss, default=None)


def _scored(task: SearchTask, evaluator: Evaluator, found: Allocation) -> Reference:
    value = found.loss if task.saves else evaluator.score(found.choice).loss
    return Reference(found.choice, value)


def _reference(data: Mapping[str, Any]) -> Reference:
    return Reference(tuple(data["choice"]), data["value"])
