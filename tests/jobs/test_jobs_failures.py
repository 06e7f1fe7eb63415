"""Jobs that fail, are interrupted, or lose their worker."""

from __future__ import annotations

import contextlib
import threading
from typing import Any

import pytest
from jobs_common import PREPARE, ask, evaluate_question, sensitivity_question, until

from qcore.jobs import reporter, work
from qcore.jobs.questions import Question, to_json
from qcore.jobs.work import run_job
from qcore.sensitivity.pieces import Piece
from qcore.store.job import Job
from qcore.store.store import Store


def run(store: Store, question: Question) -> Job:
    job = ask(store, question)
    run_job(job.id, store.url)
    return store.get(job.id)


def changed(question: Question, **values: Any) -> Question:
    return type(question)(**{**{k: getattr(question, k) for k in to_json(question)}, **values})


@pytest.mark.parametrize(
    "question",
    [
        lambda: changed(sensitivity_question(), model_fingerprint="other"),
        lambda: changed(evaluate_question(), data_fingerprint="other"),
        lambda: changed(evaluate_question(), bits=(("stem.conv", 4, None),)),
        lambda: changed(PREPARE, model="sample:nothing"),
    ],
    ids=["network changed", "data changed", "layers missing", "unknown sample"],
)
def test_a_mistake_ends_as_failed_with_one_line(store: Store, question: Any) -> None:
    job = run(store, question())
    assert (job.state, job.result) == ("failed", None)
    assert job.message
    assert "unexpected" not in job.message
    assert "\n" not in job.message


def replace_work(monkeypatch: pytest.MonkeyPatch, action: Any) -> None:
    monkeypatch.setitem(work.WORK, "prepare", lambda job_id, question, store, reporter: action())


def fail() -> None:
    raise RuntimeError("first line\nsecond line")


def test_any_other_error_is_one_line_with_its_type(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace_work(monkeypatch, fail)
    job = run(store, PREPARE)
    assert job.state == "failed"
    assert job.message.startswith("unexpected RuntimeError: first line second line; ")


def test_interrupt_ends_as_cancelled(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    replace_work(monkeypatch, interrupt)
    job = ask(store, PREPARE)
    with pytest.raises(KeyboardInterrupt):
        run_job(job.id, store.url)
    assert store.get(job.id).state == "cancelled"


@pytest.mark.parametrize("state", ["finished", "cancelled", "failed"])
def test_a_job_that_is_over_is_not_run(
    store: Store, monkeypatch: pytest.MonkeyPatch, state: Any
) -> None:
    replace_work(monkeypatch, fail)
    job = ask(store, PREPARE)
    store.end(job.id, state, 0.0, "as it was")
    run_job(job.id, store.url)
    assert (store.get(job.id).state, store.get(job.id).message) == (state, "as it was")
    run_job("unknown", store.url)
    assert store.job("unknown") is None


def test_cancelled_while_its_worker_was_being_replaced(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second worker finds a running job that is to stop: it must not be left running."""
    replace_work(monkeypatch, fail)
    job = ask(store, PREPARE)
    store.begin(job.id)
    store.request_cancel(job.id)
    run_job(job.id, store.url)
    assert store.get(job.id).state == "cancelled"


@pytest.mark.parametrize("kind", ["prepare", "data"])
def test_a_file_that_ended_its_worker_is_not_opened_again(
    store: Store, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setitem(work.WORK, kind, lambda *_: {"opened": True})
    job, _ = store.ask(kind, {"model": "m"})
    store.begin(job.id)  # by a worker that then died
    run_job(job.id, store.url)
    over = store.get(job.id)
    assert (over.state, over.result) == ("failed", None)
    assert "ended the worker; it was not tried again" in over.message
    assert store.ask(kind, {"model": "m"})[1]  # a person may ask for it again
    run_job(job.id, store.url)
    assert store.get(job.id).state == "finished"


@pytest.mark.parametrize("kind", ["sensitivity", "evaluate"])
def test_measuring_resumes_until_three_attempts_died_without_a_new_piece(
    store: Store, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    class Died(BaseException):
        pass

    def die(*_: object) -> dict[str, Any]:
        raise Died

    monkeypatch.setitem(work.WORK, kind, die)
    job, _ = store.ask(kind, {"model": "m"})

    def attempts_until_given_up() -> int:
        for number in range(10):
            if not store.get(job.id).active:
                return number
            with contextlib.suppress(Died):
                run_job(job.id, store.url)
        raise AssertionError("it is tried for ever")

    with pytest.raises(Died):
        run_job(job.id, store.url)
    if kind == "sensitivity":
        store.add_piece(job.id, Piece("a", 4, None, 0, 8, 1.0, 2.0))
        assert attempts_until_given_up() == 4  # the last of them only says so
    else:
        assert attempts_until_given_up() == 3
    assert store.get(job.id).state == "failed"
    assert "3 times at the same step" in store.get(job.id).message
    store.ask(kind, {"model": "m"})
    assert attempts_until_given_up() == 4


def test_a_long_step_without_progress_is_not_a_lost_worker(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reporter, "BEAT_SECONDS", 0.02)
    go_on = threading.Event()
    replace_work(monkeypatch, lambda: go_on.wait(30) and {})
    job = ask(store, PREPARE)
    thread = threading.Thread(target=run_job, args=(job.id, store.url))
    thread.start()
    try:
        began = until(lambda: store.get(job.id).attempt_at)
        until(lambda: store.get(job.id).beat_at > began + 0.1)
    finally:
        go_on.set()
        thread.join()
    assert store.get(job.id).state == "finished"
