"""AutoQ's environment, step by step."""

from __future__ import annotations

import math

import pytest
from autoq_tasks import TASKS, pairs, saving
from gymnasium.utils.env_checker import check_env
from small_tasks import small_task, within

from qcore.agents.autoq_env import AutoqEnv
from qcore.agents.evaluator import PredictedEvaluator
from qcore.sensitivity.config import Width


@pytest.mark.parametrize("name", TASKS)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_the_environment_passes_gymnasiums_check(name: str) -> None:
    task = TASKS[name]()
    check_env(AutoqEnv(task, PredictedEvaluator(task), (1, 0, 0, 0)), skip_render_check=True)


def test_steps_of_a_layer_with_inputs() -> None:
    task = pairs()
    env = AutoqEnv(task, PredictedEvaluator(task), (1, 0, 0, 0))
    seen, info = env.reset()
    assert info["high"]
    assert seen[-1] == 1
    assert seen[8] == 0
    seen, _, _, _, info = env.step([3 / 7])  # 1 + 3/7 * 7 bits: 4
    assert info["high"]
    assert seen[8] == 1
    assert seen[10] == pytest.approx(3 / 7)
    seen, _, _, _, info = env.step([0.6])
    assert not info["high"]
    assert seen[11] == pytest.approx(0.6)
    assert seen[12] == 0
    env.step([0.3])  # 2.4 bits: 3, so 4
    assert task.options[env.choice[0]] == Width(4, 4)
    seen = env.step([0.44])[0]  # of the second layer's input: just above 4 bits
    env.step([0.0])
    env.step([0.0])
    assert task.options[env.choice[1]] == Width(2, 8)
    assert seen[9] == pytest.approx(0.6), "the goal of the layer before"


def test_the_last_reward_is_of_the_enforced_configuration() -> None:
    task = small_task()
    env = AutoqEnv(task, PredictedEvaluator(task), (1, 0, 0, 0))
    env.reset()
    rewards = [env.step([1.0])[1] for _ in env.walk.kind]
    assert env.outcome is not None
    assert within(task, env.outcome.choice)
    assert rewards[:-1] == [0.0] * (len(rewards) - 1)
    assert rewards[-1] == pytest.approx(math.log(env.outcome.accuracy))


def test_the_size_stands_for_the_latency_where_it_is_made_small() -> None:
    task = saving(small_task(), 1e6)
    env = AutoqEnv(task, PredictedEvaluator(task), (0, 0.5, 0, 0))
    env.reset()
    reward = [env.step([0.2])[1] for _ in env.walk.kind][-1]
    assert reward == pytest.approx(-0.5 * math.log(2 / 8))  # 2 bits everywhere, 8 at most
