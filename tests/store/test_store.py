"""Jobs and pieces on disk: who has to start what, and what is kept."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from qcore.errors import BadInput
from qcore.sensitivity.table import Piece
from qcore.store.home import database_url, home
from qcore.store.job import SILENT_SECONDS, Job, job_id
from qcore.store.schema import jobs, pieces
from qcore.store.store import Store

QUESTION = {"model": "m", "config": {"bits": [2, 4]}}


@pytest.fixture
def store() -> Any:
    with_one = Store()
    yield with_one
    with_one.close()


def silence(store: Store, key: str, seconds: float) -> None:
    """As if nobody had been heard of for that long."""
    then = time.time() - seconds
    engine = sa.create_engine(store.url)
    with engine.begin() as connection:
        values = {"asked_at": then, "beat_at": then}
        connection.execute(sa.update(jobs).where(jobs.c.id == key).values(**values))
    engine.dispose()


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
    store.add_piece(job.id, Piece("a", 4, 0, 8, 1.0, 2.0))
    store.request_cancel(job.id)
    if state != "running":
        store.end(job.id, state, 2.5, "why", {"value": 1})
    again, start = store.ask("sensitivity", QUESTION)
    assert start is start_again
    assert store.pieces(job.id) == [Piece("a", 4, 0, 8, 1.0, 2.0)]
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


def ask_from_threads(count: int, before: str | None) -> list[bool]:
    """The same question from many threads at the same moment, each with a store of its own."""
    stores = [Store() for _ in range(count)]
    if before is not None:
        job, _ = stores[0].ask("sensitivity", QUESTION)
        if before == "lost":
            silence(stores[0], job.id, SILENT_SECONDS + 1)
        else:
            stores[0].end(job.id, before, 0.0)
    barrier, started = threading.Barrier(count), []

    def ask(store: Store) -> None:
        barrier.wait()
        started.append(store.ask("sensitivity", QUESTION)[1])

    threads = [threading.Thread(target=ask, args=(store,)) for store in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for store in stores:
        store.close()
    return started


@pytest.mark.parametrize("before", [None, "failed", "cancelled", "lost"])
def test_one_of_many_threads_starts_the_job(before: str | None) -> None:
    started = ask_from_threads(8, before)
    assert len(started) == 8
    assert sum(started) == 1


def test_one_of_several_processes_starts_the_job() -> None:
    """Also the first to open the database, which has to be made, is any of them."""
    code = (
        "import json; from qcore.store.store import Store; print('ready', flush=True);"
        f"input(); print(json.dumps(Store().ask('sensitivity', {QUESTION!r})[1]))"
    )
    command = [sys.executable, "-c", code]
    root = Path(__file__).resolve().parents[2]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    processes = [subprocess.Popen(command, cwd=root, **pipes) for _ in range(3)]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()
    answers = [json.loads(process.communicate(timeout=60)[0]) for process in processes]
    assert sum(answers) == 1


def test_a_piece_written_twice_keeps_its_first_value(store: Store) -> None:
    job, _ = store.ask("sensitivity", QUESTION)
    store.add_piece(job.id, Piece("a", 4, 0, 8, 1.0, 2.0))
    store.add_piece(job.id, Piece("a", 4, 0, 8, 9.0, 9.0))
    store.add_piece(job.id, Piece("a", 4, 1, 8, 3.0, 4.0))
    assert sorted(p.total for p in store.pieces(job.id)) == [1.0, 3.0]


def test_values_survive_closing_bit_for_bit(store: Store) -> None:
    job, _ = store.ask("sensitivity", QUESTION)
    piece = Piece("blöck.1", 4, 0, 8, 0.1 + 0.2, 1e-300)
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
        store.add_piece(key, Piece("a", 4, 0, 8, 1.0, 2.0))
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


@pytest.mark.parametrize("what", ["home is a file", "database is no database"])
def test_unusable_store_is_one_line(what: str, store_home: Path) -> None:
    if what == "home is a file":
        store_home.write_text("x")
    else:
        store_home.mkdir()
        (store_home / "bitdial.sqlite").write_bytes(b"not a database" * 100)
    with pytest.raises(BadInput) as caught:
        Store()
    assert "BITDIAL_HOME" in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1
