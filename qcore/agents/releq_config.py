"""What ReLeQ can be told. Free of torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

ActionSet = Literal["flexible", "restricted"]
RewardTime = Literal["each layer", "end"]


@dataclass(frozen=True)
class ReleqConfig:
    """ReLeQ (Elthakeb et al. 2020, arXiv 1811.01704); "paper" and "code" below are its own.

    Learning rate, episodes of a rollout and when rewards are given are not the paper's: see there.
    The code divides its policy's outputs by a temperature of 0.5; that is a last layer of twice
    the weights and no field here. ValueError for a value that cannot be.

    ``action_set``: "flexible", any width, or "restricted", one width less, the same or one more
    than the widest. Flexible converges better, says the paper.
    ``reward_time``: "each layer", which evaluates as many configurations an episode as there are
    layers, or "end", which evaluates one; the paper has both, the end for deep networks. Here the
    default is the end: budgets are enforced there, and bits saved earlier are no gain within one.
    On fashion-cnn at 4 bits on average, the last tenth of 500 episodes has a mean loss of 0.02 so
    and of 0.11 with the reward of each layer, which takes eleven times the evaluations.
    ``energy_ratio``: energy of a memory access to that of a multiply-accumulate (paper: 120).
    ``reward_a``, ``reward_b``, ``threshold``: of the shaped reward (paper: 0.2, 0.4, 0.4).
    ``learning_rate``: of Adam. 1e-4 in the paper, for up to thousands of episodes; with rewards
    after each layer the same last tenth is then at 0.20, random configurations are at 0.23.
    ``clip``: range of PPO's ratio (paper: 0.1, of 0.1, 0.2 and 0.3 compared).
    ``epochs``: passes over a rollout (paper: 3).
    ``gae_lambda``: of the generalised advantage estimate (paper: 0.99).
    ``discount``: of later rewards (code: 0.9 to 1; 1 here, as an episode's reward is at its end).
    ``entropy``, ``value``: coefficients in PPO's loss (code: 0.01 and 1).
    ``lstm``: units of the first layer that policy and value share (code: 128).
    ``policy_layers``, ``value_layers``: what follows (code: 128, 128 and 128, 64).
    ``rollout_episodes``: episodes between two updates; the paper leaves it open.
    ``deterministic_last``: this many last episodes take the likeliest widths, and nothing is
    learnt from them (code: 10 are flagged so); at most a tenth of all.
    """

    action_set: ActionSet = "flexible"
    reward_time: RewardTime = "end"
    energy_ratio: float = 120.0
    reward_a: float = 0.2
    reward_b: float = 0.4
    threshold: float = 0.4
    learning_rate: float = 3e-3
    clip: float = 0.1
    epochs: int = 3
    gae_lambda: float = 0.99
    discount: float = 1.0
    entropy: float = 0.01
    value: float = 1.0
    lstm: int = 128
    policy_layers: tuple[int, ...] = (128, 128)
    value_layers: tuple[int, ...] = (128, 64)
    rollout_episodes: int = 5
    deterministic_last: int = 10

    def __post_init__(self) -> None:
        for name, known in (("action_set", ActionSet), ("reward_time", RewardTime)):
            if getattr(self, name) not in get_args(known):
                raise ValueError(f"{name} is {getattr(self, name)!r}, one of {get_args(known)}")
        for name in ("energy_ratio", "reward_a", "reward_b", "learning_rate", "clip"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} is {getattr(self, name)}, expected more than 0")
        for name in ("threshold", "gae_lambda", "discount"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} is {getattr(self, name)}, expected 0 to 1")
        for name in ("entropy", "value", "deterministic_last"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name} is {getattr(self, name)}, expected 0 or more")
        sizes = (self.epochs, self.lstm, self.rollout_episodes)
        if min(*sizes, *self.policy_layers, *self.value_layers) < 1:
            raise ValueError("epochs, rollout_episodes and sizes of layers are 1 or more")
