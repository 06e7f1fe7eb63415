"""The environment that all agents act in: a walk over a problem's units."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt

from qcore.agents.evaluator import Evaluator
from qcore.agents.outcome import Outcome, settle
from qcore.agents.task import SearchTask
from qcore.allocate.problem import IndexArray

Observation = npt.NDArray[np.float32]


class AllocationEnv(gym.Env[Observation, Any]):
    """An episode gives every free unit its bits, one after the other, and ends with an outcome.

    Subclasses say what is observed, what an action means, and what the reward is: ``reset`` calls
    ``begin``, and the last step ``finish``. ``choice`` (units,) is the option of every unit so
    far; at first the widest, which is 8 bits in the papers. The last step's ``info`` holds the
    outcome under "outcome".
    """

    metadata: dict[str, Any] = {"render_modes": []}  # noqa: RUF012 - gymnasium's own type

    def __init__(self, task: SearchTask, evaluator: Evaluator) -> None:
        self.task, self.evaluator = task, evaluator
        self.units: IndexArray = np.flatnonzero(task.free)
        self.choice = self._widest()
        self.outcome: Outcome | None = None

    def begin(self, seed: int | None) -> None:
        """A new episode."""
        super().reset(seed=seed)
        self.choice = self._widest()
        self.outcome = None

    def finish(self) -> Outcome:
        """Enforce the budgets on what was chosen, and evaluate it."""
        self.outcome = settle(self.task, self.evaluator, self.choice)
        return self.outcome

    def _widest(self) -> IndexArray:
        task = self.task
        return np.where(task.free, task.axes.option[-1, -1], task.pinned)
