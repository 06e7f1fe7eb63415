"""What a configuration is worth to an agent, as predicted from a sensitivity table."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np

from qcore.agents.task import SearchTask
from qcore.allocate.baselines import uniform_allocations, uniform_within
from qcore.allocate.problem import FloatArray
from qcore.sensitivity.projection.shrinkage import CrossTerms

EvaluatorName = Literal["predicted", "interaction", "measured"]

EVALUATORS: dict[EvaluatorName, str] = {
    "predicted": "the sum of the layers' ΔL, which the optimum is proven of",
    "interaction": "the projected quadratic form: with what rounding two layers at once adds",
    "measured": "the quantized network is run on calibration images",
}
"""What an agent can be rewarded by."""


@dataclass(frozen=True)
class Score:
    """``loss`` is ΔL. ``accuracy`` is relative to full precision, 1 where nothing is lost."""

    loss: float
    accuracy: float


class Evaluator(Protocol):
    """Gives a configuration, an option for each row of a problem, its score.

    ``about`` is the same of evaluators that give the same scores on one problem; ``additive``: the
    loss is the sum of the rows' losses; ``terms`` are the interactions that it counts.
    ``evaluations`` counts configurations, each once where they are kept.
    """

    about: str
    additive: bool
    terms: CrossTerms | None
    evaluations: int

    def score(self, choice: tuple[int, ...]) -> Score: ...


class PredictedEvaluator:
    """The loss that a sensitivity table predicts, in microseconds.

    The sum of the rows' ΔL: of a projected table the diagonal of its quadratic form, which the
    integer program and its bound are about. With ``terms`` the whole form, shrunk: plus
    ``terms.kept`` of half the cross terms (see ``cross_terms``; unshrunk they overfit).

    A prediction has no accuracy, and the papers' rewards are of accuracies. Here it is
    exp(-ΔL / unit): for cross-entropy in nats exp(-ΔL) is the ratio of the geometric mean
    probabilities of the right class, for KL divergence it bounds how much the outputs overlap
    (Bretagnolle & Huber 1979). ``unit`` is 1, or the loss of the best uniform network within the
    budgets where that is more: rewards that are all nearly -1 teach nothing; or what all rows can
    gain at most where losses are far below 0. Example: ΔL 0.1 is an accuracy of 0.905.
    """

    def __init__(self, task: SearchTask, terms: CrossTerms | None = None) -> None:
        if terms is not None and terms.moments.shape != task.losses.shape * 2:
            raise ValueError(f"cross terms {terms.moments.shape} for {task.losses.shape}")
        self.about = "predicted" if terms is None else f"interaction {terms.kept!r}"
        self.evaluations = 0
        self._losses, self._rows = task.losses, np.arange(len(task.losses))
        self.additive, self.terms = terms is None, terms
        self._unit = max(1.0, _uniform_loss(task), -math.fsum(task.losses.min(1)))

    def score(self, choice: tuple[int, ...]) -> Score:
        self.evaluations += 1
        picked = np.asarray(choice, dtype=np.intp)
        loss = math.fsum(self._losses[self._rows, picked])
        if self.terms is not None and self.terms.kept > 0:
            between: FloatArray = self.terms.moments[self._rows, picked][:, self._rows, picked]
            loss += self.terms.kept / 2 * float(between.sum())
        return Score(loss, math.exp(-loss / self._unit))


def _uniform_loss(task: SearchTask) -> float:
    """Of the best uniform configuration within the budgets; of the best one where none is."""
    rows = np.arange(len(task.losses))
    known = uniform_within(task.problem) or uniform_allocations(task.problem)
    return min(math.fsum(task.losses[rows, list(one.choice)]) for one in known)
