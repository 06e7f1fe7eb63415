"""What a search is measured against: the optimum, the best uniform network, the bound."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from qcore.agents.evaluator import Evaluator
from qcore.agents.task import SearchTask
from qcore.allocate.baselines import uniform_within
from qcore.allocate.ilp import solve_ilp
from qcore.allocate.interaction import solve_interaction
from qcore.allocate.lagrangian import solve_lagrangian
from qcore.allocate.problem import Allocation

_MOST_UNITS = 200  # that the integer program is given; more are left to prices on the budgets


Solver = Literal["ilp", "lagrangian", "interaction"]
_TITLES: dict[Solver, str] = {
    "ilp": "integer program",
    "lagrangian": "prices on the budgets",
    "interaction": "local search",
}


@dataclass(frozen=True)
class Reference:
    """A configuration, an option for each row, and its value in the search's own evaluator."""

    choice: tuple[int, ...]
    value: float


@dataclass(frozen=True)
class References:
    """``optimum`` is what ``method`` finds: of least sum of the rows' losses, with interactions
    what a local search makes of it. ``uniform`` is the best network of one width within the
    budgets, None where none is. ``bound`` is what no configuration within the budgets is below;
    None where the evaluator's loss is not that sum, of which nothing is proven.
    """

    method: Solver
    optimum: Reference
    uniform: Reference | None
    bound: float | None

    @property
    def title(self) -> str:
        """What ``optimum`` is: it is one where it is proven of what the evaluator says."""
        if self.method == "ilp" and self.bound is not None:
            return "optimum"
        return _TITLES[self.method]

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> References:
        """The inverse of ``to_json``; KeyError or TypeError for a wrong field."""
        uniform = data["uniform"]
        return References(
            data["method"],
            _reference(data["optimum"]),
            None if uniform is None else _reference(uniform),
            data["bound"],
        )


def references(task: SearchTask, evaluator: Evaluator) -> References:
    """The lines that a search is drawn against, each by ``evaluator``.

    Raises InfeasibleBudget and SolverTimeout as the solvers do.
    """
    problem, terms = task.problem, evaluator.terms
    relaxed = solve_lagrangian(problem)
    method: Solver = "lagrangian"
    optimum = relaxed
    if terms is not None and not task.saves:
        method, optimum = "interaction", solve_interaction(problem, terms).allocation
    elif len(task.merged.loss) <= _MOST_UNITS:
        method, optimum = "ilp", solve_ilp(problem)
    uniform = (_scored(task, evaluator, one) for one in uniform_within(problem))
    return References(
        method,
        _scored(task, evaluator, optimum),
        min(uniform, key=lambda one: one.value, default=None),
        relaxed.bound if evaluator.additive or task.saves else None,
    )


def above(value: float, optimum: float) -> float | None:
    """By which part of it a value is above the optimum; None where that is not positive.

    Example: 0.3 above an optimum of 0.2 is 0.5.
    """
    return value / optimum - 1 if optimum > 0 else None


def _scored(task: SearchTask, evaluator: Evaluator, found: Allocation) -> Reference:
    value = found.loss if task.saves else evaluator.score(found.choice).loss
    return Reference(found.choice, value)


def _reference(data: Mapping[str, Any]) -> Reference:
    return Reference(tuple(data["choice"]), data["value"])
