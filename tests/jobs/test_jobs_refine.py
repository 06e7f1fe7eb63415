"""A projected table is refined as a job: nothing is computed twice, nothing is lost."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from jobs_common import MODEL, ask, sensitivity_question

from qcore.allocate.budget import table_problem
from qcore.cli.main import main
from qcore.graph import chunks
from qcore.graph.load import load_network
from qcore.jobs.answers import sensitivity_table
from qcore.jobs.questions import SensitivityQuestion, to_json
from qcore.jobs.work import run_job
from qcore.sensitivity.projection import measure
from qcore.sensitivity.refined import exact_config
from qcore.sensitivity.table import SensitivityTable
from qcore.store.store import Store

BITS = (2, 4, 6, 8)


def question(refine: int | None) -> SensitivityQuestion:
    plain = sensitivity_question(BITS, 40)
    config = replace(plain.config, objective="kl", method="projected", probes=2, refine=refine)
    return replace(plain, config=config)


def table_of(store: Store, asked: SensitivityQuestion) -> SensitivityTable:
    job = store.find(asked.kind, to_json(asked))
    assert job is not None
    return sensitivity_table(store, job, load_network(MODEL).description)


def answer(store: Store, asked: SensitivityQuestion) -> SensitivityTable:
    asked_id = ask(store, asked).id
    run_job(asked_id, store.url)
    job = store.get(asked_id)
    assert job.state == "finished", job.message
    return table_of(store, asked)


def test_a_refined_table_says_which_cells_are_exact(store: Store) -> None:
    asked = question(5)
    assert SensitivityQuestion.from_json(to_json(asked)) == asked
    table = answer(store, asked)
    estimate = answer(store, question(None))
    exact = answer(store, replace(asked, config=exact_config(asked.config)))
    assert table.complete
    assert 0 < table.refined_cells < table.cells
    assert table.refine_passes is not None
    assert 2 < table.refine_passes <= 5
    assert table.one_forward_seconds is not None
    for row, guess, true in zip(table.rows, estimate.rows, exact.rows, strict=True):
        assert row == (true if row.method == "exact" else guess)
    assert (estimate.refined_cells, estimate.refine_passes) == (0, None)
    again = SensitivityTable.from_json(json.loads(json.dumps(table.to_json(), allow_nan=False)))
    assert again.rows == table.rows
    assert again.refine_passes == table.refine_passes
    losses = table_problem(table).problem.loss.ravel().tolist()
    assert losses == [row.delta_loss for row in table.rows]


def test_projections_that_are_there_are_not_computed_again(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    fresh = answer(store, question(5))
    store.forget(ask(store, question(5)).id)
    answer(store, question(None))

    def never(*_: object, **__: object) -> None:
        raise AssertionError("projections are known")

    monkeypatch.setattr(measure, "project_chunk", never)
    assert answer(store, question(5)).rows == fresh.rows


@pytest.mark.parametrize("written", [0, 1, 9])
def test_a_run_that_is_killed_while_refining_goes_on(
    store: Store, monkeypatch: pytest.MonkeyPatch, written: int
) -> None:
    monkeypatch.setattr(chunks, "_CHUNK_IMAGES", 16)  # 40 images: three chunks
    asked, made = question(5), []
    add = Store.add_piece

    class Killed(BaseException):
        pass

    def dying(self: Store, key: str, piece: object) -> None:
        if len(made) == written:
            raise Killed
        made.append(piece)
        add(self, key, piece)  # type: ignore[arg-type]

    monkeypatch.setattr(Store, "add_piece", dying)
    with pytest.raises(Killed):
        run_job(ask(store, asked).id, store.url)
    partial = table_of(store, asked)
    assert partial.complete
    assert partial.refine_passes is None
    monkeypatch.setattr(
        Store, "add_piece", lambda self, *rest: (made.append(rest), add(self, *rest))
    )
    run_job(ask(store, asked).id, store.url)
    resumed = table_of(store, asked)
    assert len(made) == resumed.refined_cells * 3
    store.forget(ask(store, asked).id)
    assert answer(store, asked).rows == resumed.rows


def test_refined_cells_on_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    command = ["sensitivity", MODEL, MODEL, "--method", "projected", "--limit", "20"]
    assert main([*command, "--refine", "7", "--bits", "2,4,8", "--json", "-"]) == 0
    printed = capsys.readouterr()
    found = json.loads(printed.out)
    cells = sum(row["method"] == "exact" for row in found["rows"])
    assert found["refined"]["cells"] == cells > 0
    assert 4 < found["refined"]["passes"] <= 7
    said = f"{cells} of {len(found['rows'])} cells measured exactly, in "
    assert said in printed.out + printed.err
