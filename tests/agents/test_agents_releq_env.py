"""ReLeQ's environment, step by step."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from small_tasks import bits_task, small_task

from qcore.agents.evaluator import PredictedEvaluator
from qcore.agents.outcome import Outcome
from qcore.agents.releq_config import ReleqConfig
from qcore.agents.releq_env import ReleqEnv
from qcore.agents.releq_reward import quantization_within, shaped_reward, state_quantization
from qcore.sensitivity.config import Width

SMALL = ReleqConfig(lstm=16, policy_layers=(16,), value_layers=(16,))
EACH = replace(SMALL, reward_time="each layer")


@pytest.mark.parametrize("config", [SMALL, EACH, replace(EACH, action_set="restricted")])
def test_gymnasium_accepts_the_environment(config: ReleqConfig) -> None:
    task = small_task(pins={1: 0}, groups=((0, 3),))
    check_env(ReleqEnv(task, PredictedEvaluator(task), config), skip_render_check=True)


def walk(env: ReleqEnv, actions: list[int]) -> tuple[list[np.ndarray], list[float], Outcome]:
    """Observations, rewards and the outcome of one episode."""
    seen, rewards = [env.reset()[0]], []
    for action in actions:
        observed, reward, ended, _, info = env.step(action)
        seen.append(observed)
        rewards.append(reward)
        assert ended == (len(rewards) == len(env.units)) == ("outcome" in info)
    return seen, rewards, info["outcome"]


def test_an_episode_by_hand() -> None:
    """Four layers, the second pinned to 2 bits, the first and last in a group; no budget."""
    task = small_task(layers=4, budget=None, pins={1: 0}, groups=((0, 3),))
    evaluator = PredictedEvaluator(task)
    seen, rewards, outcome = walk(ReleqEnv(task, evaluator, EACH), [1, 0])
    assert outcome.choice == (1, 0, 0, 1)
    weights = [layer.weight_count for layer in task.layers]
    macs = [layer.macs for layer in task.layers]
    steps = [(8, 2, 8, 8), (4, 2, 8, 4), (4, 2, 2, 4)]
    held = [state_quantization(weights, macs, bits, 8) for bits in steps]
    assert [o[2] for o in seen] == pytest.approx(held)
    accuracies = [evaluator.score(c).accuracy for c in ((1, 0, 2, 1), (1, 0, 0, 1))]
    assert [o[3] for o in seen] == pytest.approx([1, *accuracies])
    expected = [
        shaped_reward(sq, sa, 0.2, 0.4, 0.4) for sq, sa in zip(held[1:], accuracies, strict=True)
    ]
    assert rewards == pytest.approx(expected)
    assert [o[0] for o in seen] == pytest.approx([0, 2 / 3, 2 / 3])
    assert [o[1] for o in seen] == [1, 1, 0.25]
    channels = np.array([layer.weight_shape[1] for layer in task.layers])
    share = (channels - channels.min()) / (channels.max() - channels.min())
    assert seen[0][4:] == pytest.approx([0, share[0], 0, 0.1])
    assert seen[1][5] == pytest.approx(share[2])


def test_rewards_at_the_end_take_one_evaluation() -> None:
    task = small_task()
    evaluator = PredictedEvaluator(task)
    seen, rewards, outcome = walk(ReleqEnv(task, evaluator, SMALL), [2] * 5)
    assert evaluator.evaluations == 1
    assert rewards[:-1] == [0] * 4
    assert rewards[-1] != 0
    assert [o[3] for o in seen[:-1]] == [1] * 5
    assert seen[-1][3] == pytest.approx(outcome.accuracy)
    walk(ReleqEnv(task, evaluator, EACH), [2] * 5)
    assert evaluator.evaluations == 6


def test_saving_more_than_the_budget_asks_is_not_paid() -> None:
    """The last reward of 2 bits everywhere is that of the budget's own State_Quantization."""
    task = small_task()
    _, rewards, outcome = walk(ReleqEnv(task, PredictedEvaluator(task), SMALL), [0] * 5)
    enough = quantization_within(task, 120)
    assert enough is not None
    assert rewards[-1] == shaped_reward(enough, outcome.accuracy, 0.2, 0.4, 0.4)


def test_restricted_actions_move_one_width_at_most() -> None:
    task = small_task(budget=None)
    env = ReleqEnv(task, PredictedEvaluator(task), replace(SMALL, action_set="restricted"))
    # From the layer before; the first one from the widest, which is place 2.
    assert walk(env, [0, 0, 0, 2, 1])[2].choice == (1, 0, 0, 1, 1)
    assert walk(env, [2, 1, 0, 1, 2])[2].choice == (2, 2, 1, 1, 2)


def test_inputs_stay_at_their_widest() -> None:
    pairs = bits_task(tuple(Width(w, a) for w in (2, 8) for a in (4, 8)), layers=3)
    outcome = walk(ReleqEnv(pairs, PredictedEvaluator(pairs), SMALL), [0, 1, 0])[2]
    assert [pairs.options[o] for o in outcome.choice] == [Width(2, 8), Width(8, 8), Width(2, 8)]
