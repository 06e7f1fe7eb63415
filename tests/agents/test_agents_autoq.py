"""AutoQ: hand values for its parts, and what it finds against brute force."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from small_tasks import conv, least_loss, small_task, within

from qcore.agents.autoq import truncated_normal
from qcore.agents.autoq_config import AutoqConfig
from qcore.agents.autoq_controller import actor_of, make_controller
from qcore.agents.autoq_env import AutoqEnv
from qcore.agents.autoq_reward import (
    extrinsic_reward,
    goal_misses,
    intrinsic_reward,
    standing,
    zeta_at,
)
from qcore.agents.autoq_walk import GOAL, INPUT, KERNEL, autoq_walk, upper_edges, width_place
from qcore.agents.checkpoint import Checkpoint
from qcore.agents.episode import Episode, SearchRun, best_choice
from qcore.agents.evaluator import PredictedEvaluator
from qcore.agents.relabel import relabelled
from qcore.agents.search import search
from qcore.agents.task import SearchTask
from qcore.allocate.problem import AllocationProblem
from qcore.sensitivity.config import Width

TINY = AutoqConfig(
    hidden=(32, 32), high_updates=2, low_updates=2, warmup_episodes=8, memory_episodes=10
)

SMALL = replace(TINY, high_updates=4, low_updates=4, memory_episodes=100, sigma_decay=0.95)


def kernels(**changes: object) -> SearchTask:
    """Two layers of 3 and 5 kernels at 0, 2, 4 and 8 bits; the first layer needs more of them."""
    widths, counts = (0, 2, 4, 8), (3, 5)
    start = np.repeat([4.0, 0.5], counts) * np.linspace(0.8, 1.2, 8)
    loss = start[:, None] * np.exp(-0.7 * np.array(widths))
    size = np.tile(np.array(widths, dtype=float), (8, 1))
    problem = AllocationProblem(loss, {"size": size, "loss": loss}, {"size": 8 * 4.0}, **changes)
    layers = tuple(conv(f"l{i}", c_out=count) for i, count in enumerate(counts))
    return SearchTask(problem, tuple(Width(w) for w in widths), layers, np.repeat([0, 1], counts))


def pairs() -> SearchTask:
    """Three layers whose inputs are chosen too."""
    options = [Width(w, a) for w in (2, 4, 8) for a in (4, 8)]
    loss = np.array([[math.exp(-w.bits / 2 - (w.activation_bits or 0) / 3) for w in options]] * 3)
    size = np.array([[w.bits * 1.0 for w in options]] * 3)
    problem = AllocationProblem(loss, {"size": size, "loss": loss}, {"size": 15})
    layers = tuple(conv(f"l{i}", c_in=4 + i) for i in range(3))
    return SearchTask(problem, tuple(options), layers, np.arange(3))


def saving(task: SearchTask, loss: float) -> SearchTask:
    """The other way round: the least size within a loss."""
    problem = task.problem
    changed = replace(problem, loss=problem.costs["size"], budgets={"loss": loss})
    return replace(task, problem=changed)


TASKS: dict[str, Callable[[], SearchTask]] = {
    "layers": small_task,
    "inputs too": pairs,
    "kernels": kernels,
    "saves": lambda: saving(small_task(), 2.0),
}


@cache
def least(name: str) -> float:
    return least_loss(TASKS[name]())


def run(
    task: SearchTask, episodes: int, seed: int = 0, config: AutoqConfig = TINY, **more: object
) -> SearchRun:
    evaluator = PredictedEvaluator(task)
    return search(task, evaluator, config, episodes=episodes, seed=seed, **more)  # type: ignore[arg-type]


def told(episodes: tuple[Episode, ...]) -> list[Episode]:
    return [replace(episode, seconds=0.0) for episode in episodes]


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
    assert standing(np.array([-9.0, -1, -2])) == pytest.approx([-1 / 3, 1 / 3, 0])
    assert standing(np.array([-1.0, -1])).tolist() == [0, 0]


def test_truncated_normal_is_scipys() -> None:
    from scipy.stats import truncnorm

    for mean, sigma, drawn in ((0.1, 0.5, 0.9), (0.7, 0.05, 0.2), (1.0, 0.3, 0.5)):
        known = truncnorm.ppf(drawn, -mean / sigma, (1 - mean) / sigma, mean, sigma)
        assert truncated_normal(mean, sigma, drawn) == pytest.approx(known)
    assert 0 <= truncated_normal(1.7, 0.1, 0.99) <= 1


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


def test_the_fast_actor_answers_as_the_library() -> None:
    model = make_controller(12, 100, 0.0, AutoqConfig())
    seen = np.random.default_rng(0).random((20, 12)).astype(np.float32)
    known = model.predict(seen, deterministic=True)[0][:, 0]
    assert actor_of(model)(seen) == pytest.approx(known, abs=1e-6)
    assert float(actor_of(model)(seen[3])) == pytest.approx(known[3], abs=1e-6)


@pytest.mark.parametrize("name", TASKS)
def test_stopped_anywhere_it_goes_on_as_if_it_had_not(name: str) -> None:
    task, kept = TASKS[name](), list[Checkpoint]()
    whole = run(task, 14)
    done = list[Episode]()
    stopped = run(
        *(task, 14),
        on_episode=done.append,
        on_checkpoint=kept.append,
        should_stop=lambda: len(done) >= 11,
    )
    assert not stopped.finished
    assert stopped.allocation is not None
    assert stopped.allocation.choice == best_choice(whole.episodes[:11])
    resumed = run(task, 14, known=Checkpoint.from_bytes(kept[-1].to_bytes()))
    assert told(resumed.episodes) == told(whole.episodes)


def test_a_short_memory_of_kernels_goes_on_as_well() -> None:
    task, kept, config = kernels(), list[Checkpoint](), replace(TINY, low_memory=8 * 3)
    whole = run(task, 14, config=config)
    half = run(task, 11, config=config, on_checkpoint=kept.append)
    resumed = run(task, 14, config=config, known=kept[-1])
    assert told(half.episodes) == told(whole.episodes[:11])
    assert told(resumed.episodes) == told(whole.episodes)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("name", "gap"), [("layers", 0.35), ("kernels", 0.05)])
def test_near_the_optimum_after_60_episodes(name: str, gap: float, seed: int) -> None:
    """``gap`` of the least loss: of 243 configurations of layers, 65,536 of kernels."""
    task = TASKS[name]()
    found = run(task, 60, seed, config=SMALL)
    assert found.allocation is not None
    assert within(task, found.allocation.choice)
    assert found.allocation.loss <= (1 + gap) * least(name)


def test_pins_groups_and_pruned_kernels() -> None:
    task = kernels(pins={1: 0}, groups=((6, 7),))
    found = run(task, 20)
    assert found.allocation is not None
    choice = found.allocation.choice
    assert choice[1] == 0
    assert choice[6] == choice[7]
    assert within(task, choice)
    assert all(e.within for e in found.episodes)


def test_settings_that_cannot_be() -> None:
    for wrong in ({"hidden": ()}, {"sigma": 0.0}, {"psi_resource": (1.0,)}, {"batch": 0}):
        with pytest.raises(ValueError, match="AutoQ"):
            replace(AutoqConfig(), **wrong)  # type: ignore[arg-type]
