"""Random search, and what every search returns or refuses."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from small_tasks import (
    least_loss,
    small_task,
    told,
)

from qcore.agents.checkpoint import Checkpoint
from qcore.agents.evaluator import PredictedEvaluator
from qcore.agents.random_search_config import RandomConfig
from qcore.agents.search import search
from qcore.allocate import InfeasibleBudget
from qcore.allocate.problem import evaluate
from qcore.errors import BadInput


def test_random_search_is_repeatable_and_goes_on_where_it_was() -> None:
    task = small_task()

    def run(episodes: int, seed: int = 3, known: Checkpoint | None = None, **more: object):  # type: ignore[no-untyped-def]
        config = RandomConfig(draws=2)
        return search(
            task,
            PredictedEvaluator(task),
            config,
            episodes=episodes,
            seed=seed,
            known=known,
            **more,
        )

    kept: list[Checkpoint] = []
    whole = run(9)
    assert told(run(9).episodes) == told(whole.episodes)
    assert told(run(9, seed=4).episodes) != told(whole.episodes)
    count = iter(range(99))
    part = run(9, on_checkpoint=kept.append, should_stop=lambda: next(count) > 3)
    assert not part.finished
    assert 0 < len(part.episodes) < 9
    again = run(9, known=Checkpoint.from_bytes(kept[-1].to_bytes()))
    assert told(again.episodes) == told(whole.episodes)
    assert again.finished
    assert again.evaluations == whole.evaluations == 18
    assert again.seconds >= part.seconds


def test_an_episode_of_several_draws_has_the_best_of_them() -> None:
    task = small_task()
    singles = search(task, PredictedEvaluator(task), RandomConfig(), episodes=12, seed=1)
    threes = search(task, PredictedEvaluator(task), RandomConfig(3), episodes=4, seed=1)
    values = [e.value for e in singles.episodes]
    assert [e.value for e in threes.episodes] == [min(values[i : i + 3]) for i in (0, 3, 6, 9)]


def test_a_search_returns_the_allocation_of_its_best_episode() -> None:
    task = small_task(1)
    before = np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()
    run = search(task, PredictedEvaluator(task), RandomConfig(), episodes=300)
    assert (np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()) == before
    assert run.allocation is not None
    best = min(e.value for e in run.episodes)
    assert run.allocation.loss == best == pytest.approx(least_loss(task), rel=0.3)
    assert run.allocation.bound is not None
    assert run.allocation.bound <= least_loss(task) <= best
    assert run.allocation.gap == pytest.approx((best - run.allocation.bound) / best)
    assert run.allocation.costs == evaluate(task.problem, run.allocation.choice).costs


def test_nothing_to_search_and_nothing_within() -> None:
    pinned = small_task(pins=dict.fromkeys(range(5), 0))
    with pytest.raises(BadInput, match="unpin"):
        search(pinned, PredictedEvaluator(pinned), RandomConfig(), episodes=1)
    none = small_task(budget=-0.1)
    with pytest.raises(InfeasibleBudget):
        search(none, PredictedEvaluator(none), RandomConfig(), episodes=1)
