"""HAQ against the paper's formulas, scipy's distributions and brute force."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kstest, truncnorm
from small_tasks import conv, least_loss, small_task, within

from qcore.agents.checkpoint import Checkpoint
from qcore.agents.evaluator import PredictedEvaluator
from qcore.agents.haq import exploration, truncated_normal
from qcore.agents.haq_config import HaqConfig
from qcore.agents.haq_env import HaqEnv, action_bits
from qcore.agents.haq_learner import make_learner
from qcore.agents.random_search_config import RandomConfig
from qcore.agents.search import search
from qcore.agents.task import SearchTask
from qcore.allocate.problem import AllocationProblem
from qcore.errors import BadInput
from qcore.sensitivity.config import Width

SMALL = HaqConfig(actor_sizes=(16, 16), critic_sizes=(32, 32), batch=32, warm_up=6)


def pair_task(budget: float = 5.0) -> SearchTask:
    """A depthwise convolution between two others, weights and inputs of 2, 3, 4 and 8 bits each."""
    layers = (
        conv("first", c_in=3, c_out=8, size=32, stride=2),
        conv("second", c_in=8, c_out=8, groups=8, size=16),
        conv("third", c_in=8, c_out=16, kernel=1, size=16),
    )
    widths = (2, 3, 4, 8)
    options = tuple(Width(w, a) for w in widths for a in widths)
    scale = np.array([[4.0, 1.0], [0.2, 2.0], [1.0, 0.5]])
    errors = np.array([[2.0**-o.bits, 2.0 ** -(o.activation_bits or 0)] for o in options])
    bits = np.array([[(o.bits + (o.activation_bits or 0)) / 2 for o in options]] * 3) / 3
    problem = AllocationProblem(scale @ errors.T, {"bits": bits}, {"bits": budget})
    return SearchTask(problem, options, layers, np.arange(3))


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


@pytest.mark.parametrize(("mean", "sigma"), [(0.0, 0.5), (0.3, 0.2), (1.0, 0.01), (0.5, 0.005)])
def test_exploration_is_a_truncated_normal(mean: float, sigma: float) -> None:
    random = np.random.default_rng(1)
    drawn = [truncated_normal(mean, sigma, random) for _ in range(2000)]
    known = truncnorm(-mean / sigma, (1 - mean) / sigma, mean, sigma)
    assert kstest(drawn, known.cdf).pvalue > 0.01
    assert 0 <= min(drawn) <= max(drawn) <= 1


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
    config = replace(SMALL, actor_rate=1e-3, noise_decay=0.97)
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
    told = [[replace(e, seconds=0.0) for e in run.episodes] for run in (whole, part, rest)]
    assert told[2] == told[0]
    assert told[1] == told[0][: len(told[1])]
    assert told[0] != [
        replace(e, seconds=0.0)
        for e in search(task, PredictedEvaluator(task), SMALL, episodes=14, seed=4).episodes
    ]


def test_budgets_groups_and_pins_hold_in_every_episode() -> None:
    task = small_task(2, layers=6, budget=0.3, groups=((0, 3),), pins={1: 2})
    run = search(task, PredictedEvaluator(task), SMALL, episodes=12)
    chosen = [e.choice for e in run.episodes if e.choice is not None]
    assert chosen
    assert all(e.within for e in run.episodes)
    assert all(e.costs["size"] <= task.problem.budgets["size"] * (1 + 1e-9) for e in run.episodes)
    assert all(c[0] == c[3] and c[1] == 2 and within(task, c) for c in chosen)


def test_what_haq_cannot_do_is_said() -> None:
    task = small_task()
    loss = replace(task.problem, loss=task.problem.costs["size"], budgets={"loss": 1.0})
    with pytest.raises(BadInput, match="HAQ works within budgets of cost"):
        search(replace(task, problem=loss), PredictedEvaluator(task), SMALL, episodes=1)
    kernels = replace(task, layers=task.layers[:1], layer_of_row=np.zeros(5, dtype=np.intp))
    with pytest.raises(BadInput, match="not to kernels"):
        search(kernels, PredictedEvaluator(task), SMALL, episodes=1)


@pytest.mark.parametrize(
    "wrong",
    [
        {"variant": "cubic"},
        {"remembers": "nothing"},
        {"actor_sizes": ()},
        {"critic_sizes": (0,)},
        {"actor_rate": 0.0},
        {"tau": 1.5},
        {"discount": -0.1},
        {"batch": 0},
        {"warm_up": 0},
        {"noise": 0.0},
        {"noise_decay": 1.1},
        {"baseline_alpha": math.nan},
        {"updates_per_step": -1.0},
    ],
)
def test_settings_that_cannot_be(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        HaqConfig(**wrong)
