"""What HAQ can be told. Free of torch."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal, get_args

HaqVariant = Literal["linear", "k-means"]
Remembered = Literal["enforced", "chosen"]


@dataclass(frozen=True)
class HaqConfig:
    """Settings of HAQ (Wang et al. 2019, arXiv 1811.08886).

    Defaults are those of its published code where nothing else is said. Raises ValueError for
    values that cannot be.

    ``variant``: "linear" chooses bits of weights and, where the options have them, of inputs;
    "k-means" those of weights alone, and sees nine numbers of a layer. How weights are rounded is
    the sensitivity table's matter in both.
    ``actor_layers``, ``critic_layers``: units of the hidden layers. The code has 300 and 300, the
    paper 400 and 300; smaller ones learn faster in the time that a search has.
    ``actor_rate``, ``critic_rate``: learning rates of Adam.
    ``tau``: how far the target networks follow at each update.
    ``discount``: of what follows a step. The code has 1; every step has the episode's whole reward,
    so that values then grow with the steps that are left. On EfficientNet-Lite0 with pairs of
    widths (100 steps) two runs of 600 episodes ended at 0.302 and 0.308 with 0.9, three at 0.297,
    0.335 and 0.509 with 1; random search at 0.372.
    ``batch``: transitions in an update.
    ``buffer_factor``: transitions that are kept, times the number of units.
    ``warm_up_episodes``: episodes of random actions at first; the code's condition lets 21 pass.
    ``sigma``, ``sigma_decay``: standard deviation of the exploration, and what it is multiplied
    with after each episode.
    ``baseline_alpha``: of the moving average that is taken off the rewards, how far it follows.
    ``updates_per_step``: updates of actor and critic after an episode, times its steps, at least
    one. The code makes 1, which takes four times as long.
    ``remembers``: the actions that are learnt from: "enforced" are those that the budgets left, of
    which the reward is; "chosen" are the agent's own, as in the code.
    """

    variant: HaqVariant = field(
        default="linear",
        metadata={"help": "Linear gives bits to weights and inputs, k-means to weights alone."},
    )
    actor_layers: tuple[int, ...] = field(
        default=(64, 64),
        metadata={"help": "Units of the actor's hidden layers."},
    )
    critic_layers: tuple[int, ...] = field(
        default=(64, 64),
        metadata={"help": "Units of the critic's hidden layers."},
    )
    actor_rate: float = field(default=1e-4, metadata={"help": "Learning rate of the actor."})
    critic_rate: float = field(default=1e-3, metadata={"help": "Learning rate of the critic."})
    tau: float = field(
        default=0.01,
        metadata={"help": "How far the slow copies of the networks follow in each update, 0 to 1."},
    )
    discount: float = field(
        default=0.9,
        metadata={"help": "What a later reward is worth beside an earlier one, from 0 to 1."},
    )
    batch: int = field(default=64, metadata={"help": "Steps that each update learns from."})
    buffer_factor: int = field(
        default=128,
        metadata={"help": "Steps that are remembered, times the number of layers."},
    )
    warm_up_episodes: int = field(
        default=21,
        metadata={"help": "First episodes, whose bits are drawn at random."},
    )
    sigma: float = field(
        default=0.5,
        metadata={
            "help": "Spread of the noise around the agent's actions at first; these are 0 to 1."
        },
    )
    sigma_decay: float = field(
        default=0.99,
        metadata={"help": "What this spread is multiplied by after each episode."},
    )
    baseline_alpha: float = field(
        default=0.5,
        metadata={"help": "How fast the mean that is taken off rewards follows them, from 0 to 1."},
    )
    updates_per_step: float = field(
        default=0.25,
        metadata={"help": "Updates after an episode, for each of its steps."},
    )
    remembers: Remembered = field(
        default="enforced",
        metadata={
            "help": "Whether it learns from the bits that the budget left, or from those it chose."
        },
    )

    def __post_init__(self) -> None:
        for name, known in (("variant", HaqVariant), ("remembers", Remembered)):
            if getattr(self, name) not in get_args(known):
                words = ", ".join(get_args(known))
                raise ValueError(f"{name} is {getattr(self, name)!r}; it is one of: {words}")
        for name in ("actor_layers", "critic_layers"):
            if not getattr(self, name) or min(getattr(self, name)) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; sizes of at least one layer")
        for name in ("batch", "buffer_factor", "warm_up_episodes"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; it is at least 1")
        for name in ("actor_rate", "critic_rate", "sigma", "sigma_decay", "updates_per_step"):
            if not 0 < getattr(self, name) < math.inf:
                raise ValueError(f"{name} is {getattr(self, name)}; it is more than 0")
        for name in ("tau", "discount", "sigma_decay", "baseline_alpha"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} is {getattr(self, name)}; it is from 0 to 1")
