"""What HAQ can be told. Free of torch."""

from __future__ import annotations

import math
from dataclasses import dataclass
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
    ``actor_sizes``, ``critic_sizes``: units of the hidden layers. The code has 300 and 300, the
    paper 400 and 300; smaller ones learn faster in the time that a search has.
    ``actor_rate``, ``critic_rate``: learning rates of Adam.
    ``tau``: how far the target networks follow at each update.
    ``discount``: of what follows a step. 1: no step is worth more for being early.
    ``batch``: transitions in an update.
    ``buffer_factor``: transitions that are kept, times the number of units.
    ``warm_up``: episodes of random actions at first; the code's condition lets 21 pass.
    ``noise``, ``noise_decay``: standard deviation of the exploration, and what it is multiplied
    with after each episode.
    ``baseline_alpha``: of the moving average that is taken off the rewards, how far it follows.
    ``updates_per_step``: updates of actor and critic after an episode, times its steps, at least
    one. The code makes 1, which takes four times as long.
    ``remembers``: the actions that are learnt from: "enforced" are those that the budgets left, of
    which the reward is; "chosen" are the agent's own, as in the code.
    """

    variant: HaqVariant = "linear"
    actor_sizes: tuple[int, ...] = (64, 64)
    critic_sizes: tuple[int, ...] = (64, 64)
    actor_rate: float = 1e-4
    critic_rate: float = 1e-3
    tau: float = 0.01
    discount: float = 1.0
    batch: int = 64
    buffer_factor: int = 128
    warm_up: int = 21
    noise: float = 0.5
    noise_decay: float = 0.99
    baseline_alpha: float = 0.5
    updates_per_step: float = 0.25
    remembers: Remembered = "enforced"

    def __post_init__(self) -> None:
        for name, known in (("variant", HaqVariant), ("remembers", Remembered)):
            if getattr(self, name) not in get_args(known):
                words = ", ".join(get_args(known))
                raise ValueError(f"{name} is {getattr(self, name)!r}; it is one of: {words}")
        for name in ("actor_sizes", "critic_sizes"):
            if not getattr(self, name) or min(getattr(self, name)) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; sizes of at least one layer")
        for name in ("batch", "buffer_factor", "warm_up"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; it is at least 1")
        for name in ("actor_rate", "critic_rate", "noise", "updates_per_step"):
            if not 0 < getattr(self, name) < math.inf:
                raise ValueError(f"{name} is {getattr(self, name)}; it is more than 0")
        for name in ("tau", "discount", "noise_decay", "baseline_alpha"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} is {getattr(self, name)}; it is from 0 to 1")
