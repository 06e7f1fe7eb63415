"""What all agents share: against plain loops, brute force and hand values."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load, save
from small_tasks import (
    conv,
    every_choice,
    least_loss,
    small_task,
    tasks_and_choices,
    within,
)

from qcore.agents.axes import option_axes
from qcore.agents.checkpoint import AgentState, Checkpoint
from qcore.agents.config import CONFIGS, agent_name, config_from_json, config_to_json
from qcore.agents.enforce import within_budgets
from qcore.agents.episode import Episode, best_choice, best_values
from qcore.agents.evaluator import PredictedEvaluator
from qcore.agents.features import layer_features, normalised
from qcore.agents.outcome import Outcome, settle
from qcore.agents.random_search_config import RandomConfig
from qcore.agents.recorder import Recorder
from qcore.agents.references import References, references
from qcore.agents.search import search
from qcore.agents.task import SearchTask
from qcore.allocate import InfeasibleBudget
from qcore.allocate.interaction import solve_interaction
from qcore.allocate.problem import AllocationProblem, IndexArray, evaluate
from qcore.errors import BadInput
from qcore.graph.layer import Layer
from qcore.sensitivity.config import Width
from qcore.sensitivity.projection.shrinkage import CrossTerms


@given(st.permutations([Width(w, a) for w in (0, 3, 8) for a in (4, 8)]))
def test_axes_of_a_grid_in_any_order(options: list[Width]) -> None:
    axes = option_axes(options)
    assert (axes.weight_bits, axes.input_bits, axes.chooses_inputs) == ((0, 3, 8), (4, 8), True)
    for o, width in enumerate(options):
        place = axes.weight_of[o], axes.input_of[o]
        assert axes.option[place] == o
        assert Width(axes.weight_bits[place[0]], axes.input_bits[place[1]]) == width


@pytest.mark.parametrize(
    ("options", "weights", "order"),
    [
        ((Width(8), Width(2), Width(4)), (2, 4, 8), [1, 2, 0]),
        ((Width(8, 8), Width(4, 4)), (4, 8), [1, 0]),
        ((Width(4, 8), Width(8, 8), Width(4, 4)), (4, 4, 8), [2, 0, 1]),
        ((Width(4, 8), Width(2, 8)), (2, 4), [1, 0]),
    ],
    ids=["weights", "equal pairs", "half a grid", "one width of inputs"],
)
def test_axes_without_a_grid_are_one_line(
    options: tuple[Width, ...], weights: tuple[int, ...], order: list[int]
) -> None:
    axes = option_axes(options)
    assert axes.weight_bits == weights
    assert axes.option[:, 0].tolist() == order
    assert not axes.chooses_inputs


def plainly_swept(
    task: SearchTask, choice: IndexArray, met: Callable[[IndexArray], bool], step: int
) -> IndexArray:
    """One move at a time, asking after each: inputs before weights down, weights first up."""
    axes, found = task.axes, choice.copy()
    moved = True
    while moved and not met(found):
        moved = False
        for unit in reversed(range(len(found))):
            for part in ("input", "weight") if step < 0 else ("weight", "input"):
                if not task.free[unit] or met(found):
                    continue
                w, a = axes.weight_of[found[unit]], axes.input_of[found[unit]]
                to = (w + step, a) if part == "weight" else (w, a + step)
                if 0 <= to[0] < len(axes.weight_bits) and 0 <= to[1] < len(axes.input_bits):
                    found[unit] = axes.option[to]
                    moved = True
    return found


@settings(max_examples=100)
@given(tasks_and_choices())
def test_budgets_are_met_as_by_a_plain_sweep(drawn: tuple[SearchTask, IndexArray]) -> None:
    task, choice = drawn
    found = within_budgets(task, choice)
    start = np.where(task.free, choice, task.pinned)
    swept = plainly_swept(task, start, lambda c: within(task, task.merged.expand(c)), -1)
    if within(task, task.merged.expand(swept)):
        assert found is not None
        assert found.tolist() == swept.tolist()
    feasible = any(within(task, one) for one in every_choice(task))
    if found is None:
        assert len(task.problem.budgets) > 1 or not feasible
    else:
        assert task.merged.expand(found) in every_choice(task)
        assert within(task, task.merged.expand(found))
        if within(task, task.merged.expand(start)):
            assert found.tolist() == start.tolist()


@settings(max_examples=100)
@given(tasks_and_choices(0, loss_budget=True))
def test_a_budget_of_loss_is_met_by_raising(drawn: tuple[SearchTask, IndexArray]) -> None:
    task, choice = drawn
    found = within_budgets(task, choice)
    start = np.where(task.free, choice, task.pinned)
    swept = plainly_swept(task, start, lambda c: within(task, task.merged.expand(c)), +1)
    if within(task, task.merged.expand(swept)):
        assert found is not None
        assert found.tolist() == swept.tolist()
    assert (found is None) == (not any(within(task, one) for one in every_choice(task)))
    assert found is None or within(task, task.merged.expand(found))


def test_the_worked_example_of_enforcement() -> None:
    bits = np.tile([4.0, 8.0], (3, 1))
    problem = AllocationProblem(bits, {"bits": bits}, {"bits": 20})
    task = SearchTask(problem, (Width(4), Width(8)), (conv(),) * 3, np.arange(3))
    found = within_budgets(task, np.array([1, 1, 1]))
    assert found is not None
    assert found.tolist() == [1, 1, 0]


@given(tasks_and_choices(loss_budget=True), st.integers(0, 9))
def test_the_predicted_loss_is_the_sum(drawn: tuple[SearchTask, IndexArray], seed: int) -> None:
    task, choice = drawn
    evaluator = PredictedEvaluator(task)
    chosen = task.merged.expand(np.where(task.free, choice, task.pinned))
    score = evaluator.score(chosen)
    as_loss = replace(task.problem, loss=task.problem.costs["loss"])
    assert score.loss == evaluate(as_loss, chosen).loss
    assert evaluator.evaluations == 1


def terms_of(task: SearchTask, seed: int, kept: float) -> CrossTerms:
    rows, options = task.losses.shape
    columns = np.random.default_rng(seed).normal(0, 1, (6, rows * options))
    moments = (columns.T @ columns / 6).reshape(rows, options, rows, options)
    moments[np.arange(rows), :, np.arange(rows), :] = 0
    return CrossTerms(moments, kept)


@pytest.mark.parametrize("seed", range(5))
def test_with_interactions_it_is_the_solvers_loss(seed: int) -> None:
    task = small_task(seed)
    terms = terms_of(task, seed, 0.3)
    found = solve_interaction(task.problem, terms)
    score = PredictedEvaluator(task, terms).score(found.allocation.choice)
    assert score.loss == pytest.approx(found.loss)
    assert score.loss != pytest.approx(found.allocation.loss)


def test_accuracy_is_relative_to_the_best_uniform_network_where_that_loses_much() -> None:
    """Of 4 and 8 bits only 4 are within the budget, at a loss of 6 for two layers."""
    loss = np.array([[1.0, 0.0], [5.0, 0.0]])
    size = np.array([[4.0, 8.0], [4.0, 8.0]])
    problem = AllocationProblem(loss, {"size": size}, {"size": 12})
    task = SearchTask(problem, (Width(4), Width(8)), (conv(),) * 2, np.arange(2))
    assert PredictedEvaluator(task).score((0, 1)).accuracy == pytest.approx(math.exp(-1 / 6))
    small = replace(task, problem=replace(problem, loss=loss / 100))
    assert PredictedEvaluator(small).score((0, 1)).accuracy == pytest.approx(math.exp(-0.01))


def test_cross_terms_of_another_shape() -> None:
    with pytest.raises(ValueError, match="cross terms"):
        PredictedEvaluator(small_task(layers=4), terms_of(small_task(), 0, 1.0))


def outcome(value: float, is_within: bool = True) -> Outcome:
    return Outcome((int(value), 1), value, math.exp(-value), value, {"size": 8.0}, is_within)


def test_the_recorder_keeps_the_best_within_the_budgets() -> None:
    told: list[Episode] = []
    recorder = Recorder(PredictedEvaluator(small_task()), 5, on_episode=told.append)
    for value, is_within in ((3.0, False), (5.0, True), (5.0, True), (4.0, True), (1.0, False)):
        assert recorder.going
        recorder.add(outcome(value, is_within), 0.0)
    assert not recorder.going
    assert [e.choice for e in told] == [None, (5, 1), None, (4, 1), None]
    assert recorder.best == told[3]
    assert best_values(told) == [None, 5.0, 5.0, 4.0, 4.0]
    assert best_choice(told) == (4, 1)
    assert [e.number for e in told] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(("seconds", "expected"), [(0.0, [1, 2, 3]), (1e9, [3])])
def test_checkpoints_every_so_often_and_at_the_end(
    seconds: float, expected: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qcore.agents.recorder._CHECKPOINT_SECONDS", seconds)
    kept: list[Checkpoint] = []
    recorder = Recorder(PredictedEvaluator(small_task()), 3, on_checkpoint=kept.append)
    while recorder.going:
        recorder.add(outcome(1.0), 0.0)
        recorder.keep(lambda: AgentState({"at": recorder.number}))
    assert [c.agent.facts["at"] for c in kept] == [len(c.episodes) for c in kept] == expected


def test_who_asks_to_stop_once_is_heard_and_gets_a_checkpoint() -> None:
    asked = iter([False, False, True])  # before, and after each episode
    kept: list[Checkpoint] = []
    recorder = Recorder(
        PredictedEvaluator(small_task()),
        9,
        on_checkpoint=kept.append,
        should_stop=lambda: next(asked, False),
    )
    while recorder.going:
        recorder.add(outcome(1.0), 0.0)
        recorder.keep(AgentState)
    assert recorder.number == 2
    assert len(kept[-1].episodes) == 2


finite = st.floats(allow_nan=False, allow_infinity=False)
EPISODES = st.builds(
    Episode,
    st.integers(1, 10**6),
    *[finite] * 4,
    st.dictionaries(st.text(max_size=8), finite, max_size=3),
    st.booleans(),
    st.integers(0, 10**9),
    finite,
    st.none() | st.lists(st.integers(0, 8), max_size=4).map(tuple),
)


@given(st.lists(EPISODES, max_size=3).map(tuple), st.integers(0, 2**200))
def test_checkpoints_survive_as_bytes(episodes: tuple[Episode, ...], large: int) -> None:
    arrays = {
        "none": np.float32(3.5) * np.ones(()),
        "known": np.arange(6, dtype=np.uint8).reshape(3, 2).T,
        "flags|a": np.array([True, False]),
        "empty": np.zeros((0, 4), dtype=np.float64),
    }
    facts = {"random": {"state": large}, "list": [1, "a", None]}
    found = Checkpoint.from_bytes(Checkpoint("one", episodes, AgentState(facts, arrays)).to_bytes())
    assert (found.about, found.episodes) == ("one", episodes)
    assert found.agent.facts == facts
    assert {*arrays} == {*found.agent.arrays}
    for name, array in arrays.items():
        assert found.agent.arrays[name].dtype == array.dtype
        assert found.agent.arrays[name].shape == array.shape
        assert (found.agent.arrays[name] == array).all()


def test_a_checkpoint_of_nothing_has_nothing() -> None:
    found = Checkpoint.from_bytes(Checkpoint("one", (), AgentState()).to_bytes())
    assert (found.episodes, found.agent.facts, found.agent.arrays) == ((), {}, {})


def spoilt(text: bytes) -> bytes:
    found: bytes = save({"known": np.frombuffer(text, dtype=np.uint8)})
    return found


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"pickle",
        b"\xff" * 64,
        save({"a|other": np.zeros(2)}),
        spoilt(b"\xff\xfe"),
        spoilt(b"{}"),
        spoilt(b"[1]"),
        spoilt(b'{"about": "", "episodes": [{"number": 1}], "facts": {}}'),
        spoilt(b'{"about": "", "episodes": 3, "facts": {}}'),
        Checkpoint("one", (), AgentState()).to_bytes()[:-3],
    ],
)
def test_other_bytes_are_no_checkpoint(data: bytes) -> None:
    with pytest.raises(ValueError, match="no checkpoint"):
        Checkpoint.from_bytes(data)


def test_checkpoints_hold_no_code() -> None:
    data = Checkpoint("one", (), AgentState({"a": 1}, {"b": np.zeros(2)})).to_bytes()
    assert {*load(data)} == {"known", "a|b"}


def layer(op: str, shape: tuple[int, ...], sides: tuple[tuple[int, ...], ...], g: int = 1) -> Layer:
    kernels = shape[1] * g if op.startswith("conv_tr") else shape[0]
    return Layer("l", op, "l", None, ("l",), shape, g, kernels, 1, *sides)


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (conv(c_in=3, c_out=32, stride=2, size=224), (0, 3, 32, 2, 3, 864, 50176)),
        (conv(c_in=32, c_out=32, size=112, groups=32), (1, 32, 32, 1, 3, 288, 12544)),
        (conv(c_in=8, c_out=16, groups=8), (1, 8, 16, 1, 3, 144, 196)),
        (conv(c_in=8, c_out=16, groups=4), (0, 8, 16, 1, 3, 288, 196)),
        (layer("linear", (10, 64), ((1, 64), (1, 10))), (0, 64, 10, 0, 1, 640, 1)),
        (
            layer("conv_transpose2d", (6, 4, 2, 2), ((1, 6, 7, 7), (1, 4, 14, 14))),
            (0, 6, 4, 2, 2, 96, 49),
        ),
        (layer("conv1d", (5, 3, 7), ((1, 3, 90), (1, 5, 30))), (0, 3, 5, 3, 7, 105, 90)),
    ],
    ids=["stem", "depthwise", "multiplier", "grouped", "linear", "transposed", "1-D"],
)
def test_features_of_known_layers(one: Layer, expected: tuple[float, ...]) -> None:
    assert layer_features([one]).tolist() == [list(expected)]


def test_columns_go_from_0_to_1() -> None:
    found = normalised(np.array([[2.0, 7.0], [4.0, 7.0], [6.0, 7.0]]))
    assert found.tolist() == [[0, 0], [0.5, 0], [1, 0]]


def told(episodes: tuple[Episode, ...]) -> list[Episode]:
    return [replace(episode, seconds=0.0) for episode in episodes]


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


@pytest.mark.parametrize("seed", range(4))
def test_references_against_every_choice(seed: int) -> None:
    task = small_task(seed, groups=((0, 2),), pins={1: 1})
    evaluator = PredictedEvaluator(task)
    found = references(task, evaluator, additive=True)
    assert found.optimum.value == pytest.approx(least_loss(task))
    assert within(task, found.optimum.choice)
    uniform = [
        choice
        for choice in every_choice(task)
        if len({o for i, o in enumerate(choice) if i != 1}) == 1 and within(task, choice)
    ]
    expected = min((evaluator.score(choice).loss for choice in uniform), default=None)
    assert (found.uniform and found.uniform.value) == expected
    assert found.bound is not None
    assert found.bound <= found.optimum.value
    assert References.from_json(found.to_json()) == found


def test_with_interactions_nothing_is_proven() -> None:
    task = small_task(2)
    terms = terms_of(task, 2, 0.4)
    evaluator = PredictedEvaluator(task, terms)
    found = references(task, evaluator, additive=False, terms=terms)
    assert found.bound is None
    assert found.optimum.value == pytest.approx(solve_interaction(task.problem, terms).loss)


def test_where_the_loss_has_a_budget_the_size_is_made_small() -> None:
    task = small_task(0, budget=None)
    least = 1.5 * task.losses.min(1).sum()
    problem = replace(task.problem, loss=task.problem.costs["size"], budgets={"loss": least})
    task = replace(task, problem=problem)
    assert task.saves
    evaluator = PredictedEvaluator(task)
    found = references(task, evaluator, additive=True)
    sizes = [evaluate(problem, c).loss for c in every_choice(task) if within(task, c)]
    assert found.optimum.value == min(sizes)
    settled = settle(task, evaluator, np.zeros(5, dtype=np.intp))
    assert settled.within
    assert settled.loss <= least * (1 + 1e-9)
    assert settled.value == evaluate(problem, settled.choice).loss


@pytest.mark.parametrize("name", CONFIGS)
def test_configurations_survive_as_json(name: str) -> None:
    config = CONFIGS[name]()  # type: ignore[index]
    assert agent_name(config) == name
    assert config_from_json(name, config_to_json(config)) == config  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="no setting"):
        config_from_json(name, {"colour": 1})  # type: ignore[arg-type]
