"""What HAQ learns with: DDPG of stable-baselines3, with what HAQ's code does differently."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium import spaces
from stable_baselines3.common.buffers import ReplayBuffer
from stable_baselines3.common.type_aliases import ReplayBufferSamples
from stable_baselines3.common.vec_env import VecNormalize

from qcore.agents.ddpg import TwoRates, make_ddpg
from qcore.agents.env import Observation
from qcore.agents.haq_config import HaqConfig
from qcore.agents.haq_env import HaqEnv


class CentredBuffer(ReplayBuffer):
    """Takes a moving average of the batches' mean rewards off every reward drawn.

    ``baseline`` is that average, None before the first batch.
    """

    alpha = 0.5
    baseline: float | None = None

    def _get_samples(
        self, batch_inds: np.ndarray[Any, Any], env: VecNormalize | None = None
    ) -> ReplayBufferSamples:
        drawn = super()._get_samples(batch_inds, env)
        mean = float(drawn.rewards.mean())
        before = mean if self.baseline is None else self.baseline
        self.baseline = before + self.alpha * (mean - before)
        return drawn._replace(rewards=drawn.rewards - self.baseline)


class HaqLearner(TwoRates):
    """Every step of an episode has its reward."""

    @property
    def memory(self) -> CentredBuffer:
        assert isinstance(self.replay_buffer, CentredBuffer)
        return self.replay_buffer

    def act(self, observed: Observation) -> float:
        """The actor's own action, from 0 to 1."""
        return float(self.predict(observed, deterministic=True)[0][0])

    def remember(self, seen: list[Observation], actions: list[float], reward: float) -> None:
        """An episode: ``seen`` has one entry more than ``actions``, and every step this reward."""
        last = len(actions) - 1
        for step, action in enumerate(actions):
            self.memory.add(
                seen[step][None],
                seen[step + 1][None],
                self.policy.scale_action(np.array([[action]])),
                np.array([reward]),
                np.array([step == last]),
                [{}],
            )


def make_learner(env: HaqEnv, config: HaqConfig) -> HaqLearner:
    """Untrained networks, from torch's generator."""
    seen, kept = env.observation_space, config.buffer_factor * len(env.units)
    assert isinstance(seen, spaces.Box)
    model = make_ddpg(
        HaqLearner, seen, config, transitions=kept, discount=config.discount, buffer=CentredBuffer
    )
    model.memory.alpha = config.baseline_alpha
    return model
