"""Who runs against whom: agents, each with several seeds, and random search as their measure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from qcore.agents.config import TITLES, evaluations_per_episode
from qcore.agents.random_search_config import RandomConfig
from qcore.jobs.search_question import SearchQuestion

MOST_SEEDS = 5
_TIMES_WARM_UP = 4  # as many episodes as it takes before what was learnt counts


@dataclass(frozen=True)
class Race:
    """``entries`` are what each competitor is asked with its first seed: the agents, then the
    random searches. All run within the same budgets, with ``seeds`` seeds from 0 on."""

    entries: tuple[SearchQuestion, ...]
    seeds: int

    @property
    def asked(self) -> SearchQuestion:
        """What all of them share."""
        return self.entries[0]

    @property
    def agents(self) -> tuple[SearchQuestion, ...]:
        return tuple(one for one in self.entries if one.agent != "random")

    @property
    def saves(self) -> bool:
        """True where the loss has a budget, and the size is what is made small."""
        return any(name == "loss" for name, _ in self.asked.budgets)

    def runs(self, entry: SearchQuestion) -> tuple[SearchQuestion, ...]:
        """The entry with every seed."""
        return tuple(replace(entry, seed=seed) for seed in range(self.seeds))

    def opponent(self, entry: SearchQuestion) -> SearchQuestion:
        """The random search that evaluates as many configurations as an agent."""
        drawing = {_draws(one): one for one in self.entries if one.agent == "random"}
        return drawing[evaluations_per_episode(entry.settings, max(drawing))]

    def title(self, entry: SearchQuestion) -> str:
        """Example: HAQ; of several random searches: Random × 11."""
        title = TITLES[entry.agent]
        if entry.agent != "random" or len(self.entries) - len(self.agents) == 1:
            return title
        return f"Random × {_draws(entry):,}"


def race_of(
    base: SearchQuestion, settings: Sequence[SearchQuestion], seeds: int, units: int
) -> Race:
    """A race of agents, with a random search for each number of evaluations an episode.

    ``units``: how many layers or kernels are free to choose.
    """
    draws = {evaluations_per_episode(one.settings, units) for one in settings}
    random = tuple(
        replace(base, agent="random", settings=RandomConfig(number)) for number in sorted(draws)
    )
    return Race((*settings, *random), seeds)


def evaluations(entry: SearchQuestion, units: int) -> int:
    """Configurations that one run evaluates."""
    return entry.episodes * evaluations_per_episode(entry.settings, units)


def warm_up(entry: SearchQuestion) -> int:
    """First episodes that learn nothing yet: they are drawn at random."""
    return int(getattr(entry.settings, "warm_up_episodes", 0))


def hardly_learns(entry: SearchQuestion) -> bool:
    """True where a large part of its episodes is drawn at random."""
    return entry.episodes < _TIMES_WARM_UP * warm_up(entry)


def _draws(entry: SearchQuestion) -> int:
    assert isinstance(entry.settings, RandomConfig)
    return entry.settings.draws
