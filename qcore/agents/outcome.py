"""What comes of a configuration that an agent chose."""

from __future__ import annotations

from dataclasses import dataclass

from qcore.agents.enforce import within_budgets
from qcore.agents.evaluator import Evaluator
from qcore.agents.task import SearchTask
from qcore.allocate.problem import IndexArray, evaluate


@dataclass(frozen=True)
class Outcome:
    """A configuration after its budgets were enforced: an option for each row.

    ``loss`` and ``accuracy`` are the evaluator's, ``costs`` sums over rows. ``value`` is what the
    search makes small: the loss, or the size where the loss has a budget. ``within`` is False
    where the budgets could not be met; such a configuration is never a result.
    """

    choice: tuple[int, ...]
    loss: float
    accuracy: float
    value: float
    costs: dict[str, float]
    within: bool


def settle(task: SearchTask, evaluator: Evaluator, choice: IndexArray) -> Outcome:
    """Enforce the budgets on ``choice``, an option for each unit, and evaluate what comes of it."""
    enforced = within_budgets(task, choice)
    chosen = task.merged.expand(choice if enforced is None else enforced)
    found = evaluate(task.problem, chosen)
    score = evaluator.score(chosen)
    value = found.loss if task.saves else score.loss
    return Outcome(chosen, score.loss, score.accuracy, value, found.costs, enforced is not None)
