"""HAQ's environment against the paper's formulas, step by step."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from hypothesis import given
from hypothesis import strategies as st
from small_tasks import pair_task, small_task

from qcore.agents.evaluator import PredictedEvaluator
from qcore.agents.haq_env import HaqEnv, action_bits
from qcore.agents.task import SearchTask


@given(st.integers(2, 8), st.integers(0, 6), st.floats(0, 1))
def test_equal_parts_of_the_actions_are_a_width_each(low: int, more: int, action: float) -> None:
    places = action * (more + 1)
    if abs(places - round(places)) > 1e-9:  # on a border either neighbour will do
        assert action_bits(action, low, low + more) == low + math.floor(places)
    assert action_bits(0.0, low, low + more) == low
    assert action_bits(1.0, low, low + more) == low + more


def test_the_papers_widths_of_two_to_eight_bits() -> None:
    assert [action_bits((i + 0.5) / 7, 2, 8) for i in range(7)] == [2, 3, 4, 5, 6, 7, 8]
    assert [action_bits(a, 2, 8) for a in (0, 0.142, 0.144, 0.5, 0.858, 1)] == [2, 2, 3, 5, 8, 8]


@pytest.mark.parametrize("variant", ["linear", "k-means"])
@pytest.mark.parametrize("task", [pair_task(), small_task()])
def test_gymnasium_finds_no_fault(task: SearchTask, variant: str) -> None:
    check_env(HaqEnv(task, PredictedEvaluator(task), variant), skip_render_check=True)


def test_what_is_seen_in_an_episode() -> None:
    task = pair_task()
    env = HaqEnv(task, PredictedEvaluator(task))
    seen = [env.reset()[0]]
    for action in (0.6, 0.9, 0.1, 0.3, 0.4, 0.9):
        observed, reward, done, _, info = env.step(np.array([action], dtype=np.float32))
        seen.append(observed)
    # Weights: 3*8*9 = 216, 72, 8*16 = 128. Sizes 32^2 and 16^2. Four widths, so 0.6 is the third.
    shapes = [
        [0, 0, 0, 1, 1, 1, 1, 0],
        [1, 1, 0, 0, 1, 0, 0, 0.5],
        [0, 1, 1, 0, 0, 56 / 144, 0, 1],
    ]
    last = [1, 4 / 8, 8 / 8, 2 / 8, 3 / 8, 3 / 8]
    expected = [[*shapes[i // 2], last[i], 1 - i % 2] for i in range(6)]
    np.testing.assert_allclose(seen[:6], expected, atol=1e-6)
    chosen = [(task.options[o].bits, task.options[o].activation_bits) for o in env.choice]
    assert chosen == [(4, 8), (2, 3), (3, 8)]
    assert done
    assert info["outcome"].choice == tuple(env.choice)  # 28 / 6 bits are within the budget of 5
    accuracy = math.exp(-sum(task.losses[i, o] for i, o in enumerate(env.choice)))
    assert reward == pytest.approx(0.1 * (100 * accuracy - 100))
    with pytest.raises(RuntimeError, match="reset"):
        env.step(np.array([0.5]))


def test_the_k_means_variant_sees_plain_bits_and_leaves_inputs_alone() -> None:
    task = pair_task(8.0)
    env = HaqEnv(task, PredictedEvaluator(task), "k-means")
    seen = [env.reset()[0], *(env.step(np.array([a]))[0] for a in (0.6, 0.1, 0.3))]
    assert [one.shape for one in seen] == [(9,)] * 4
    assert [float(one[8]) for one in seen] == [1, 4, 2, 3]
    assert [task.options[o].activation_bits for o in env.choice] == [8, 8, 8]


@given(st.lists(st.floats(0, 1), min_size=6, max_size=6))
def test_the_settled_walk_leads_to_what_the_budgets_left(actions: list[float]) -> None:
    task = pair_task(3.0)
    env, again = (HaqEnv(task, PredictedEvaluator(task)) for _ in range(2))
    env.reset()
    for action in actions:
        env.step(np.array([action]))
    seen, found = env.settled(actions)
    walked = [again.reset()[0], *(again.step(np.array([a]))[0] for a in found)]
    np.testing.assert_array_equal(seen, walked)
    assert env.outcome is not None
    assert tuple(again.choice) == env.outcome.choice
    kept = np.equal(found, actions).reshape(3, 2).all(1)
    assert kept.tolist() == (env.choice == again.choice).tolist()


def test_outside_the_budgets_nothing_is_earned() -> None:
    """Costs that no option brings within the budget: then its accuracy counts as 0."""
    task = small_task(0)
    too_small = {"size": 0.5 * task.problem.costs["size"].min(1).sum()}
    task = replace(task, problem=replace(task.problem, budgets=too_small))
    env = HaqEnv(task, PredictedEvaluator(task))
    env.reset()
    for _ in range(env.steps):
        _, reward, _, _, _ = env.step(np.array([1.0]))
    assert env.outcome is not None
    assert not env.outcome.within
    assert reward == -10.0
