"""Does an agent learn? The last tenth of its episodes, and its best, beside random search with as
many evaluations."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from statistics import fmean, median

from benchmarks.figure import Figure
from benchmarks.searched import (
    Problem,
    Sample,
    at_random,
    best_value,
    gap_words,
    of_kernels,
    of_layers,
    pairs_table,
    searched,
    weights_table,
)
from qcore.agents.config import CONFIGS, DEFAULT_EPISODES, TITLES, AgentName
from qcore.agents.episode import SearchRun
from qcore.memory import keep_freed_memory

_SEEDS = (101, 102, 103)  # none that defaults were chosen on
_LAST = 10  # one part of so many
_AGENTS: tuple[AgentName, ...] = ("releq", "haq", "autoq")
_MOST_STEPS = 2_200_000  # of kernels in a search: EfficientNet-Lite0's get 100 episodes


def bench_agent_curves() -> Iterator[Figure]:
    """Every agent on both samples: a row as soon as its seeds are through."""
    keep_freed_memory()
    samples: tuple[Sample, ...] = ("fashion-cnn", "efficientnet-lite0")
    for sample in samples:
        table = weights_table(sample)
        layers = of_layers(sample, table)
        yield from (_curve(layers, agent) for agent in _AGENTS)
        both = of_layers(sample, pairs_table(sample))
        # ReLeQ chooses weights alone.
        yield from (_curve(both, agent) for agent in _AGENTS if agent != "releq")
        yield _curve(of_kernels(sample, table), "autoq")


def _curve(problem: Problem, agent: AgentName) -> Figure:
    units = len(problem.setting.task.free)
    episodes = min(DEFAULT_EPISODES[agent], max(_MOST_STEPS // units, 1))
    runs = [searched(problem, CONFIGS[agent](), episodes, seed) for seed in _SEEDS]
    random = [at_random(problem, run, seed) for seed, run in zip(_SEEDS, runs, strict=True)]
    own, other = median(map(best_value, runs)), median(map(best_value, random))
    words = (
        f"best {_spread(runs, best_value)}, {gap_words(problem, own)}",
        f"last tenth {_spread(runs, _last_tenth)}",
        f"random search best {_spread(random, best_value)}, last tenth "
        f"{_spread(random, _last_tenth)}",
        f"{runs[0].evaluations:,} evaluations, {median(run.seconds for run in runs):.0f} s",
    )
    return Figure(
        f"{problem.title}: {TITLES[agent]} beats random, {episodes} episodes",
        "yes" if own < other else "no",
        "; ".join(words),
    )


def _last_tenth(run: SearchRun) -> float:
    """The mean loss of these episodes' configurations; infinite where one is not within the
    budget."""
    last = run.episodes[-math.ceil(len(run.episodes) / _LAST) :]
    return fmean(episode.value if episode.within else math.inf for episode in last)


def _spread(runs: Sequence[SearchRun], of: Callable[[SearchRun], float]) -> str:
    """Median and range over seeds. Example: 0.0123 (0.0121 to 0.0131)."""
    values = sorted(map(of, runs))
    return f"{median(values):.4g} ({values[0]:.4g} to {values[-1]:.4g})"
