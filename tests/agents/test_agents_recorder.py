"""Episodes recorded, and searches kept as bytes."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import load, save
from small_tasks import (
    small_task,
)

from qcore.agents.checkpoint import AgentState, Checkpoint
from qcore.agents.episode import Episode, best_choice, best_values
from qcore.agents.evaluator import PredictedEvaluator
from qcore.agents.outcome import Outcome
from qcore.agents.recorder import Recorder


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
    st.none() | st.lists(st.integers(0, 8), min_size=1, max_size=4).map(tuple),
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
