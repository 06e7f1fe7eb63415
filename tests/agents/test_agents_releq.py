"""ReLeQ: its reward against worked values, its search against brute force."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from hypothesis import given
from hypothesis import strategies as st
from small_tasks import conv, least_loss, small_task, within

from qcore.agents.checkpoint import Checkpoint
from qcore.agents.episode import Episode, SearchRun
from qcore.agents.evaluator import PredictedEvaluator
from qcore.agents.outcome import Outcome
from qcore.agents.releq_config import ReleqConfig
from qcore.agents.releq_env import ReleqEnv
from qcore.agents.releq_reward import quantization_within, shaped_reward, state_quantization
from qcore.agents.search import search
from qcore.agents.task import SearchTask
from qcore.allocate.problem import AllocationProblem
from qcore.errors import BadInput
from qcore.sensitivity.config import Width

SMALL = ReleqConfig(lstm=64, policy_layers=(64,), value_layers=(64,))
EACH = replace(SMALL, reward_time="each layer")


def test_the_reward_of_the_paper() -> None:
    assert shaped_reward(0.5, 0.98, 0.2, 0.4, 0.4) == pytest.approx(0.128386, abs=5e-7)
    assert shaped_reward(0.5, 0.399, 0.2, 0.4, 0.4) == -1
    assert shaped_reward(0.5, 0.4, 0.2, 0.4, 0.4) == pytest.approx((1 - 0.5**0.2) * 0.4)
    assert shaped_reward(1.0, 1.0, 0.2, 0.4, 0.4) == 0
    assert shaped_reward(0.0, 1.0, 0.2, 0.4, 0.4) == 1
    assert shaped_reward(0.5, 0.0, 0.2, 0.4, 0.0) == 0


@given(*[st.floats(0, 1)] * 4)
def test_the_reward_rises_with_accuracy_and_with_bits_saved(
    sq: float, less: float, sa: float, lower: float
) -> None:
    found = shaped_reward(sq, sa, 0.2, 0.4, 0.4)
    assert -1 <= found <= 1
    assert shaped_reward(sq * less, sa, 0.2, 0.4, 0.4) >= found
    assert shaped_reward(sq, sa * lower, 0.2, 0.4, 0.4) <= found


def test_state_quantization_by_hand() -> None:
    """10 weights and 400 products at 4 bits, 20 and 800 at 8: a third of the cost is halved."""
    assert state_quantization([10, 20], [400, 800], [4, 8], 8) == pytest.approx(5 / 6)
    assert state_quantization([10, 20], [400, 800], [8, 8], 8) == 1
    by_hand = ((1 * 120 + 5) * 2 + (3 * 120 + 7) * 6) / ((4 * 120 + 12) * 8)
    assert state_quantization([1, 3], [5, 7], [2, 6], 8) == pytest.approx(by_hand)
    assert state_quantization([1, 3], [0, 0], [2, 6], 8, ratio=1) == pytest.approx(20 / 32)


def with_budgets(task: SearchTask, **budgets: float) -> SearchTask:
    return replace(task, problem=replace(task.problem, budgets=budgets))


def bits_task(options: tuple[Width, ...], layers: int = 2, **changes: object) -> SearchTask:
    """Equal layers; "bits" is the mean of weight bits, "work" of products with bits of inputs."""
    bits = np.tile([o.bits / layers for o in options], (layers, 1))
    work = np.tile([o.bits * (o.activation_bits or 1) / layers for o in options], (layers, 1))
    costs = {"bits": bits, "work": work}
    problem = AllocationProblem(1 / bits, costs, {}, **changes)
    return SearchTask(problem, options, (conv(),) * layers, np.arange(layers))


def test_what_a_uniform_network_within_the_budgets_keeps() -> None:
    weights = bits_task((Width(4), Width(8), Width(5), Width(2)))
    assert quantization_within(weights, 120) is None
    for budget, expected in ((4.5, 4.5), (5, 5), (6.5, 6.5), (8, 8), (2, 2), (1, 2)):
        found = quantization_within(with_budgets(weights, bits=budget), 120)
        assert found == pytest.approx(expected / 8)
    both = with_budgets(weights, bits=7, work=4.25)
    assert quantization_within(both, 120) == pytest.approx(4.25 / 8)


def test_with_pins_and_with_inputs_it_keeps_them() -> None:
    pinned = bits_task((Width(2), Width(8)), pins={0: 1})
    assert quantization_within(with_budgets(pinned, bits=6.5), 120) == pytest.approx(6.5 / 8)
    pairs = bits_task(tuple(Width(w, a) for w in (2, 8) for a in (4, 8)))
    assert quantization_within(with_budgets(pairs, work=40), 120) == pytest.approx(5 / 8)
    assert quantization_within(with_budgets(pairs, work=10), 120) == pytest.approx(2.5 / 8)


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
    assert walk(env, [0, 1, 2, 0, 1])[2].choice == (1, 2, 2, 1, 2)


def test_inputs_stay_at_their_widest() -> None:
    pairs = bits_task(tuple(Width(w, a) for w in (2, 8) for a in (4, 8)), layers=3)
    outcome = walk(ReleqEnv(pairs, PredictedEvaluator(pairs), SMALL), [0, 1, 0])[2]
    assert [pairs.options[o] for o in outcome.choice] == [Width(2, 8), Width(8, 8), Width(2, 8)]


def run(
    task: SearchTask, config: ReleqConfig, episodes: int, seed: int = 0, **more: object
) -> SearchRun:
    return search(task, PredictedEvaluator(task), config, episodes=episodes, seed=seed, **more)


def test_the_optimum_of_small_problems() -> None:
    """Five layers of three widths, 100 episodes, five seeds: the best of 243 in at least three,
    and never more than a quarter above it. (Measured: in four, and 7 % above.)"""
    ratios = []
    for seed in range(5):
        task = small_task(seed)
        found = run(task, SMALL, 100, seed).allocation
        assert found is not None
        assert within(task, found.choice)
        ratios.append(found.loss / least_loss(task))
    assert min(ratios) >= 1 - 1e-9
    assert sum(ratio < 1 + 1e-9 for ratio in ratios) >= 3
    assert max(ratios) < 1.25


def test_it_learns() -> None:
    """The last episodes lose less than the first did."""
    task = small_task(1, layers=6, widths=(2, 3, 4, 6, 8))
    config = replace(SMALL, deterministic_last=0)
    values = [e.value for e in run(task, config, 120).episodes]
    assert np.median(values[-30:]) < 0.6 * np.median(values[:30])


@pytest.mark.parametrize("config", [SMALL, EACH], ids=["end", "each layer"])
def test_it_is_repeatable_and_goes_on_after_any_episode(config: ReleqConfig) -> None:
    task = small_task(layers=3)
    config = replace(config, rollout_episodes=3)
    whole = told(run(task, config, 20, seed=7))
    assert told(run(task, config, 20, seed=7)) == whole
    assert told(run(task, config, 20, seed=8)) != whole
    known: Checkpoint | None = None
    for stop in (1, 5, 6, 19):
        kept: list[Checkpoint] = []
        asked = iter(range(99))
        wanted = stop - (0 if known is None else len(known.episodes))
        part = run(
            task,
            config,
            20,
            seed=7,
            known=known,
            on_checkpoint=kept.append,
            should_stop=lambda asked=asked, wanted=wanted: next(asked) >= wanted,
        )
        assert len(part.episodes) == stop
        assert not part.finished
        known = Checkpoint.from_bytes(kept[-1].to_bytes())
    again = run(task, config, 20, seed=7, known=known)
    assert told(again) == whole
    assert again.finished


def told(found: SearchRun) -> list[Episode]:
    return [replace(episode, seconds=0.0) for episode in found.episodes]


def test_the_last_episodes_are_alike() -> None:
    task = small_task(layers=3)
    values = [e.value for e in run(task, replace(SMALL, deterministic_last=4), 60).episodes]
    assert len(set(values[-4:])) == 1
    assert len(set(values)) > 4


def test_what_it_cannot_do() -> None:
    task = small_task(layers=3)
    kernels = replace(task, layers=task.layers[:1], layer_of_row=np.zeros(3, dtype=np.intp))
    with pytest.raises(BadInput, match="AutoQ"):
        run(kernels, SMALL, 1)
    saving = replace(task.problem, loss=task.problem.costs["size"], budgets={"loss": 9e9})
    with pytest.raises(BadInput, match="AutoQ or the integer program"):
        run(replace(task, problem=saving), SMALL, 1)


@pytest.mark.parametrize(
    "wrong",
    [
        {"action_set": "any"},
        {"reward_time": "never"},
        {"learning_rate": 0.0},
        {"threshold": 1.5},
        {"entropy": -1.0},
        {"rollout_episodes": 0},
        {"policy_layers": (8, 0)},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
def test_values_that_cannot_be(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong)).removeprefix("policy_")):
        ReleqConfig(**wrong)  # type: ignore[arg-type]
