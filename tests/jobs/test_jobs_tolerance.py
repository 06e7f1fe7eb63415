"""A sensitivity job whose cells stop early, cancelled and asked again."""

from __future__ import annotations

from dataclasses import replace

import pytest
from jobs_common import MODEL, ask, sensitivity_question, written_at

from qcore.graph.load import load_network
from qcore.jobs import reporter
from qcore.jobs.answers import sensitivity_table
from qcore.jobs.work import run_job
from qcore.store.store import Store


def test_cancelled_job_goes_on_to_the_same_table(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = 0.7  # in the second round
    monkeypatch.setattr(reporter, "_BEAT_SECONDS", 0.0)
    asked = sensitivity_question()
    question = replace(asked, config=replace(asked.config, tolerance=0.2))
    network = load_network(MODEL).description
    job = ask(store, question)
    run_job(job.id, store.url)
    whole = sensitivity_table(store, store.get(job.id), network)
    assert whole.complete
    assert 300 // 10 <= min(row.samples for row in whole.rows) < 300
    store.forget(job.id)

    ask(store, question)
    run_job(job.id, store.url, lambda f, text: f > part and store.request_cancel(job.id))
    stopped = store.get(job.id)
    assert (stopped.state, stopped.fraction > part) == ("cancelled", True)
    assert not sensitivity_table(store, stopped, network).complete
    before = written_at(store, job.id)
    heard: list[float] = []
    ask(store, question)
    run_job(job.id, store.url, lambda f, text: heard.append(f))
    finished = store.get(job.id)
    assert finished.state == "finished"
    assert heard == sorted(heard)
    assert heard[0] >= stopped.fraction
    assert before.items() <= written_at(store, job.id).items()
    assert sensitivity_table(store, finished, network).rows == whole.rows
