"""The trust check as a job: what is measured stays, and serves every table of its quantizer."""

from __future__ import annotations

from dataclasses import replace

import pytest
from jobs_common import MODEL, ask, sensitivity_question

from qcore.graph import chunks
from qcore.graph.load import load_network
from qcore.jobs.answers import sensitivity_table
from qcore.jobs.kept_trust import PIECE, pieces_in, trust_check_of, trust_question
from qcore.jobs.questions import SensitivityQuestion, TrustQuestion, to_json
from qcore.jobs.work import run_job
from qcore.sensitivity.config import Measure
from qcore.sensitivity.table import SensitivityTable
from qcore.store.store import Store

COUNT, IMAGES = 3, 40


def asked_of(method: Measure, **changes: object) -> SensitivityQuestion:
    plain = sensitivity_question((2, 4, 8), IMAGES)
    return replace(
        plain, config=replace(plain.config, objective="kl", method=method, probes=None, **changes)
    )


def answered(store: Store, question: SensitivityQuestion) -> SensitivityTable:
    job = ask(store, question)
    run_job(job.id, store.url)
    return sensitivity_table(store, store.get(job.id), load_network(MODEL).description)


def keys(store: Store, job_id: str) -> list[tuple[int, int]]:
    return [piece.key for piece in pieces_in(store.arrays(job_id, PIECE))]


def test_the_question_is_of_the_quantizer_and_the_images() -> None:
    one = trust_question(asked_of("exact"), COUNT)
    assert TrustQuestion.from_json(to_json(one)) == one
    assert trust_question(asked_of("projected", refine=20), COUNT) == one
    assert trust_question(asked_of("noise"), COUNT) == one
    assert trust_question(asked_of("exact", tolerance=0.1), COUNT) == one
    for other in (
        asked_of("exact", base=8),
        asked_of("exact", seed=1),
        asked_of("exact", target="activation"),
        asked_of("hessian"),  # which corrects no biases
    ):
        assert trust_question(other, COUNT) != one
    assert trust_question(asked_of("exact"), COUNT, seed=1) != one


def test_killed_it_goes_on_with_the_points_it_has(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunks, "_CHUNK_IMAGES", 16)  # 40 images: three chunks
    job = ask(store, trust_question(asked_of("exact"), COUNT))
    put, made = Store.put_arrays, []

    class Killed(BaseException):
        pass

    def dying(self: Store, key: str, found: dict[str, bytes]) -> None:
        if len(made) == 4:
            raise Killed
        made.append(list(found))
        put(self, key, found)

    monkeypatch.setattr(Store, "put_arrays", dying)
    with pytest.raises(Killed):
        run_job(job.id, store.url)
    first = [(0, 0), (1, 0), (2, 0), (0, 1)]
    assert keys(store, job.id) == first
    monkeypatch.setattr(Store, "put_arrays", put)
    table = answered(store, asked_of("noise"))
    partial = trust_check_of(store, store.get(job.id), table)
    assert [point.samples for point in partial.points] == [32, 16, 16]

    written: list[str] = []

    def noting(self: Store, key: str, found: dict[str, bytes]) -> None:
        written.extend(found)
        put(self, key, found)

    monkeypatch.setattr(Store, "put_arrays", noting)
    run_job(job.id, store.url)
    assert store.get(job.id).state == "finished"
    assert len(written) == 3 * COUNT - len(first)
    resumed = trust_check_of(store, store.get(job.id), table)
    assert [point.samples for point in resumed.points] == [IMAGES] * COUNT
    store.forget(job.id)
    again = ask(store, trust_question(asked_of("exact"), COUNT))
    run_job(again.id, store.url)
    assert trust_check_of(store, store.get(again.id), table) == resumed


def test_a_cancelled_check_keeps_its_points(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    job = ask(store, trust_question(asked_of("exact"), COUNT))
    put = Store.put_arrays

    def cancelling(self: Store, key: str, found: dict[str, bytes]) -> None:
        put(self, key, found)
        self.request_cancel(key)

    monkeypatch.setattr(Store, "put_arrays", cancelling)
    monkeypatch.setattr("qcore.jobs.reporter._BEAT_SECONDS", 0)
    run_job(job.id, store.url)
    assert store.get(job.id).state == "cancelled"
    assert keys(store, job.id) == [(0, 0)]


def test_inputs_have_the_thresholds_of_the_table(store: Store) -> None:
    asked = asked_of("projected", target="activation")
    table = answered(store, asked)
    job = ask(store, trust_question(asked, COUNT))
    run_job(job.id, store.url)
    check = trust_check_of(store, store.get(job.id), table)
    assert len(check.points) == COUNT
    last = check.points[-1]  # of the most bits, where the second order holds
    assert last.interacting == pytest.approx(last.measured, rel=0.5)
    assert check.points[0].measured > last.measured
