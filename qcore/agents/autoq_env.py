"""AutoQ's environment: goals for layers and bits for kernels, in turns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from gymnasium import spaces

from qcore.agents.autoq_reward import extrinsic_reward
from qcore.agents.autoq_walk import (
    GOAL,
    KERNEL,
    STATE,
    autoq_walk,
    goal_bits,
    upper_edges,
    width_place,
)
from qcore.agents.env import AllocationEnv, Observation
from qcore.agents.evaluator import Evaluator
from qcore.agents.outcome import Outcome
from qcore.agents.task import SearchTask
from qcore.allocate.problem import evaluate

_COSTS = {"latency": "latency_ms", "energy": "energy_mj"}


class AutoqEnv(AllocationEnv):
    """One step for each decision of ``autoq_walk``; INPUT and GOAL are the high controller's.

    Observed are 13 numbers from 0 to 1: the paper's 11 of the state, the goal (0 where the high
    controller is to act), and 1 where it is; ``info["high"]`` says the same. An action is a number
    from 0 to 1. A kernel gets the bits of ``width_place``. A goal is ``goal_bits``, and changes
    nothing by itself. Inputs get the next measured width from roundup(goal bits) up. The reward is
    0, and at the end the extrinsic one with the exponents ``psi``.
    """

    def __init__(self, task: SearchTask, evaluator: Evaluator, psi: Sequence[float]) -> None:
        super().__init__(task, evaluator)
        self.psi = psi
        self.observation_space = spaces.Box(0.0, 1.0, (len(STATE) + 2,), np.float32)
        self.action_space = spaces.Box(0.0, 1.0, (1,), np.float32)
        self.walk = autoq_walk(task)
        self.weight_edges = upper_edges(task.axes.weight_bits)
        self._inputs = np.array([bits or 0 for bits in task.axes.input_bits])
        self._option = task.axes.option.tolist()
        self._high: list[bool] = (self.walk.kind != KERNEL).tolist()
        self._at_widest = self._costs(task.merged.expand(self._widest()))
        self._start()

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        self.begin(seed)
        self._start()
        return self._observed(), {"high": True}

    def _start(self) -> None:
        self._at = 0
        self._goal = self._goal_before = self._action_before = 1.0
        self._input = -1

    def step(self, action: Any) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        self._act(min(1.0, max(0.0, float(np.asarray(action).item()))))
        self._at += 1
        if self._at < len(self._high):
            return self._observed(), 0.0, False, False, {"high": self._high[self._at]}
        outcome = self.finish()
        end = np.zeros(len(STATE) + 2, dtype=np.float32)
        return end, self.extrinsic(outcome), True, False, {"high": True, "outcome": outcome}

    def extrinsic(self, outcome: Outcome) -> float:
        """eRd of a configuration; one that breaks the budgets counts as of no accuracy.

        Latency and energy are the problem's, relative to its widest bits. Where the size is what
        is made small it stands for the latency. No hardware here has an area.
        """
        ratios = {
            name: max(cost, 1e-9 * self._at_widest[name]) / self._at_widest[name]
            for name, cost in self._costs(outcome.choice).items()
            if self._at_widest[name] > 0
        }
        return extrinsic_reward(outcome.accuracy if outcome.within else 0.0, ratios, self.psi)

    def _costs(self, choice: tuple[int, ...]) -> dict[str, float]:
        found = evaluate(self.task.problem, choice)
        costs = {n: found.costs[cost] for n, cost in _COSTS.items() if cost in found.costs}
        return costs | {"latency": found.loss} if self.task.saves else costs

    def _act(self, action: float) -> None:
        kind = self.walk.kind[self._at]
        if kind == KERNEL:
            place = width_place(self.weight_edges, action)
            self.choice[self.walk.unit[self._at]] = self._option[place][self._input]
            self._action_before = action
        elif kind == GOAL:
            self._goal_before, self._goal = self._goal, action
        else:
            wanted = np.ceil(goal_bits(np.array(action), int(self._inputs[-1])) - 1e-9)
            self._input = int(np.searchsorted(self._inputs, wanted))
            self._action_before = action

    def _observed(self) -> Observation:
        high = self._high[self._at]
        state = np.empty(len(STATE) + 2, dtype=np.float32)
        state[: len(STATE)] = self.walk.states[self._at]
        state[9] = self._goal if high else self._goal_before
        state[10:] = self._action_before, 0.0 if high else self._goal, high
        return state
