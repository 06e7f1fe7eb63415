"""AutoQ's parts by hand: widths and goals of actions, rewards, goals relabelled, its walk."""

from __future__ import annotations

import math

import numpy as np
import pytest
from autoq_tasks import kernels, pairs

from qcore.agents.autoq_reward import (
    extrinsic_reward,
    goal_misses,
    intrinsic_reward,
    rank_reward,
    zeta_at,
)
from qcore.agents.autoq_walk import GOAL, INPUT, KERNEL, autoq_walk, upper_edges, width_place
from qcore.agents.relabel import relabelled


def test_actions_round_up_to_the_next_measured_width() -> None:
    bits = (2, 3, 4, 5, 6, 8)
    edges = upper_edges(bits)
    for action in np.linspace(0.003, 1, 300):
        wanted = math.ceil(action * 8 - 1e-9)
        assert bits[width_place(edges, action)] == min(b for b in bits if b >= wanted)
    assert width_place(edges, 0.0) == 0


def test_an_action_below_half_a_bit_prunes() -> None:
    edges = upper_edges((0, 2, 4, 8))
    assert [width_place(edges, a) for a in (0.0, 0.5 / 8, 0.51 / 8, 2 / 8, 0.26, 1.0)] == [
        *(0, 0, 1, 1, 2, 3)
    ]


def test_widths_listed_twice_are_both_reached() -> None:
    assert upper_edges((4, 4, 8)).tolist() == [0.25, 0.5, 1.0]


def test_zeta_rises_and_stays() -> None:
    found = [zeta_at(n, 0.1, 0.8, 200) for n in (0, 100, 200, 300)]
    assert found == pytest.approx([0.1, 0.45, 0.8, 0.8])


def test_rewards_by_hand() -> None:
    half = {"latency": 0.5}
    assert extrinsic_reward(0.98, half, (2, 0.5, 0, 0)) == pytest.approx(
        math.log(0.98**2 / 0.5**0.5)
    )
    assert extrinsic_reward(0.98, half, (1, 0, 0, 0)) == pytest.approx(math.log(0.98))
    assert extrinsic_reward(0.5, {"energy": 2.0}, (1, 1, 1, 0)) == pytest.approx(math.log(0.25))
    assert math.isfinite(extrinsic_reward(0.0, {}, (1, 0, 0, 0)))
    misses = goal_misses(np.array([4.0, 5.0]), np.array([2.0, 4, 3, 8]), np.array([0, 0, 0, 1]))
    assert misses.tolist() == [1, 3]
    assert intrinsic_reward(0.1, np.array([0.25]), np.array([0.5])) == pytest.approx([-0.175])
    assert rank_reward(np.array([-9.0, -1, -2])) == pytest.approx([-1 / 3, 1 / 3, 0])
    assert rank_reward(np.array([-1.0, -1])).tolist() == [0, 0]


def test_relabelling_finds_the_goal_that_explains_the_actions() -> None:
    """An actor that does what it is asked: the best goal is the mean of the actions."""
    actions, layer = np.array([0.2, 0.4, 0.9]), np.array([0, 0, 1])
    states = np.zeros((3, 2))
    found = relabelled(
        *(np.array([0.8, 0.9]), np.array([0.3, 0.1]), states, actions, layer),
        lambda rows: rows[:, -1],
        np.random.default_rng(0),
        0.1,
    )
    assert found == pytest.approx([0.3, 0.9], abs=1e-6)


def test_relabelling_scores_as_a_plain_loop_does() -> None:
    random = np.random.default_rng(1)
    layer = np.array([0, 0, 0, 1, 2, 2])
    states, actions = random.random((6, 3)), random.random(6)
    goals, achieved = random.random(3), random.random(3)

    def actor(rows: np.ndarray) -> np.ndarray:
        found: np.ndarray = np.sin(rows @ np.array([1.0, 2, 3, 4])) / 2 + 0.5
        return found

    found = relabelled(
        goals, achieved, states, actions, layer, actor, np.random.default_rng(2), 0.2
    )
    noise = np.random.default_rng(2).standard_normal((3, 8))
    for la in range(3):
        around = np.clip(achieved[la] + 0.2 * noise[la], 0, 1)
        scores = {
            float(goal): -0.5
            * sum(
                (actions[k] - actor(np.append(states[k], goal))) ** 2
                for k in np.flatnonzero(layer == la)
            )
            for goal in (goals[la], achieved[la], *around)
        }
        assert found[la] == pytest.approx(max(scores, key=scores.__getitem__), abs=1e-6)


def test_the_walk_gives_a_goal_before_the_kernels() -> None:
    walk = autoq_walk(kernels())
    assert walk.kind.tolist() == [GOAL, *[KERNEL] * 3, GOAL, *[KERNEL] * 5]
    assert walk.unit.tolist() == [-1, 0, 1, 2, -1, 3, 4, 5, 6, 7]
    assert walk.states[:, 0].tolist() == [0.0] * 4 + [1.0] * 6
    assert walk.states[5:, 1] == pytest.approx([0, 0.25, 0.5, 0.75, 1])
    assert autoq_walk(pairs()).kind.tolist() == [INPUT, GOAL, KERNEL] * 3


def test_pinned_kernels_are_not_walked() -> None:
    walk = autoq_walk(kernels(pins={0: 3, 2: 3}))
    assert walk.unit.tolist() == [-1, 1, -1, 3, 4, 5, 6, 7]
