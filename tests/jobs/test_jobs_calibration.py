"""Calibration as jobs: histograms on disk, the loss of one layer, bits of inputs measured."""

from __future__ import annotations

from dataclasses import replace

import pytest
from jobs_common import MODEL, SOURCE, ask, evaluate_question

from qcore.allocate.bits import BitAllocation
from qcore.calibrate.average import input_means
from qcore.calibrate.calibration import read_calibration
from qcore.calibrate.clipping import Clipping
from qcore.calibrate.observe import calibrate
from qcore.data.load import load_data
from qcore.graph.load import load_network
from qcore.jobs.questions import CalibrateQuestion, LayerLossQuestion, Question, to_json
from qcore.jobs.work import run_job
from qcore.measure.evaluate import evaluate
from qcore.measure.evaluation import Evaluation
from qcore.sensitivity.config import SensitivityConfig
from qcore.sensitivity.exact import measure_exact
from qcore.sensitivity.pieces import rows_from_pieces
from qcore.store.home import calibration_file
from qcore.store.job import Job
from qcore.store.store import Store

LAYER = "block1.conv2"


def run(store: Store, question: Question) -> Job:
    job = ask(store, question)
    run_job(job.id, store.url)
    return store.get(job.id)


def prints() -> tuple[str, str]:
    """Fingerprints of the network and of its calibration images."""
    network = load_network(MODEL)
    return network.description.fingerprint, load_data(SOURCE, network, "calibration").fingerprint()


def test_histograms_are_written_and_serve_what_needs_them(store: Store) -> None:
    network, (fingerprint, data) = load_network(MODEL), prints()
    job = run(store, CalibrateQuestion(MODEL, fingerprint, SOURCE, data))
    assert (job.state, job.result["images"]) == ("finished", 1000)
    path = calibration_file(fingerprint, data)
    written = read_calibration(path)
    assert written is not None
    direct = calibrate(network, load_data(SOURCE, network, "calibration"))
    assert [la.name for la in written.layers] == [la.name for la in direct.layers]
    for ours, theirs in zip(written.layers, direct.layers, strict=True):
        assert (ours.inputs.magnitudes() == theirs.inputs.magnitudes()).all()
    assert [p.name for p in path.parent.iterdir()] == [path.name]  # no draft is left
    path.write_bytes(b"damaged")
    assert run(store, loss_question("activation", "max")).state == "finished"
    assert read_calibration(path) is not None  # made anew


def loss_question(target: str, choice: object) -> LayerLossQuestion:
    fingerprint, data = prints()
    question = LayerLossQuestion(
        MODEL,
        fingerprint,
        SOURCE,
        data,
        LAYER,
        "weight",
        3,
        "mse",
        99.9,
        "cross_entropy",
        60,
        True,
        True,
    )
    return replace(question, target=target, choice=choice)


@pytest.mark.parametrize(("target", "choice"), [("weight", "mse"), ("activation", 1.5)])
def test_loss_of_one_layer_is_a_cell_of_the_table(
    store: Store, target: str, choice: object
) -> None:
    question = loss_question(target, choice)
    assert LayerLossQuestion.from_json(to_json(question)) == question
    job = run(store, question)
    assert job.state == "finished", job.message
    network = load_network(MODEL)
    images = load_data(SOURCE, network, "calibration")
    clipping = Clipping().with_choice(LAYER, question.target, question.choice)
    config = SensitivityConfig((3,), "cross_entropy", 60, target=question.target, clipping=clipping)
    table = measure_exact(network, images, config, calibration=calibrate(network, images))
    names = [layer.name for layer in network.description.layers]
    rows = rows_from_pieces(table.pieces, names, config)
    (row,) = (row for row in rows if row.layer == LAYER)
    assert job.result["delta_loss"] == pytest.approx(row.delta_loss, rel=1e-5)
    assert (job.result["ci_low"], job.result["samples"]) == (pytest.approx(row.ci_low), 60)


def test_bits_of_inputs_are_measured_at_thresholds_of_the_calibration_data(store: Store) -> None:
    network, (_, calibration) = load_network(MODEL), prints()
    plain, clipping = evaluate_question(8), Clipping(activation="entropy")
    question = replace(
        plain,
        bits=tuple((name, 8, 4) for name, _, _ in plain.bits),
        clipping=clipping,
        calibration=SOURCE,
        calibration_fingerprint=calibration,
    )
    job = run(store, question)
    assert job.state == "finished", job.message
    found = Evaluation.from_json(job.result)
    images = load_data(SOURCE, network, "calibration")
    direct = evaluate(
        network,
        load_data(SOURCE, network, "evaluation"),
        BitAllocation(
            {name: 8 for name, _, _ in plain.bits},
            activations={name: 4 for name, _, _ in plain.bits},
            clipping=clipping,
        ),
        "cross_entropy",
        calibration=calibrate(network, images),
        means=input_means(network, images),
    )
    assert found.loss == pytest.approx(direct.loss, rel=1e-6)
    assert found.loss > Evaluation.from_json(run(store, plain).result).loss
    missing = run(store, replace(question, calibration=None, calibration_fingerprint=None))
    assert missing.state == "failed"
    assert "calibration" in missing.message
    changed = run(store, replace(question, calibration_fingerprint="0" * 64))
    assert (changed.state, "have changed" in changed.message) == ("failed", True)


def test_a_layer_that_the_network_lacks(store: Store) -> None:
    job = run(store, replace(loss_question("weight", "max"), layer="nope"))
    assert (job.state, "no layer 'nope'" in job.message) == ("failed", True)
