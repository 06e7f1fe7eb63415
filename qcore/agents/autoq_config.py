"""What AutoQ can be told. Free of torch."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class AutoqConfig:
    """Settings of AutoQ (Lou et al. 2020, arXiv 1902.05690).

    The paper's network sizes, learning rates and buffer are not known here; where HAQ's stand in
    for them it says so. Exponents are those of (accuracy, latency, energy, area). Raises ValueError
    for values that cannot be.

    ``actor_layers``, ``critic_layers``: units of both controllers' hidden layers. HAQ has 300 and
    300; fewer are enough for what was tried here, and updates are cheaper.
    ``actor_rate``, ``critic_rate``: learning rates of Adam. HAQ has 1e-4 and 1e-3, with an update
    for every step; here are fewer updates, so the actor's is larger.
    ``tau``: how far target networks follow in an update; HAQ's.
    ``batch``: transitions in an update; HAQ's.
    ``high_discount``, ``low_discount``: of later rewards. 0: every step already has the reward of
    its whole episode.
    ``memory_episodes``: how many are kept to learn from; HAQ keeps 128 for each layer.
    ``low_memory``: the most steps of kernels that are kept, some 45 MB.
    ``high_updates``, ``low_updates``: of each controller after an episode. They take most of the
    time.
    ``warm_up_episodes``: first ones, whose goals are drawn evenly; HAQ's.
    ``sigma``: of the exploration, a normal distribution cut to [0, 1], at first; HAQ's.
    ``sigma_decay``: its factor after each episode. HAQ has 0.99 for 600 episodes; half as many are
    usual here.
    ``sigma_least``: what it stays above; without, the same bits are tried over and over.
    ``shared_noise``: the part of it that all kernels of a layer share. Where each is moved alone
    their mean hardly moves, and nothing is learnt of goals.
    ``zeta_first``, ``zeta_last``: weight of the network's reward in the low controller's. Said of
    the paper from memory, not verified.
    ``zeta_episodes``: how long it rises; the paper's agent converges in about 200 episodes.
    ``relabelled``: earlier episodes whose goals are relabelled after each one, beside its own.
    ``relabel_sigma``: spread of candidates around the achieved goal, in the goal's [0, 1].
    ``psi_resource``: exponents within budgets of cost. Said of the paper from memory, as these:
    ``psi_guaranteed``: exponents within a budget of loss.
    """

    actor_layers: tuple[int, ...] = field(
        default=(64, 64),
        metadata={"help": "Units of each actor's hidden layers."},
    )
    critic_layers: tuple[int, ...] = field(
        default=(64, 64),
        metadata={"help": "Units of each critic's hidden layers."},
    )
    actor_rate: float = field(default=3e-4, metadata={"help": "Learning rate of the actors."})
    critic_rate: float = field(default=1e-3, metadata={"help": "Learning rate of the critics."})
    tau: float = field(
        default=0.01,
        metadata={"help": "How far the slow copies of the networks follow in each update, 0 to 1."},
    )
    batch: int = field(default=64, metadata={"help": "Steps that each update learns from."})
    high_discount: float = field(
        default=0.0,
        metadata={"help": "What a later reward is worth in choosing goals of layers, 0 to 1."},
    )
    low_discount: float = field(
        default=0.0,
        metadata={"help": "What a later reward is worth in choosing bits of kernels, from 0 to 1."},
    )
    memory_episodes: int = field(default=128, metadata={"help": "Episodes that are remembered."})
    low_memory: int = field(
        default=400_000,
        metadata={"help": "The most steps of kernels that are remembered."},
    )
    high_updates: int = field(
        default=8,
        metadata={"help": "Updates of what chooses goals for layers, after each episode."},
    )
    low_updates: int = field(
        default=8,
        metadata={"help": "Updates of what chooses bits of kernels, after each episode."},
    )
    warm_up_episodes: int = field(
        default=21,
        metadata={"help": "First episodes, whose goals are drawn at random."},
    )
    sigma: float = field(
        default=0.5,
        metadata={
            "help": "Spread of the noise around the agent's actions at first; these are 0 to 1."
        },
    )
    sigma_decay: float = field(
        default=0.98,
        metadata={"help": "What this spread is multiplied by after each episode."},
    )
    sigma_least: float = field(
        default=0.05,
        metadata={"help": "What this spread never falls below."},
    )
    shared_noise: float = field(
        default=0.9,
        metadata={"help": "The part of the noise that all kernels of a layer share, below 1."},
    )
    zeta_first: float = field(
        default=0.1,
        metadata={"help": "Weight of the network's reward beside a layer's goal at first, 0 to 1."},
    )
    zeta_last: float = field(
        default=0.8,
        metadata={
            "help": "Weight of the network's reward beside a layer's goal in the end, 0 to 1."
        },
    )
    zeta_episodes: int = field(
        default=200,
        metadata={"help": "Episodes over which this weight goes from its first to its last value."},
    )
    relabelled: int = field(
        default=1,
        metadata={"help": "Earlier episodes whose goals are corrected after each episode."},
    )
    relabel_sigma: float = field(
        default=0.1,
        metadata={"help": "Spread of the corrected goals that are tried; goals are from 0 to 1."},
    )
    psi_resource: tuple[float, ...] = field(
        default=(1.0, 0.0, 0.0, 0.0),
        metadata={"help": "Exponents of accuracy, latency, energy and area within limits of cost."},
    )
    psi_guaranteed: tuple[float, ...] = field(
        default=(2.0, 0.5, 0.0, 0.0),
        metadata={
            "help": "Exponents of accuracy, latency, energy and area within a limit of loss."
        },
    )

    def __post_init__(self) -> None:
        counts = (self.batch, self.high_updates, self.low_updates)
        lengths = (self.memory_episodes, self.low_memory, self.zeta_episodes)
        rates = (self.actor_rate, self.critic_rate, self.sigma, self.sigma_least)
        parts = (self.high_discount, self.low_discount, self.zeta_first, self.zeta_last)
        layers = (*self.actor_layers, *self.critic_layers)
        if not (self.actor_layers and self.critic_layers) or min(*layers, *counts, *lengths) < 1:
            raise ValueError("sizes and counts of updates of AutoQ are whole numbers from 1 on")
        if min(self.warm_up_episodes, self.relabelled, self.relabel_sigma) < 0:
            raise ValueError("warm-up and relabelling of AutoQ are from 0 on")
        if not all(rate > 0 for rate in rates) or not 0 < self.sigma_decay <= 1:
            raise ValueError("rates and sigmas of AutoQ are above 0, the decay at most 1")
        if not all(0 <= part <= 1 for part in (*parts, self.tau)) or not 0 <= self.shared_noise < 1:
            raise ValueError("discounts, tau, zeta and shared noise of AutoQ are from 0 to 1")
        if len(self.psi_resource) != 4 or len(self.psi_guaranteed) != 4:
            raise ValueError("AutoQ has exponents of accuracy, latency, energy and area: four")
