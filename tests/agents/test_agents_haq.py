"""HAQ: its learner by hand, and what it finds against brute force."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from small_tasks import least_loss, pair_task, small_task, told, within

from qcore.agents.checkpoint import Checkpoint
from qcore.agents.evaluator import PredictedEvaluator
from qcore.agents.haq import exploration
from qcore.agents.haq_config import HaqConfig
from qcore.agents.haq_env import HaqEnv
from qcore.agents.haq_learner import make_learner
from qcore.agents.random_search_config import RandomConfig
from qcore.agents.search import search
from qcore.agents.task import SearchTask

SMALL = HaqConfig(actor_layers=(16, 16), critic_layers=(32, 32), batch=32, warm_up_episodes=6)


def test_exploration_fades_after_the_warm_up() -> None:
    found = [exploration(HaqConfig(), number) for number in (1, 21, 22, 121)]
    assert found == [None, None, pytest.approx(0.495), pytest.approx(0.5 * 0.99**100)]


def test_what_is_remembered_and_drawn() -> None:
    task = small_task()
    model = make_learner(HaqEnv(task, PredictedEvaluator(task)), SMALL)
    seen = [np.full(10, i / 10, dtype=np.float32) for i in range(4)]
    model.remember(seen, [0.0, 0.5, 1.0], -2.0)
    memory = model.memory
    assert memory.rewards[:3, 0].tolist() == [-2, -2, -2]
    assert memory.dones[:3, 0].tolist() == [0, 0, 1]
    assert memory.actions[:3, 0, 0].tolist() == [-1, 0, 1]
    np.testing.assert_array_equal(memory.next_observations[:2], memory.observations[1:3])
    assert memory.sample(8).rewards.unique().tolist() == [0]  # the first mean is the baseline
    memory.rewards[:3] = 1.0
    assert memory.sample(8).rewards.unique().tolist() == [1.5]  # -2 + (1 + 2) / 2 taken off
    assert memory.baseline == -0.5


def test_actor_and_critic_keep_their_rates() -> None:
    task = small_task()
    model = make_learner(HaqEnv(task, PredictedEvaluator(task)), SMALL)
    model.remember([np.zeros(10, dtype=np.float32)] * 3, [0.1, 0.9], 0.0)
    model.train(2, 4)
    rates = [net.optimizer.param_groups[0]["lr"] for net in (model.actor, model.critic)]
    assert rates == [SMALL.actor_rate, SMALL.critic_rate]


def test_finds_what_brute_force_finds() -> None:
    """Four layers, 81 choices, 100 episodes: the optimum with four of five seeds, and with all of
    them the last ten episodes are on average twice as near to it as those of random search."""
    config = replace(SMALL, actor_rate=1e-3, sigma_decay=0.97)
    found = 0
    for seed in range(5):
        task = small_task(seed, layers=4, budget=0.4)
        best = least_loss(task)
        mean = []
        for one in (config, RandomConfig()):
            run = search(task, PredictedEvaluator(task), one, episodes=100, seed=seed)
            mean.append(np.mean([e.value for e in run.episodes[-10:]]) - best)
            if one is config:
                assert run.allocation is not None
                assert run.allocation.loss >= best - 1e-12
                found += run.allocation.loss <= best + 1e-12
        assert mean[0] < mean[1] / 2
    assert found >= 4


@pytest.mark.parametrize("task", [pair_task(), small_task(groups=((0, 3),), pins={1: 2})])
def test_the_same_again_in_one_go_or_from_a_checkpoint(task: SearchTask) -> None:
    kept: list[bytes] = []
    whole = search(task, PredictedEvaluator(task), SMALL, episodes=14, seed=3)
    stop = iter([False] * 9 + [True])
    part = search(
        task,
        PredictedEvaluator(task),
        SMALL,
        episodes=14,
        seed=3,
        on_checkpoint=lambda one: kept.append(one.to_bytes()),
        should_stop=lambda: next(stop, True),
    )
    assert not part.finished
    assert 0 < len(part.episodes) < 14
    assert part.allocation is not None
    known = Checkpoint.from_bytes(kept[-1])
    rest = search(task, PredictedEvaluator(task), SMALL, episodes=14, seed=3, known=known)
    assert told(rest.episodes) == told(whole.episodes)
    assert told(part.episodes) == told(whole.episodes[: len(part.episodes)])
    other = search(task, PredictedEvaluator(task), SMALL, episodes=14, seed=4)
    assert told(other.episodes) != told(whole.episodes)


def test_budgets_groups_and_pins_hold_in_every_episode() -> None:
    task = small_task(2, layers=6, budget=0.3, groups=((0, 3),), pins={1: 2})
    run = search(task, PredictedEvaluator(task), SMALL, episodes=12)
    chosen = [e.choice for e in run.episodes if e.choice is not None]
    assert chosen
    assert all(e.within for e in run.episodes)
    assert all(e.costs["size"] <= task.problem.budgets["size"] * (1 + 1e-9) for e in run.episodes)
    assert all(c[0] == c[3] and c[1] == 2 and within(task, c) for c in chosen)


@pytest.mark.parametrize(
    "wrong",
    [
        {"variant": "cubic"},
        {"remembers": "nothing"},
        {"actor_layers": ()},
        {"critic_layers": (0,)},
        {"actor_rate": 0.0},
        {"tau": 1.5},
        {"discount": -0.1},
        {"batch": 0},
        {"warm_up_episodes": 0},
        {"sigma": 0.0},
        {"sigma_decay": 0.0},
        {"sigma_decay": 1.1},
        {"baseline_alpha": math.nan},
        {"updates_per_step": -1.0},
    ],
)
def test_settings_that_cannot_be(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        HaqConfig(**wrong)
