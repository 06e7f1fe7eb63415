"""What ReLeQ can be told. Free of torch."""

from __future__ import annotations

from dataclasses import dataclass, field
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
    than the layer before. Flexible converges better, says the paper.
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

    action_set: ActionSet = field(
        default="flexible",
        metadata={"help": "Flexible: any width; restricted: one less, the same or one more."},
    )
    reward_time: RewardTime = field(
        default="end",
        metadata={
            "help": "A reward after each layer takes as many evaluations as there are layers."
        },
    )
    energy_ratio: float = field(
        default=120.0,
        metadata={"help": "Energy of reading a weight, in multiply-accumulates."},
    )
    reward_a: float = field(
        default=0.2,
        metadata={"help": "Exponent of the bits that are left, in the reward."},
    )
    reward_b: float = field(
        default=0.4,
        metadata={"help": "How strongly a loss of accuracy lowers the reward."},
    )
    threshold: float = field(
        default=0.4,
        metadata={"help": "Accuracy, as a part of full precision's, below which the reward is -1."},
    )
    learning_rate: float = field(default=3e-3, metadata={"help": "Learning rate of the policy."})
    clip: float = field(default=0.1, metadata={"help": "How far one update may move the policy."})
    epochs: int = field(
        default=3,
        metadata={"help": "How often each group of episodes is learnt from."},
    )
    gae_lambda: float = field(
        default=0.99,
        metadata={"help": "How far ahead rewards are attributed to a step, from 0 to 1."},
    )
    discount: float = field(
        default=1.0,
        metadata={"help": "What a later reward is worth beside an earlier one, from 0 to 1."},
    )
    entropy: float = field(
        default=0.01,
        metadata={"help": "Weight of staying undecided, which keeps it exploring."},
    )
    value: float = field(
        default=1.0,
        metadata={"help": "Weight of predicting rewards, beside choosing widths."},
    )
    lstm: int = field(default=128, metadata={"help": "Units of the recurrent layer."})
    policy_layers: tuple[int, ...] = field(
        default=(128, 128),
        metadata={"help": "Units of the layers that choose widths."},
    )
    value_layers: tuple[int, ...] = field(
        default=(128, 64),
        metadata={"help": "Units of the layers that predict rewards."},
    )
    rollout_episodes: int = field(default=5, metadata={"help": "Episodes between two updates."})
    deterministic_last: int = field(
        default=10,
        metadata={"help": "Last episodes that take the likeliest widths; at most a tenth of all."},
    )

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
