"""ReLeQ's environment: layer by layer, weights alone."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np

from qcore.agents.env import AllocationEnv, Observation
from qcore.agents.evaluator import Evaluator
from qcore.agents.features import FEATURES, layer_features, normalised
from qcore.agents.releq_config import ReleqConfig
from qcore.agents.releq_reward import quantization_of, quantization_within, shaped_reward
from qcore.agents.task import SearchTask
from qcore.allocate.problem import FloatArray

_MOST_ACCURACY = 2.0  # in the observation: a prediction may promise any gain


class ReleqEnv(AllocationEnv):
    """Each free layer gets its weight bits; all begin at the widest, which is 8 bits in the paper.

    What is observed, eight numbers as in the authors' code: the layer's index, its bits as they
    are, State_Quantization, State_Accuracy, filters, input channels, kernel size, and the standard
    deviation of the weights (0 where it was not noted). Index and sizes are 0 to 1 over all layers,
    bits a part of the widest. State_Accuracy is the evaluator's of the configuration so far, where
    rewards are given after each layer; else what is last known, 1 at the beginning.

    An action is a width ("flexible") or narrower than the layer before, the same, wider
    ("restricted"; from its own width, the widest, a layer visited once could never fall by more
    than one). Inputs stay at
    their widest, as ReLeQ is of weights alone. The reward is ``shaped_reward``; the last one is of
    the configuration after its budgets were enforced, -1 where they cannot be met. The paper has no
    budgets: see ``quantization_within`` for what saving more than they ask is worth.
    """

    def __init__(self, task: SearchTask, evaluator: Evaluator, config: ReleqConfig) -> None:
        super().__init__(task, evaluator)
        self.config = config
        self._bits = task.axes.weight_bits
        actions = 3 if self.config.action_set == "restricted" else len(self._bits)
        self.action_space = gym.spaces.Discrete(actions)
        self._fixed = _fixed(task)
        self.observation_space = gym.spaces.Box(0.0, _highest(self._fixed), dtype=np.float32)
        self._enough = quantization_within(task, self.config.energy_ratio) or 0.0
        self._at = 0
        self._quantization = self._accuracy = 1.0

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        self.begin(seed)
        self._at, self._accuracy = 0, 1.0
        self._weigh(self.task.merged.expand(self.choice))
        return self._observed(), {}

    def step(self, action: Any) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        axes, unit = self.task.axes, self.units[self._at]
        self.choice[unit] = axes.option[self._width(int(action)), -1]
        self._at += 1
        if self._at == len(self.units):
            outcome = self.finish()
            self._weigh(outcome.choice)
            self._accuracy = outcome.accuracy
            reward = self._reward() if outcome.within else -1.0
            return self._observed(), reward, True, False, {"outcome": outcome}
        chosen = self.task.merged.expand(self.choice)
        self._weigh(chosen)
        reward = 0.0
        if self.config.reward_time == "each layer":
            self._accuracy = self.evaluator.score(chosen).accuracy
            reward = self._reward()
        return self._observed(), reward, False, False, {}

    def _width(self, action: int) -> int:
        """The place in ``weight_bits`` of what an action gives the present layer."""
        if self.config.action_set == "flexible":
            return action
        before = self.units[max(self._at - 1, 0)]
        now = int(self.task.axes.weight_of[self.choice[before]])
        return min(max(now + action - 1, 0), len(self._bits) - 1)

    def _weigh(self, chosen: tuple[int, ...]) -> None:
        self._quantization = quantization_of(self.task, chosen, self.config.energy_ratio)

    def _reward(self) -> float:
        known, paid = self.config, max(self._quantization, self._enough)
        return shaped_reward(paid, self._accuracy, known.reward_a, known.reward_b, known.threshold)

    def _observed(self) -> Observation:
        unit = self.units[min(self._at, len(self.units) - 1)]
        bits = self._bits[self.task.axes.weight_of[self.choice[unit]]] / max(self._bits)
        accuracy = min(self._accuracy, _MOST_ACCURACY)
        index, *shape = self._fixed[unit]
        return np.array([index, bits, self._quantization, accuracy, *shape], dtype=np.float32)


def _highest(fixed: FloatArray) -> Observation:
    """Of each number that is observed."""
    index, *shape = np.maximum(fixed.max(0), 1.0)
    return np.array([index, 1.0, 1.0, _MOST_ACCURACY, *shape], dtype=np.float32)


def _fixed(task: SearchTask) -> FloatArray:
    """(units, 5): layer index, filters, channels, kernel size, each 0 to 1; std of the weights."""
    layers = task.layers
    columns = [FEATURES.index(name) for name in ("c_out", "c_in", "kernel")]
    shape = normalised(layer_features(layers)[:, columns])
    index = normalised(np.arange(len(layers), dtype=np.float64)[:, None])
    spread = np.array([[layer.weight_std or 0.0] for layer in layers])
    found: FloatArray = np.hstack([index, shape, spread])[task.layer_of_unit]
    return found
