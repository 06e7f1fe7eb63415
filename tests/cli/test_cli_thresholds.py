"""``thresholds``, and allocations with bits for layer inputs, on the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from cli_common import MODEL, problem

from qcore.cli.main import main
from qcore.data.load import load_data
from qcore.data.source import DataSource
from qcore.graph.load import load_network


def result(target: Path, *arguments: str) -> dict[str, Any]:
    assert main([*arguments, "--json", str(target)]) == 0
    value: dict[str, Any] = json.loads(target.read_text())
    return value


def test_fields_and_the_largest_magnitudes(tmp_path: Path) -> None:
    value = result(
        tmp_path / "t.json", "thresholds", MODEL, MODEL, "--bits", "4", "--method", "max"
    )
    network = load_network(MODEL)
    names = [layer.name for layer in network.description.layers]
    rows = {(row["name"], row["target"]): row for row in value["layers"]}
    assert list(rows) == [(name, target) for name in names for target in ("weight", "activation")]
    for (name, target), row in rows.items():
        assert (row["method"], row["bits"]) == ("max", 4)
        assert row["threshold"] == row["amax"] > 0
        if target == "weight":
            layer = network.description.layer(name)
            assert row["amax"] == pytest.approx(float(network.weight(layer).abs().max()))
    # What enters the first layer are the calibration images themselves, normalised.
    images = load_data(DataSource(MODEL), network, "calibration")
    pixels = images.batch(torch.arange(len(images)))
    assert isinstance(pixels, torch.Tensor)
    first = rows[names[0], "activation"]
    assert first["amax"] == pytest.approx(float(pixels.abs().max()), rel=1e-6)
    assert (value["images"], value["data"]["fingerprint"]) == (1000, images.fingerprint())

    percentile = ["--method", "percentile", "--percentile", "99", "--target", "activation"]
    value = result(tmp_path / "p.json", "thresholds", MODEL, MODEL, "--bits", "8", *percentile)
    (row,) = (row for row in value["layers"] if row["name"] == names[0])
    exact = float(np.percentile(pixels.abs().numpy(), 99))
    assert row["threshold"] == pytest.approx(exact, abs=first["amax"] / 1024)  # the width of a bin
    assert len(value["layers"]) == len(names)


@pytest.mark.parametrize("method", ["percentile", "entropy", "mse", "aciq-laplace"])
def test_no_method_goes_beyond_the_largest(tmp_path: Path, method: str) -> None:
    arguments = ["thresholds", MODEL, MODEL, "--bits", "3", "--method", method]
    rows = result(tmp_path / "t.json", *arguments)["layers"]
    assert all(0 < row["threshold"] <= row["amax"] for row in rows)
    assert any(row["threshold"] < row["amax"] for row in rows)
    # The divergence of images of 256 levels, or of a hundred weights, is least at strange places.
    most = 1 if method == "entropy" else 0.2
    assert all(0 <= row["clipped"] < most for row in rows)


def test_inputs_are_measured_with_thresholds_of_the_calibration_data(tmp_path: Path) -> None:
    table, allocation = tmp_path / "table.json", tmp_path / "allocation.json"
    result(table, "sensitivity", MODEL, MODEL, "--bits", "8", "--limit", "20")
    budget = ["allocate", str(table), "--budget", "average_bits=8"]
    chosen = result(allocation, *budget, "--activation-bits", "4", "--activation-clipping", "max")
    assert all(entry == {"weight": 8, "activation": 4} for entry in chosen["bits"].values())
    assert (chosen["calibration"], chosen["clipping"]["activation"]) == (MODEL, "max")
    evaluate = ["evaluate", MODEL, MODEL, "--bits", str(allocation)]
    largest = result(tmp_path / "e.json", *evaluate)
    same = result(tmp_path / "e.json", *evaluate, "--calibration", MODEL)
    clipped = result(tmp_path / "e.json", *evaluate, "--activation-clipping", "mse")
    assert same["loss"] == largest["loss"] != clipped["loss"]
    assert largest["accuracy"] < largest["baseline_accuracy"]


def test_what_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = [layer.name for layer in load_network(MODEL).description.layers]
    file = tmp_path / "a.json"
    file.write_text(json.dumps({"bits": {n: {"weight": 8, "activation": 8} for n in names}}))
    evaluate = ["evaluate", MODEL, MODEL, "--bits", str(file)]
    assert "--calibration" in problem(capsys, evaluate)
    np.savez(tmp_path / "d.npz", images=np.random.default_rng(0).random((4, 1, 28, 28), np.float32))
    data = str(tmp_path / "d.npz")
    same = ["evaluate", MODEL, data, "--bits", str(file), "--calibration", data]
    assert "--halved" in problem(capsys, same)
    thresholds = ["thresholds", MODEL, MODEL, "--bits"]
    assert "17" in problem(capsys, [*thresholds, "17", "--method", "max"])
    assert "best" in problem(capsys, [*thresholds, "8", "--method", "best"])
    outside = [*thresholds, "8", "--method", "percentile", "--percentile", "101"]
    assert "at most 100" in problem(capsys, outside)
    table = tmp_path / "table.json"
    inputs = ["--target", "activation", "--bits", "4", "--limit", "20"]
    rows = result(table, "sensitivity", MODEL, MODEL, *inputs)["rows"]
    assert {row["target"] for row in rows} == {"activation"}
    capsys.readouterr()
    refused = problem(capsys, ["allocate", str(table), "--budget", "average_bits=4"])
    assert "--target weight" in refused
