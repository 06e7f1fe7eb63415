"""Bad input: exit code 2, one line that says what to do, and nothing written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cli_common import MODEL, SENSITIVITY, problem

from qcore.cli.main import main

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("table")
    target = folder / "table.json"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BITDIAL_HOME", str(folder / "home"))
        command = ["sensitivity", MODEL, MODEL, "--bits", "2,8", "--limit", "20"]
        assert main([*command, "--json", str(target)]) == 0
    value: dict[str, Any] = json.loads(target.read_text())
    return value


@pytest.fixture
def work(tmp_path: Path, table: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with good files and bad ones."""
    monkeypatch.chdir(tmp_path)
    layers = [layer["name"] for layer in table["layers"]]
    good = {name: {"weight": 4, "activation": None} for name in layers}

    def allocation(**changes: Any) -> dict[str, Any]:
        return {"bits": {**good, **changes}}

    values = {
        "table.json": table,
        "part.json": {**table, "rows": table["rows"][:-1]},
        "list.json": [1, 2],
        "allocation.json": allocation(),
        "unknown-layer.json": allocation(nowhere={"weight": 4}),
        "missing-layer.json": {"bits": {layers[0]: {"weight": 4}}},
        "bits-17.json": allocation(head={"weight": 17}),
        "bits-half.json": allocation(head={"weight": 2.5}),
        "bits-list.json": allocation(head={"weight": [4] * 9}),
        "activation.json": allocation(head={"weight": 4, "activation": 8}),
    }
    for name, value in values.items():
        Path(name).write_text(json.dumps(value))
    Path("broken.json").write_text(json.dumps(table)[:-100])
    Path("deep.json").write_text("[" * 100_000)
    Path("binary.json").write_bytes(bytes(range(256)))
    Path("text.npz").write_text("no zip")
    np.savez("small.npz", images=np.zeros((2, 1, 8, 8), np.uint8))
    np.savez("unlabelled.npz", images=np.zeros((2, 1, 28, 28), np.uint8))
    Path("empty").mkdir()
    return tmp_path


ALLOCATE = "allocate table.json --budget"
BAD = {
    "no command": ("", "COMMAND"),
    "unknown command": ("meausure x", "invalid choice"),
    "no model": ("describe", "MODEL"),
    "unknown option": (f"describe {MODEL} --colour", "--colour"),
    "unknown sample": ("describe sample:none", "fashion-cnn"),
    "unknown network": ("describe torchvision:none", "resnet18"),
    "no weights file": ("describe torchvision:resnet18@none.pt", "none.pt"),
    "unknown data": (f"sensitivity {MODEL} none.npz", "none.npz"),
    "sample data unknown": (f"sensitivity {MODEL} sample:none", "fashion-cnn"),
    "no npz": (f"sensitivity {MODEL} text.npz", "np.savez"),
    "image size": (f"sensitivity {MODEL} small.npz", "1x28x28"),
    "folder without images": (f"sensitivity {MODEL} empty", ".jpg"),
    "no labels": (
        f"sensitivity {MODEL} unlabelled.npz --objective cross_entropy",
        "--objective kl",
    ),
    "1 bit": (f"{SENSITIVITY} --bits 1,4", "2 to 16"),
    "17 bits": (f"{SENSITIVITY} --bits 17", "2 to 16"),
    "bits are words": (f"{SENSITIVITY} --bits two", "'two'"),
    "limit 0": (f"{SENSITIVITY} --limit 0", "positive"),
    "limit -3": (f"{SENSITIVITY} --limit=-3", "positive"),
    "seed too large": (f"{SENSITIVITY} --seed 99999999999999999999", "--seed"),
    "seed negative": (f"{SENSITIVITY} --seed=-1", "--seed"),
    "method": (f"{SENSITIVITY} --method guess", "'guess'"),
    "objective": (f"{SENSITIVITY} --objective top1", "'top1'"),
    "no table": ("allocate none.json --budget average_bits=4", "none.json"),
    "table is half": ("allocate broken.json --budget average_bits=4", "not JSON"),
    "table is too deep": ("allocate deep.json --budget average_bits=4", "not JSON"),
    "table is binary": ("frontier binary.json", "not JSON"),
    "table is a list": ("frontier list.json", "not a sensitivity table"),
    "table is an allocation": ("frontier allocation.json", "not a sensitivity table"),
    "table lacks a cell": ("frontier part.json", "21 of 22"),
    "no budget": ("allocate table.json", "--budget"),
    "unknown budget": (f"{ALLOCATE} joules=4", "average_bits"),
    "budget without value": (f"{ALLOCATE} average_bits", "NAME=NUMBER"),
    "budget is a word": (f"{ALLOCATE} average_bits=four", "NAME=NUMBER"),
    "budget nan": (f"{ALLOCATE} average_bits=nan", "NAME=NUMBER"),
    "budget inf": (f"{ALLOCATE} average_bits=inf", "NAME=NUMBER"),
    "budget twice": (f"{ALLOCATE} average_bits=4 --budget average_bits=5", "twice"),
    "budget too small": (f"{ALLOCATE} average_bits=1", "average_bits=2"),
    "budget too large": (f"{ALLOCATE} average_bits=9", "average_bits=8"),
    "pin of no layer": (f"{ALLOCATE} average_bits=4 --pin none=8", "'none'"),
    "pin not measured": (f"{ALLOCATE} average_bits=4 --pin head=4", "2, 8"),
    "pin of half a bit": (f"{ALLOCATE} average_bits=4 --pin head=2.5", "whole"),
    "pin inf": (f"{ALLOCATE} average_bits=4 --pin head=inf", "LAYER=BITS"),
    "allocation missing": (f"evaluate {MODEL} {MODEL} --bits none.json", "none.json"),
    "allocation is a table": (f"evaluate {MODEL} {MODEL} --bits table.json", "not an allocation"),
    "layer unknown": (f"evaluate {MODEL} {MODEL} --bits unknown-layer.json", "'nowhere'"),
    "layers missing": (f"evaluate {MODEL} {MODEL} --bits missing-layer.json", "10 layers"),
    "17 bits asked": (f"evaluate {MODEL} {MODEL} --bits bits-17.json", "2 to 16"),
    "2.5 bits asked": (f"evaluate {MODEL} {MODEL} --bits bits-half.json", "2 to 16"),
    "bits of too few kernels": (
        f"evaluate {MODEL} {MODEL} --bits bits-list.json",
        "10 kernels",
    ),
    "activation bits": (f"evaluate {MODEL} {MODEL} --bits activation.json", "activation"),
    "calibration missing": (
        f"evaluate {MODEL} {MODEL} --bits allocation.json --calibration none.npz",
        "none.npz",
    ),
}


@pytest.mark.parametrize("case", list(BAD))
def test_bad_input_is_one_line_and_writes_nothing(
    case: str, work: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command, expected = BAD[case]
    existing = work / "result.json"
    existing.write_text("as it was")
    before = {path.name for path in work.iterdir()}
    arguments = command.split() + (["--json", "result.json"] if command else [])
    assert expected in problem(capsys, arguments)
    assert existing.read_text() == "as it was"
    assert {path.name for path in work.iterdir()} - before <= {"home"}


@pytest.mark.parametrize("target", ["", ".", "empty", "none/result.json", "table.json/result.json"])
def test_target_that_cannot_be_written_is_refused_before_the_work(
    work: Path, target: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qcore.cli.ask.load_network", None)  # calling it would fail
    line = problem(capsys, [*SENSITIVITY.split(), "--json", target])
    assert "cannot write" in line
