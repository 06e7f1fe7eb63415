"""What a worker does with a job, in this process."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from jobs_common import (
    MODEL,
    PREPARE,
    SOURCE,
    ask,
    evaluate_question,
    sensitivity_question,
    written_at,
)

from qcore.data.load import load_data
from qcore.errors import BadInput
from qcore.graph.load import load_network
from qcore.jobs import reporter
from qcore.jobs.answers import sensitivity_table
from qcore.jobs.questions import (
    DataQuestion,
    EvaluateQuestion,
    Question,
    SensitivityQuestion,
    to_json,
)
from qcore.jobs.work import run_job
from qcore.measure.evaluation import Evaluation
from qcore.prepare.prepared import Prepared, read_layer
from qcore.prepare.statistics import read_statistics
from qcore.quantize.limits import GRID_BITS
from qcore.sensitivity.exact import measure_exact
from qcore.store.home import home
from qcore.store.job import Job
from qcore.store.store import Store


def run(store: Store, question: Question, **options: Any) -> Job:
    job = ask(store, question)
    run_job(job.id, store.url, **options)
    return store.get(job.id)


def test_prepare_writes_what_pages_read(store: Store) -> None:
    job = run(store, PREPARE)
    assert (job.state, job.fraction) == ("finished", 1.0)
    prepared = Prepared.from_json(job.result)
    network = load_network(MODEL)
    assert prepared.network == network.description
    assert prepared.data is not None
    assert (prepared.data.calibration.images, prepared.data.evaluation.images) == (1000, 2000)
    assert prepared.data.calibration.labelled
    layer = network.description.layer("block1.conv2")
    rows = read_layer(prepared.weights_path, layer.name)
    found = read_statistics(prepared.weights_path, layer.name)
    assert (rows == network.weight(layer).reshape(24, -1).numpy()).all()
    for bits in (2, 4, 8):
        from qcore.quantize.layer_weights import weight_scale

        scales = weight_scale(network.weight(layer), layer, bits)
        assert found.kernel_scales[5, GRID_BITS.index(bits)] == scales[5].item()
    with pytest.raises(KeyError):
        read_layer(prepared.weights_path, "nowhere")
    assert [p.name for p in prepared.weights_path.parent.iterdir()] == [
        prepared.weights_path.name
    ]  # no draft is left


def test_sensitivity_equals_a_run_without_jobs(store: Store) -> None:
    question = sensitivity_question()
    heard: list[float] = []
    job = run(store, question, listener=lambda fraction, message: heard.append(fraction))
    assert job.state == "finished"
    assert job.result["one_forward_seconds"] > 0
    assert heard == sorted(heard)
    assert heard[-1] == pytest.approx(1.0)
    network = load_network(MODEL)
    data = load_data(SOURCE, network, "calibration")
    direct = measure_exact(network, data, question.config)
    assert sorted(map(repr, store.pieces(job.id))) == sorted(map(repr, direct.pieces))
    table = sensitivity_table(store, job, network.description)
    assert table.complete
    assert (table.data, table.seconds) == (SOURCE, job.seconds)


def test_evaluation(store: Store) -> None:
    result = Evaluation.from_json(run(store, evaluate_question(None)).result)
    assert result.delta_loss == 0
    assert result.accuracy == result.baseline_accuracy == pytest.approx(0.92)  # of its README
    assert (result.agreement, result.samples) == (1.0, 2000)


def test_cancel_keeps_pieces_and_the_next_attempt_adds_the_missing_ones(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reporter, "_BEAT_SECONDS", 0.0)
    question = sensitivity_question()
    job = ask(store, question)

    def cancel_at_a_third(fraction: float, message: str) -> None:
        if fraction > 1 / 3:
            store.request_cancel(job.id)

    run_job(job.id, store.url, cancel_at_a_third)
    stopped = store.get(job.id)
    assert (stopped.state, stopped.result) == ("cancelled", None)
    assert 1 / 3 < stopped.fraction < 0.6
    before = written_at(store, job.id)
    assert 0 < len(before) < 44
    first: list[float] = []
    finished = run(store, question, listener=lambda f, m: first.append(f))
    assert finished.state == "finished"
    assert first[0] >= stopped.fraction
    assert finished.seconds > stopped.seconds
    after = written_at(store, job.id)
    assert len(after) == 44  # 11 layers, 2 bit widths, 2 chunks
    assert before.items() <= after.items()
    whole = measure_exact(
        load_network(MODEL), load_data(SOURCE, load_network(MODEL), "calibration"), question.config
    )
    assert sorted(map(repr, store.pieces(job.id))) == sorted(map(repr, whole.pieces))


@pytest.mark.parametrize("step", ["loading", "clipping"])
def test_opening_a_network_can_be_cancelled(
    store: Store, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    monkeypatch.setattr(reporter, "_BEAT_SECONDS", 0.0)
    job = ask(store, PREPARE)

    def cancel(fraction: float, message: str) -> None:
        if message.startswith(step):
            store.request_cancel(job.id)

    run_job(job.id, store.url, cancel)
    assert (store.get(job.id).state, store.get(job.id).result) == ("cancelled", None)
    assert not list((home() / "networks").glob("*"))
    assert run(store, PREPARE).state == "finished"


def test_looking_at_data_can_be_cancelled(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reporter, "_BEAT_SECONDS", 0.0)
    question = DataQuestion(MODEL, load_network(MODEL).description.fingerprint, SOURCE)
    job = ask(store, question)
    run_job(job.id, store.url, lambda fraction, message: store.request_cancel(job.id))
    assert store.get(job.id).state == "cancelled"
    assert run(store, question).state == "finished"


@pytest.mark.skipif(sys.platform != "linux", reason="memory is bounded on Linux only")
@pytest.mark.parametrize("kind", ["sensitivity", "evaluate"])
def test_measuring_has_bounded_memory(
    store: Store, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setenv("BITDIAL_LOAD_GB", "1")
    monkeypatch.setattr("qcore.measure.evaluate.evaluate", lambda *_, **__: bytearray(3 * 10**9))
    monkeypatch.setattr(
        "qcore.sensitivity.exact.measure_exact", lambda *_, **__: bytearray(3 * 10**9)
    )
    job = run(store, sensitivity_question() if kind == "sensitivity" else evaluate_question())
    assert job.state == "failed"
    assert "more than the 1 GB of memory" in job.message


def test_questions_survive_the_store(store: Store) -> None:
    for question, kind in (
        (sensitivity_question(), SensitivityQuestion),
        (evaluate_question(), EvaluateQuestion),
        (evaluate_question(None), EvaluateQuestion),
    ):
        assert kind.from_json(ask(store, question).question) == question
        assert ask(store, question) == ask(store, kind.from_json(to_json(question)))
    with pytest.raises(BadInput):
        load_network("sample:none")
