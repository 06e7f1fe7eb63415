"""What AutoQ can be told. Free of torch."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class AutoqConfig:
    """Settings of AutoQ (Lou et al. 2020, arXiv 1902.05690).

    The paper's network sizes, learning rates and buffer are not known here; where HAQ's stand in
    for them it says so. Exponents are those of (accuracy, latency, energy, area). Raises ValueError
    for values that cannot be.

    ``hidden``: units of each hidden layer of all networks. HAQ has 300 and 300; fewer are
    enough for what was tried here, and updates are cheaper.
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
    ``warmup_episodes``: first ones, whose goals are drawn evenly; HAQ's.
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

    hidden: tuple[int, ...] = (64, 64)
    actor_rate: float = 3e-4
    critic_rate: float = 1e-3
    tau: float = 0.01
    batch: int = 64
    high_discount: float = 0.0
    low_discount: float = 0.0
    memory_episodes: int = 128
    low_memory: int = 400_000
    high_updates: int = 8
    low_updates: int = 8
    warmup_episodes: int = 21
    sigma: float = 0.5
    sigma_decay: float = 0.98
    sigma_least: float = 0.05
    shared_noise: float = 0.9
    zeta_first: float = 0.1
    zeta_last: float = 0.8
    zeta_episodes: int = 200
    relabelled: int = 1
    relabel_sigma: float = 0.1
    psi_resource: tuple[float, ...] = (1.0, 0.0, 0.0, 0.0)
    psi_guaranteed: tuple[float, ...] = (2.0, 0.5, 0.0, 0.0)

    def __post_init__(self) -> None:
        whole = (self.batch, self.memory_episodes, self.high_updates, self.low_updates)
        rates = (self.actor_rate, self.critic_rate, self.sigma, self.sigma_least)
        parts = (self.high_discount, self.low_discount, self.zeta_first, self.zeta_last)
        if not self.hidden or min(*self.hidden, *whole, self.zeta_episodes, self.low_memory) < 1:
            raise ValueError("sizes and counts of updates of AutoQ are whole numbers from 1 on")
        if min(self.warmup_episodes, self.relabelled, self.relabel_sigma) < 0:
            raise ValueError("warm-up and relabelling of AutoQ are from 0 on")
        if not all(rate > 0 for rate in rates) or not 0 < self.sigma_decay <= 1:
            raise ValueError("rates and sigmas of AutoQ are above 0, the decay at most 1")
        if not all(0 <= part <= 1 for part in (*parts, self.tau)) or not 0 <= self.shared_noise < 1:
            raise ValueError("discounts, tau, zeta and shared noise of AutoQ are from 0 to 1")
        if len(self.psi_resource) != 4 or len(self.psi_guaranteed) != 4:
            raise ValueError("AutoQ has exponents of accuracy, latency, energy and area: four")
