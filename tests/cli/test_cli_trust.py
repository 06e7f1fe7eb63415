"""``trust`` on the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cli_common import MODEL, problem

from qcore.cli.main import main
from qcore.measure.trusted import TrustCheck
from qcore.store.store import Store


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "table.json"
    asked = ["--method", "projected", "--bits", "2,4,8", "--limit", "40", "--objective", "kl"]
    assert main(["sensitivity", MODEL, MODEL, *asked, "--json", str(path)]) == 0
    return path


def changed(path: Path, **values: Any) -> Path:
    """The table with other facts in it."""
    data = json.loads(path.read_text())
    for name, facts in values.items():
        data[name] = {**data[name], **facts} if isinstance(facts, dict) else facts
    other = path.with_name("changed.json")
    other.write_text(json.dumps(data))
    return other


def test_table_sentence_and_json(
    table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    file = tmp_path / "trust.json"
    command = ["trust", str(table), "--count", "4", "--json", str(file)]
    assert main(command) == 0
    out = capsys.readouterr().out
    head, *rest = out.splitlines()
    assert head.split("  ")[0] == "average bits"
    assert "with interactions" in head
    assert "Sum of ΔL: " in out
    assert "With interactions: " in out
    assert "4 random configurations on the 40 images of the table" in out
    value = json.loads(file.read_text())
    check = TrustCheck.from_json(value)
    assert len(check.points) == 4
    averages = [f"{point.average_bits:.2f}" for point in check.points]
    assert [line.split()[0] for line in rest[:4]] == averages
    assert value["model"]["name"] == MODEL
    assert len(value["layers"]) == len(check.points[0].bits)
    assert value["timing"]["seconds"] > 0
    assert main(command) == 0  # answered from the store
    assert TrustCheck.from_json(json.loads(file.read_text())) == check
    store = Store()
    (job,) = store.jobs("trust")
    store.close()
    assert job.seconds == value["timing"]["seconds"]


def test_one_clear_line(table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    other = changed(table, model={"fingerprint": "0" * 64})
    assert "other weights" in problem(capsys, ["trust", str(other)])
    other = changed(table, data={"fingerprint": "0" * 64})
    assert "other images" in problem(capsys, ["trust", str(other)])
    rows = json.loads(table.read_text())["rows"]
    other = changed(table, rows=rows[:-1])
    assert f"{len(rows) - 1} of {len(rows)} cells" in problem(capsys, ["trust", str(other)])
    assert "no file" in problem(capsys, ["trust", "nowhere.json"])
    assert "positive" in problem(capsys, ["trust", str(table), "--count", "0"])


def test_a_measure_in_another_unit_has_an_order_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "noise.json"
    asked = ["--method", "noise", "--bits", "2,4,8", "--limit", "40"]
    assert main(["sensitivity", MODEL, MODEL, *asked, "--json", str(path)]) == 0
    capsys.readouterr()
    assert main(["trust", str(path), "--count", "4"]) == 0
    out = capsys.readouterr().out
    assert "This measure is not the loss: the order is" in out
    assert "Median error" not in out
