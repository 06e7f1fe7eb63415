"""Every measure of sensitivity as a job: what the store keeps is the table."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from jobs_common import MODEL, ask, sensitivity_question

from qcore.cli.main import main
from qcore.graph import chunks
from qcore.graph.load import load_network
from qcore.jobs import kinds_sensitivity
from qcore.jobs.answers import sensitivity_table
from qcore.jobs.kept_projections import kernel_sums
from qcore.jobs.questions import SensitivityQuestion, to_json
from qcore.jobs.work import run_job
from qcore.sensitivity.config import METHODS, Measure
from qcore.sensitivity.projection import measure
from qcore.sensitivity.table import SensitivityTable
from qcore.store.store import Store


def question_of(method: Measure, **changes: object) -> SensitivityQuestion:
    plain = sensitivity_question((2, 8), 40)
    config = replace(plain.config, objective="kl", method=method, probes=4, **changes)
    return replace(plain, config=config)


def answer(
    store: Store, question: SensitivityQuestion, per_kernel: bool = False
) -> SensitivityTable:
    job = ask(store, question)
    run_job(job.id, store.url)
    job = store.get(job.id)
    assert job.state == "finished", job.message
    network = load_network(MODEL).description
    return sensitivity_table(store, job, network, per_kernel=per_kernel)


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("projected", "weight"),
        ("projected", "both"),
        ("noise", "activation"),
        ("hessian", "weight"),
        ("exact", "both"),
    ],
)
def test_each_measure_gives_one_table(store: Store, method: Measure, target: str) -> None:
    question = question_of(method, target=target)
    assert SensitivityQuestion.from_json(to_json(question)) == question
    table = answer(store, question)
    assert table.complete
    assert {row.method for row in table.rows} == {method}
    text = json.dumps(table.to_json(), allow_nan=False)
    again = SensitivityTable.from_json(json.loads(text))
    assert again.rows == table.rows
    assert (again.projections is None) == (method != "projected")
    if again.projections is not None and table.projections is not None:
        lowest = [table.config.bits[0]] * len(again.projections.layers)
        inputs = None if table.config.target == "weight" else lowest
        if table.config.target != "activation":
            predicted = again.projections.predicted(lowest, inputs)
            assert predicted == table.projections.predicted(lowest, inputs)


def test_a_run_that_is_killed_goes_on_with_the_chunks_it_has(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measure, "_CHUNK_IMAGES", 16)  # 40 images: three chunks
    question = question_of("projected")
    job, made = ask(store, question), []
    put = Store.put_arrays

    class Killed(BaseException):
        pass

    def dying(self: Store, key: str, found: dict[str, bytes]) -> None:
        if len(made) == 2:
            raise Killed
        made.append(sorted(found))
        put(self, key, found)

    monkeypatch.setattr(Store, "put_arrays", dying)
    with pytest.raises(Killed):
        run_job(job.id, store.url)
    network = load_network(MODEL).description
    partial = sensitivity_table(store, store.get(job.id), network)
    assert partial.covered
    assert {row.samples for row in partial.rows} == {32}
    monkeypatch.setattr(Store, "put_arrays", put)
    run_job(job.id, store.url)
    resumed = sensitivity_table(store, store.get(job.id), network)
    sums = kernel_sums(store.arrays(job.id))
    store.forget(job.id)
    assert store.arrays(job.id) == {}
    whole = answer(store, question)
    assert resumed.rows == whole.rows
    np.testing.assert_array_equal(sums.totals, kernel_sums(store.arrays(job.id)).totals)


@pytest.mark.parametrize("method", ["noise", "hessian"])
def test_what_sums_up_as_it_goes_shows_its_rows_before_the_end(
    store: Store, monkeypatch: pytest.MonkeyPatch, method: Measure
) -> None:
    monkeypatch.setattr(chunks, "_CHUNK_IMAGES", 16)  # 40 images: three chunks
    question = question_of(method)
    job, put = ask(store, question), Store.put_arrays

    class Killed(BaseException):
        pass

    def dying(self: Store, key: str, found: dict[str, bytes]) -> None:
        put(self, key, found)
        raise Killed

    monkeypatch.setattr(Store, "put_arrays", dying)
    with pytest.raises(Killed):
        run_job(job.id, store.url)
    network = load_network(MODEL).description
    partial = sensitivity_table(store, store.get(job.id), network)
    assert partial.covered
    monkeypatch.setattr(Store, "put_arrays", put)
    whole = answer(store, question)
    assert whole.complete
    assert [row.delta_loss for row in partial.rows] != [row.delta_loss for row in whole.rows]


def test_kernels_on_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    command = ["sensitivity", MODEL, MODEL, "--method", "projected", "--limit", "20"]
    assert main([*command, "--bits", "4", "--per-kernel", "--json", "-"]) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    layers = load_network(MODEL).description.layers
    assert [r["layer"] for r in rows if r["kernel"] is None] == [la.name for la in layers]
    kernels = [(r["layer"], r["kernel"]) for r in rows if r["kernel"] is not None]
    assert kernels == [(la.name, k) for la in layers for k in range(la.kernels)]
    assert main(["sensitivity", MODEL, MODEL, "--per-kernel"]) == 2
    assert "--method projected" in capsys.readouterr().err


def test_every_measure_has_work() -> None:
    assert set(kinds_sensitivity._MEASURES) == set(METHODS)
