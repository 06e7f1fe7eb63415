"""Jobs and pieces on disk: who has to start what, and what is kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from store_common import QUESTION, silence

from qcore.sensitivity.pieces import Piece
from qcore.store.home import database_url, home
from qcore.store.job import SILENT_SECONDS, Job, job_id
from qcore.store.schema import pieces
from qcore.store.store import Store


@pytest.fixture
def store() -> Any:
    with_one = Store()
    yield with_one
    with_one.close()


def test_new_question_is_queued_and_starts_once(store: Store) -> None:
    job, start = store.ask("sensitivity", QUESTION)
    assert start
    assert (job.state, job.fraction, job.question) == ("queued", 0.0, QUESTION)
    again, start = store.ask("sensitivity", dict(reversed(QUESTION.items())))
    assert not start
    assert again == job
    assert store.active_jobs() == [job]


def test_equal_questions_have_equal_ids_whatever_their_order() -> None:
    one = job_id("kind", {"a": 1, "b": {"c": 2, "d": 3}})
    assert one == job_id("kind", {"b": {"d": 3, "c": 2}, "a": 1})
    others = {job_id("kin", {"a": 1}), job_id("kind", {"a": 2}), job_id("kind", {"a": "1"})}
    assert len(others | {one}) == 4


@pytest.mark.parametrize(
    ("state", "start_again"),
    [("finished", False), ("running", False), ("cancelled", True), ("failed", True)],
)
def test_asking_again(store: Store, state: str, start_again: bool) -> None:
    job, _ = store.ask("sensitivity", QUESTION)
    store.begin(job.id)
    store.beat(job.id, 0.4, "first at 4 bits")
    store.add_piece(job.id, Piece("a", 4, None, 0, 8, 1.0, 2.0))
    store.request_cancel(job.id)
    if state != "running":
        store.end(job.id, state, 2.5, "why", {"value": 1})
    again, start = store.ask("sensitivity", QUESTION)
    assert start is start_again
    assert store.pieces(job.id) == [Piece("a", 4, None, 0, 8, 1.0, 2.0)]
    if start_again:
        assert (again.state, again.message, again.cancel_requested) == ("queued", "", False)
        assert again.fraction == 0.4  # an earlier attempt's work still counts
        assert again.seconds == 2.5
        store.begin(job.id)
        assert store.get(job.id).attempt_fraction == 0.4
        assert not store.ask("sensitivity", QUESTION)[1]
    if state == "finished":
        assert (again.result, again.fraction) == ({"value": 1}, 1.0)


@pytest.mark.parametrize("state", ["queued", "running"])
def test_job_without_a_worker_is_started_again(store: Store, state: str) -> None:
    job, _ = store.ask("sensitivity", QUESTION)
    if state == "running":
        store.begin(job.id)
    silence(store, job.id, SILENT_SECONDS - 5)
    assert not store.ask("sensitivity", QUESTION)[1]
    silence(store, job.id, SILENT_SECONDS + 1)
    assert store.get(job.id).lost()
    again, start = store.ask("sensitivity", QUESTION)
    assert start
    assert (again.state, again.lost()) == ("queued", False)
    assert not store.ask("sensitivity", QUESTION)[1]


def test_cancelling_a_queued_job_ends_it_at_once(store: Store) -> None:
    job, _ = store.ask("sensitivity", QUESTION)
    store.request_cancel(job.id)
    assert store.get(job.id).state == "cancelled"
    assert store.ask("sensitivity", QUESTION)[1]


def test_cancelling_a_running_job_asks_it_to_stop(store: Store) -> None:
    job, _ = store.ask("sensitivity", QUESTION)
    store.begin(job.id)
    assert not store.cancel_requested(job.id)
    store.request_cancel(job.id)
    assert store.cancel_requested(job.id)
    assert store.get(job.id).stopping


def test_a_piece_written_twice_keeps_its_first_value(store: Store) -> None:
    job, _ = store.ask("sensitivity", QUESTION)
    store.add_piece(job.id, Piece("a", 4, None, 0, 8, 1.0, 2.0))
    store.add_piece(job.id, Piece("a", 4, None, 0, 8, 9.0, 9.0))
    store.add_piece(job.id, Piece("a", 4, None, 1, 8, 3.0, 4.0))
    assert sorted(p.total for p in store.pieces(job.id)) == [1.0, 3.0]


def test_values_survive_closing_bit_for_bit(store: Store) -> None:
    job, _ = store.ask("sensitivity", QUESTION)
    piece = Piece("blöck.1", 4, 8, 0, 8, 0.1 + 0.2, 1e-300)
    store.add_piece(job.id, piece)
    store.end(job.id, "finished", 1.25, result={"x": 1 / 3})
    before = store.get(job.id)
    store.close()
    reopened = Store()
    assert reopened.get(job.id) == before
    assert reopened.pieces(job.id) == [piece]
    assert reopened.find("sensitivity", QUESTION) == before
    reopened.close()


def test_forget_removes_all_of_one_job_and_nothing_else(store: Store) -> None:
    job, _ = store.ask("sensitivity", QUESTION)
    other, _ = store.ask("sensitivity", {"model": "other"})
    for key in (job.id, other.id):
        store.add_piece(key, Piece("a", 4, None, 0, 8, 1.0, 2.0))
    store.forget(job.id)
    assert store.job(job.id) is None
    assert store.pieces(job.id) == []
    assert len(store.pieces(other.id)) == 1
    with pytest.raises(KeyError):
        store.get(job.id)
    engine = sa.create_engine(store.url)
    with engine.connect() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(pieces)).scalar() == 1
    engine.dispose()


def some_job(**changes: Any) -> Job:
    values: dict[str, Any] = dict.fromkeys(Job.__dataclass_fields__)
    values |= {"id": "x", "kind": "sensitivity", "question": {}, "state": "running"}
    values |= {"fraction": 0.5, "attempt_fraction": 0.2, "attempt_at": 100.0, "asked_at": 90.0}
    return Job(**{**values, **changes})


@pytest.mark.parametrize(
    ("changes", "left"),
    [
        ({}, 50.0),  # 30 s for 30 %, so 50 s for the other 50 %
        ({"fraction": 1.0}, 0.0),
        ({"fraction": 0.205}, None),
        ({"attempt_at": None}, None),
        ({"state": "queued"}, None),
    ],
    ids=["half", "done", "too early", "not begun", "queued"],
)
def test_seconds_left(changes: dict[str, Any], left: float | None) -> None:
    assert some_job(**changes).seconds_left(now=130.0) == pytest.approx(left)


def test_home_is_made_and_the_database_can_be_elsewhere(
    store_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert home() == store_home
    assert store_home.is_dir()
    assert database_url() == f"sqlite:///{store_home}/bitdial.sqlite"
    monkeypatch.setenv("BITDIAL_DATABASE", "sqlite:///elsewhere.sqlite")
    assert database_url() == "sqlite:///elsewhere.sqlite"


def test_an_attempt_that_kept_arrays_was_not_in_vain(store: Store) -> None:
    job, _ = store.ask("sensitivity", QUESTION)
    for number in range(3):
        store.begin(job.id)
        store.put_arrays(job.id, {f"chunk {number}": b"values"})
    assert store.attempts_in_vain(job.id) == 0
    store.begin(job.id)
    assert store.attempts_in_vain(job.id) == 1
