"""Every command's JSON holds the fields that other programs rely on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from qcore.allocate.bits import BitAllocation
from qcore.cli.commands import COMMANDS
from qcore.cli.main import main
from qcore.sensitivity.table import SensitivityTable

MODEL = "sample:fashion-cnn"
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """One run through all commands, each reading what the one before has written."""
    folder = tmp_path_factory.mktemp("files")
    table, allocation = str(folder / "table.json"), str(folder / "allocation.json")
    commands = {
        "describe": [MODEL],
        "sensitivity": [MODEL, MODEL, "--bits", "8,2,4", "--limit", "200", "--seed", "3"],
        "allocate": [table, "--budget", "average_bits=4", "--pin", "head=8"],
        "frontier": [table],
        "evaluate": [MODEL, MODEL, "--bits", allocation, "--calibration", MODEL],
    }
    names = {"sensitivity": "table", "allocate": "allocation"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BITDIAL_HOME", str(folder / "home"))
        for command, arguments in commands.items():
            target = folder / f"{names.get(command, command)}.json"
            assert main([command, *arguments, "--json", str(target)]) == 0
    return {
        command: json.loads((folder / f"{names.get(command, command)}.json").read_text())
        for command in commands
    } | {"table file": table, "allocation file": allocation}


def test_describe(files: dict[str, Any]) -> None:
    value = files["describe"]
    assert value["model"]["name"] == MODEL
    assert len(value["model"]["fingerprint"]) == 64
    assert value["model"]["parameters"] == 79_690  # of the sample's README
    assert value["totals"]["macs"] == 5_953_872
    assert value["totals"]["weights"] == sum(la["weight_count"] for la in value["layers"])
    assert all(isinstance(count, int) for count in value["not_quantized"].values())
    assert len(value["layers"]) == 11
    assert {
        "name": "separable.depthwise",
        "op": "conv2d",
        "weight_shape": [24, 1, 3, 3],
        "kernels": 24,
        "weight_count": 216,
        "macs": 24 * 9 * 49,
        "input_shape": [1, 24, 14, 14],
        "output_shape": [1, 24, 7, 7],
    }.items() <= value["layers"][4].items()


def test_sensitivity(files: dict[str, Any]) -> None:
    value = files["sensitivity"]
    cells = [(row["layer"], row["bits"]) for row in value["rows"]]
    assert cells == [(la["name"], b) for la in value["layers"] for b in (2, 4, 8)]
    for row in value["rows"]:
        assert (row["target"], row["samples"], row["kernel"]) == ("weight", 200, None)
        assert row["ci_low"] <= row["delta_loss"] <= row["ci_high"]
    assert value["timing"]["seconds"] > 0
    assert value["timing"]["one_forward_seconds"] > 0
    assert value["config"]["objective"] == "cross_entropy"
    assert (value["config"]["seed"], value["config"]["images"]) == (3, 200)
    assert value["data"]["reference"] == MODEL
    assert SensitivityTable.from_json(value).complete


def test_allocate(files: dict[str, Any]) -> None:
    value, table = files["allocate"], files["sensitivity"]
    loss = {(row["layer"], row["bits"]): row["delta_loss"] for row in table["rows"]}
    chosen = {layer: entry["weight"] for layer, entry in value["bits"].items()}
    assert list(chosen) == [la["name"] for la in table["layers"]]
    assert chosen["head"] == 8
    assert all(entry["activation"] is None for entry in value["bits"].values())
    assert value["predicted_loss"] == pytest.approx(sum(loss[cell] for cell in chosen.items()))
    weights = {la["name"]: la["weight_count"] for la in table["layers"]}
    stored = sum(weights[name] * bits for name, bits in chosen.items())
    assert value["costs"]["average_bits"] == pytest.approx(stored / sum(weights.values()))
    assert value["costs"]["average_bits"] <= 4 + 1e-9
    assert value["costs"]["size_ratio"] == pytest.approx(stored / sum(weights.values()) / 32)
    assert value["costs"]["size_bytes"] > stored / 8
    assert value["gap"] <= 1e-6
    assert value["seconds"] >= 0
    assert value["calibration"] == MODEL
    assert BitAllocation.from_json(value).bits == chosen


def test_frontier(files: dict[str, Any]) -> None:
    points = files["frontier"]["points"]
    assert set(points[0]) >= {"size_bytes", "average_bits", "predicted_loss", "bits"}
    assert {point["kind"] for point in points} == {"hull"}
    assert set(points[0]["bits"].values()) == {2}
    sizes, losses = ([p[key] for p in points] for key in ("size_bytes", "predicted_loss"))
    assert sizes == sorted(sizes)
    assert losses == sorted(losses, reverse=True)
    assert len(points) > 5
    table = SensitivityTable.from_json(files["sensitivity"])
    for point in points:
        rows = [table.row(layer, bits) for layer, bits in point["bits"].items()]
        assert point["predicted_loss"] == pytest.approx(sum(row.delta_loss for row in rows))


def test_evaluate(files: dict[str, Any]) -> None:
    value = files["evaluate"]
    assert value["samples"] == 2000
    assert value["baseline_accuracy"] == pytest.approx(0.92)  # of the sample's README
    assert 0.5 < value["accuracy"] <= 1
    assert 0.5 < value["agreement"] < 1
    assert value["delta_loss"] == pytest.approx(value["loss"] - value["baseline_loss"])
    assert value["delta_low"] < value["delta_loss"] < value["delta_high"]


def test_store_answers_a_repeated_question_and_fresh_measures_again(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ["sensitivity", MODEL, MODEL, "--bits", "2", "--limit", "50", "--json", "-"]

    def rows() -> Any:
        assert main(command) == 0
        return json.loads(capsys.readouterr().out)

    first = rows()
    with monkeypatch.context() as patch:
        patch.setattr("qcore.cli.answered.run_job", None)  # calling it would fail
        assert rows() == first
    command.append("--fresh")
    assert rows()["rows"] == first["rows"]


@pytest.mark.parametrize("command", ["describe", "allocate", "frontier"])
def test_dash_writes_json_alone_to_standard_output(
    files: dict[str, Any], command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = {
        "describe": [MODEL],
        "allocate": [files["table file"], "--budget", "average_bits=4", "--pin", "head=8"],
        "frontier": [files["table file"]],
    }[command]
    assert main([command, *arguments, "--json", "-"]) == 0
    out, err = capsys.readouterr()
    value = json.loads(out)
    if command == "allocate":
        assert value["bits"] == files["allocate"]["bits"]
    else:
        assert value == files[command]
    assert len(err.splitlines()) > 3  # the table for a person


def test_from_another_folder_as_a_program(files: dict[str, Any], tmp_path: Path) -> None:
    """With a command that needs no torch, whose import would be most of the work."""
    command = [sys.executable, "-m", "qcore", "frontier", files["table file"], "--json", "-"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0
    assert json.loads(done.stdout) == files["frontier"]


def test_a_sample_from_another_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["describe", MODEL, "--json", "-"]) == 0
    assert json.loads(capsys.readouterr().out)["model"]["parameters"] == 79_690


def test_evaluate_measures_the_loss_that_the_allocation_was_chosen_by(
    files: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chosen = tmp_path / "kl.json"
    chosen.write_text(json.dumps({**files["allocate"], "objective": "kl"}))
    sample = "sample:fashion-cnn"
    assert main(["evaluate", sample, sample, "--bits", str(chosen), "--json", "-"]) == 0
    captured = capsys.readouterr()
    value = json.loads(captured.out)
    assert value["objective"] == "kl"
    assert value["baseline_loss"] == 0
    assert value["loss"] > 0
    assert captured.err.count("note:") == 0

    chosen.write_text(
        json.dumps({**files["allocate"], "model": {"name": "x", "fingerprint": "0" * 64}})
    )
    assert main(["evaluate", sample, sample, "--bits", str(chosen)]) == 0
    assert "chosen for other weights" in capsys.readouterr().err
    chosen.write_text(json.dumps({**files["allocate"], "objective": "top1"}))
    assert main(["evaluate", sample, sample, "--bits", str(chosen)]) == 2


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_every_command_has_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*command.split(), "--help"])
    assert ended.value.code == 0
    text = capsys.readouterr().out
    assert text.startswith(f"usage: python -m qcore {command}".rstrip())
    assert "%%" not in text
