"""HAQ's environment: each unit's weights, then its input, get their bits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt

from qcore.agents.env import AllocationEnv, Observation
from qcore.agents.evaluator import Evaluator
from qcore.agents.features import layer_features, normalised
from qcore.agents.haq_config import HaqVariant
from qcore.agents.task import SearchTask

_LAST = 8  # the column of the previous action


def action_bits(action: float, narrowest: int, widest: int) -> int:
    """The bit width that an action from 0 to 1 stands for.

    HAQ (Wang et al. 2019, arXiv 1811.08886): round(b_min - 0.5 + a (b_max - b_min + 1)), with
    halves to even, and the ends clamped: 1 would round to 8 of 2 to 7 bits.
    Example: of 2 to 8 bits 0 gives 2, 0.5 gives 5, 1 gives 8.
    """
    spread = round(narrowest - 0.5 + action * (widest - narrowest + 1))
    return min(max(spread, narrowest), widest)


class HaqEnv(AllocationEnv):
    """A unit's weights get their bits in one step, then its input in another.

    Where the problem's options have one axis only, and in the k-means variant, there are no steps
    of inputs. An observation has the ten numbers of the paper's equation 1 in its code's order:
    depthwise, channels in and out, stride, kernel, weights, size of the input, place of the layer,
    previous action, 1 for weights or 0 for the input. The first eight are scaled to 0..1 over all
    layers. The previous action is its bits as a part of the widest; 1 at first. The k-means variant
    has nine: no mark of weights, and the previous action is the plain number of bits (1 at first, a
    quirk of the code).

    An action from 0 to 1 picks from the widths that were measured: ``action_bits`` over their
    places, which is the paper's formula where no width between is missing. The reward is 0 before
    the end, and then a tenth of the change of accuracy in percentage points, of the configuration
    after the budgets were enforced; where they cannot be met its accuracy counts as 0. Example:
    accuracy 0.98 of full precision's gives -0.2.
    """

    def __init__(
        self, task: SearchTask, evaluator: Evaluator, variant: HaqVariant = "linear"
    ) -> None:
        super().__init__(task, evaluator)
        self._plain = variant == "k-means"
        inputs_too = task.axes.chooses_inputs and not self._plain
        self._widths: tuple[tuple[int, ...], ...] = (task.axes.weight_bits,)
        if inputs_too:
            self._widths += (tuple(bits or 0 for bits in task.axes.input_bits),)
        places = np.arange(len(task.layers), dtype=np.float64)
        seen = normalised(np.column_stack([layer_features(task.layers), places]))
        self._seen = seen[task.layer_of_unit[self.units]]
        high = np.ones(_LAST + 1 if self._plain else _LAST + 2, dtype=np.float32)
        if self._plain:
            high[_LAST] = task.axes.weight_bits[-1]
        self.observation_space = gym.spaces.Box(np.zeros_like(high), high)
        self.action_space = gym.spaces.Box(0.0, 1.0, (1,))
        self._at, self._places = 0, list[int]()

    @property
    def steps(self) -> int:
        """Of an episode."""
        return len(self._widths) * len(self.units)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        self.begin(seed)
        self._at, self._places = 0, []
        return self._observed(0, None), {}

    def step(
        self, action: npt.NDArray[Any]
    ) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """``action`` (1,), from 0 to 1. RuntimeError after the last step."""
        if self._at == self.steps:
            raise RuntimeError("the episode has ended; call reset")
        place = self._take(float(action[0]))
        self._places.append(place)
        self._at += 1
        observed = self._observed(self._at, place)
        if self._at < self.steps:
            return observed, 0.0, False, False, {}
        outcome = self.finish()
        accuracy = outcome.accuracy if outcome.within else 0.0
        reward = 0.1 * 100 * (accuracy - 1)
        return observed, reward, True, False, {"outcome": outcome}

    def settled(self, actions: Sequence[float]) -> tuple[list[Observation], list[float]]:
        """The walk to what the budgets left of an episode of these ``actions``.

        Observations, one more than actions; an action that the budgets changed is the middle of
        those that stand for its width. RuntimeError before the last step.
        """
        if self.outcome is None:
            raise RuntimeError("the episode has not ended")
        kept = np.array(self.outcome.choice)[self.task.first_row[self.units]]
        axes = self.task.axes
        both = np.stack([axes.weight_of[kept], axes.input_of[kept]], axis=1)
        places = both[:, : len(self._widths)].ravel().tolist()
        seen, found = [self._observed(0, None)], []
        for at, (action, own, place) in enumerate(zip(actions, self._places, places, strict=True)):
            middle = (place + 0.5) / len(self._widths[at % len(self._widths)])
            found.append(action if place == own else middle)
            seen.append(self._observed(at + 1, place))
        return seen, found

    def _take(self, action: float) -> int:
        """The place of the width that was picked."""
        axes, (index, part) = self.task.axes, divmod(self._at, len(self._widths))
        unit, widths = self.units[index], self._widths[part]
        place = action_bits(action, widths[0], widths[0] + len(widths) - 1) - widths[0]
        before = self.choice[unit]
        if part == 0:
            self.choice[unit] = axes.option[place, axes.input_of[before]]
        else:
            self.choice[unit] = axes.option[axes.weight_of[before], place]
        return place

    def _observed(self, at: int, before: int | None) -> Observation:
        """Before step ``at``, when the one before picked this place; at the end the last one."""
        index, part = divmod(min(at, self.steps - 1), len(self._widths))
        last = 1.0
        if before is not None:
            widths = self._widths[(at - 1) % len(self._widths)]
            last = widths[before] if self._plain else widths[before] / widths[-1]
        rest = [last] if self._plain else [last, 1.0 - part]
        return np.concatenate([self._seen[index], rest]).astype(np.float32)
