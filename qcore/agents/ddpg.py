"""The DDPG of stable-baselines3 as HAQ and AutoQ use it: walked by hand, and with two rates."""

from __future__ import annotations

from typing import Any, Protocol, TypeVar

import numpy as np
from gymnasium import spaces
from stable_baselines3 import DDPG
from stable_baselines3.common.buffers import ReplayBuffer
from stable_baselines3.common.logger import Logger


class DdpgSettings(Protocol):
    """What the configurations of both agents have, by the same names."""

    @property
    def actor_layers(self) -> tuple[int, ...]: ...
    @property
    def critic_layers(self) -> tuple[int, ...]: ...
    @property
    def actor_rate(self) -> float: ...
    @property
    def critic_rate(self) -> float: ...
    @property
    def tau(self) -> float: ...
    @property
    def batch(self) -> int: ...


class TwoRates(DDPG):
    """Actor and critic with learning rates of their own; the library has one for both."""

    @property
    def memory(self) -> ReplayBuffer:
        """What it learns from."""
        assert isinstance(self.replay_buffer, ReplayBuffer)
        return self.replay_buffer

    def _update_learning_rate(self, optimizers: Any) -> None:
        """They stay as they were set."""


Learner = TypeVar("Learner", bound=TwoRates)


def make_ddpg(
    kind: type[Learner],
    observed: spaces.Box,
    config: DdpgSettings,
    *,
    transitions: int,
    discount: float,
    buffer: type[ReplayBuffer] = ReplayBuffer,
) -> Learner:
    """A learner that sees ``observed``, answers with one number from 0 to 1 and remembers
    ``transitions``. Its weights are drawn from torch's global generator.
    """
    # Without an environment, as its own ``load`` makes one: agents walk theirs by hand.
    model = kind(
        "MlpPolicy",
        None,  # type: ignore[arg-type]
        learning_rate=config.critic_rate,
        buffer_size=transitions,
        batch_size=config.batch,
        tau=config.tau,
        gamma=discount,
        replay_buffer_class=buffer,
        policy_kwargs={
            "net_arch": {"pi": list(config.actor_layers), "qf": list(config.critic_layers)},
            "optimizer_kwargs": {"fused": True},
        },
        device="cpu",
        _init_setup_model=False,
    )
    model.observation_space = observed
    model.action_space = spaces.Box(0.0, 1.0, (1,), np.float32)
    model.n_envs = 1
    model._setup_model()
    model.actor.optimizer.param_groups[0]["lr"] = config.actor_rate
    model.set_logger(Logger(None, []))
    return model
