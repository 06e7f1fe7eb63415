"""Agents that search bits: seconds, and what they find beside random search and the optimum."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.figure import Figure
from benchmarks.searched import (
    Problem,
    at_random,
    best_value,
    gap_words,
    of_kernels,
    of_layers,
    pairs_table,
    searched,
    weights_table,
)
from qcore.agents.autoq_config import AutoqConfig
from qcore.agents.config import TITLES, AgentConfig, agent_name
from qcore.agents.haq_config import HaqConfig
from qcore.agents.releq_config import ReleqConfig
from qcore.memory import keep_freed_memory

_SEED = 101  # none that defaults were chosen on


def bench_agents() -> Iterator[Figure]:
    """Each agent on the problem that its limit is about."""
    keep_freed_memory()
    table = weights_table("fashion-cnn")
    yield _timed(of_layers("fashion-cnn", table), ReleqConfig(), 500, 60)
    yield _timed(of_kernels("fashion-cnn", table), AutoqConfig(), 300, 180)
    pairs = of_layers("efficientnet-lite0", pairs_table("efficientnet-lite0"))
    yield _timed(pairs, HaqConfig(), 600, 180)


def _timed(problem: Problem, config: AgentConfig, episodes: int, limit: int) -> Figure:
    run = searched(problem, config, episodes, _SEED)
    random = at_random(problem, run, _SEED)
    best = best_value(run)
    return Figure(
        f"{problem.title}: {TITLES[agent_name(config)]}, {episodes} episodes",
        f"{run.seconds:.1f} s",
        f"limit {limit} s; best {best:.5g}, {gap_words(problem, best)}; random search with "
        f"{random.evaluations:,} evaluations {best_value(random):.5g}, {random.seconds:.1f} s",
    )
