"""Latency as a job: kept where pages and the command line look, and measured again."""

from __future__ import annotations

from dataclasses import replace

import pytest
from jobs_common import MODEL, PREPARE, ask

import qcore.latency.layers
import qcore.latency.measure
import qcore.latency.network
from qcore.graph.load import load_network
from qcore.jobs.questions import LatencyQuestion
from qcore.jobs.work import run_job
from qcore.latency.measurement import LatencyMeasurement
from qcore.latency.timing import Effort
from qcore.store.latencies import latency_of
from qcore.store.store import Store


@pytest.fixture(autouse=True)
def haste(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (qcore.latency.layers, qcore.latency.network):
        monkeypatch.setattr(module, "_EFFORT", Effort(3, 0.0, 0.01))


def question() -> LatencyQuestion:
    return LatencyQuestion(MODEL, load_network(MODEL).description.fingerprint, 1, None)


def test_it_is_measured_kept_and_measured_again(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = question()
    job = ask(store, asked)
    run_job(job.id, store.url)
    over = store.get(job.id)
    assert over.state == "finished", over.message
    found = LatencyMeasurement.from_json(over.result or {})
    assert latency_of(asked.model_fingerprint) == found
    assert len(found.layer_names) == 11
    assert [total.missing == () for total in found.totals] == [True, True, False]
    assert len(found.networks) == 2
    assert found.beside_other_jobs is False
    assert ask(store, asked).state == "finished"  # answered from the store

    monkeypatch.setattr(qcore.latency.measure, "time_network", lambda *_: ([], []))  # half the time
    store.begin(ask(store, PREPARE).id)
    again = ask(store, replace(asked, repetition=1, threads=1))
    assert (again.id != job.id, again.state) == (True, "queued")
    run_job(again.id, store.url)
    newer = latency_of(asked.model_fingerprint)
    assert newer is not None
    assert (newer.threads, newer.beside_other_jobs) == (1, True)


def test_it_is_cancelled_and_nothing_is_kept(store: Store) -> None:
    asked = question()
    job = ask(store, asked)
    run_job(job.id, store.url, lambda fraction, message: store.request_cancel(job.id))
    assert store.get(job.id).state == "cancelled"
    assert latency_of(asked.model_fingerprint) is None


def test_a_batch_that_makes_no_sense_is_one_line(store: Store) -> None:
    job = ask(store, replace(question(), batch=0))
    run_job(job.id, store.url)
    over = store.get(job.id)
    assert (over.state, "no sense" in over.message) == ("failed", True)
