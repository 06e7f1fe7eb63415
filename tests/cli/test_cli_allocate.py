"""allocate and frontier on the command line: every method, budget and refusal."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from qcore.allocate.across import across
from qcore.allocate.methods import METHODS
from qcore.cli.files import read_table
from qcore.cli.main import main
from qcore.hardware import HARDWARE

MODEL = "sample:fashion-cnn"


def answer(table: str, folder: Path, *options: str, command: str = "allocate") -> dict[str, Any]:
    file = folder / "answer.json"
    assert main([command, table, *options, "--json", str(file)]) == 0
    found: dict[str, Any] = json.loads(file.read_text())
    return found


def refusal(table: str, capsys: pytest.CaptureFixture[str], *options: str) -> str:
    assert main(["allocate", table, *options]) == 2
    text = capsys.readouterr().err.strip()
    assert "\n" not in text
    return text


@pytest.mark.parametrize("method", list(METHODS))
def test_every_method_keeps_the_budget_and_none_beats_the_proven_optimum(
    table: str, tmp_path: Path, method: str
) -> None:
    budget = ("--budget", "average_bits=3.5", "--pin", "head=8")
    best = answer(table, tmp_path, *budget)
    found = answer(table, tmp_path, *budget, "--method", method)
    assert found["method"] == method
    assert found["costs"]["average_bits"] <= 3.5
    assert found["bits"]["head"] == {"weight": 8, "activation": None}
    assert found["predicted_loss"] == found["costs"]["loss"]
    assert found["predicted_loss"] >= best["predicted_loss"] - 1e-12
    assert best["gap"] == pytest.approx(0, abs=1e-8)
    assert ("interaction" in found) == (method == "interaction")


def test_the_least_size_within_a_loss_is_what_that_size_buys(table: str, tmp_path: Path) -> None:
    small = answer(table, tmp_path, "--budget", "loss=0.05")
    assert small["predicted_loss"] <= 0.05
    size = small["costs"]["size_bytes"]
    back = answer(table, tmp_path, "--budget", f"size_bytes={size}")
    assert back["predicted_loss"] <= small["predicted_loss"] + 1e-12
    if size > 9000:  # one byte less cannot be had within that loss
        less = answer(table, tmp_path, "--budget", f"size_bytes={size - 1}")
        assert less["predicted_loss"] > 0.05


def test_two_budgets_on_hardware(table: str, tmp_path: Path) -> None:
    inputs = ("--activation-bits", "8", "--hardware", "bismo-edge")
    free = answer(table, tmp_path, "--budget", "average_bits=4", *inputs)
    limit = 0.8 * free["costs"]["latency_ms"]
    found = answer(
        table, tmp_path, "--budget", "average_bits=4", "--budget", f"latency_ms={limit}", *inputs
    )
    assert found["costs"]["latency_ms"] <= limit * (1 + 1e-9)
    assert found["costs"]["average_bits"] <= 4
    assert found["predicted_loss"] >= free["predicted_loss"] - 1e-12
    assert {entry["activation"] for entry in found["bits"].values()} == {8}


def test_widths_that_the_hardware_does_not_run_are_left_out_and_named(
    table: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    layers = json.loads(Path(table).read_text())["layers"]
    lines = ["layer,weight_bits,activation_bits,ms,mJ"]
    for number, layer in enumerate(layers):
        lines += [f"{layer['name']},{bits},8,{bits * (number + 1)}," for bits in (4, 8)]
    lines[1] += "0.5"  # energy of one layer at one width is no energy of a network
    file = tmp_path / "mine.csv"
    file.write_text("\n".join(lines))
    hardware = ("--activation-bits", "8", "--hardware", str(file))
    found = answer(table, tmp_path, "--budget", "average_bits=6", *hardware)
    assert "mine.csv: 2 bits left out (not run in every layer)" in capsys.readouterr().out
    bits = [entry["weight"] for entry in found["bits"].values()]
    assert set(bits) <= {0, 4, 8}
    assert found["costs"]["latency_ms"] == sum(b * (i + 1) for i, b in enumerate(bits))
    assert "energy_mj" not in found["costs"]
    points = answer(table, tmp_path, *hardware, command="frontier")["points"]
    assert {bits for point in points for bits in point["bits"].values()} <= {0, 4, 8}


def test_policies_of_a_measured_table_win_on_their_own_hardware(table: str) -> None:
    known, machines = read_table(table), list(HARDWARE.values())
    for limit in (0.02, 0.2):
        found = across(known, machines, limit, 8)
        assert set(found.trouble) == {None}
        for m in range(len(machines)):
            column = [row[m] for row in found.values if row[m] is not None]
            assert found.values[m][m] == pytest.approx(min(column), rel=1e-9)
        assert len(set(found.policies)) > 1


def test_bits_of_kernels_are_predicted_no_worse_than_of_layers(table: str, tmp_path: Path) -> None:
    points = answer(table, tmp_path, command="frontier")["points"]
    sizes = [points[0]["size_bytes"], 4000, 12_000, 30_000, points[-1]["size_bytes"]]
    for size in sizes:
        budget = ("--budget", f"size_bytes={size}")
        layers = answer(table, tmp_path, *budget)
        kernels = answer(table, tmp_path, *budget, "--per-kernel")
        assert kernels["predicted_loss"] <= layers["predicted_loss"] + 1e-12
        assert kernels["costs"]["size_bytes"] <= size


def test_groups_agree(table: str, tmp_path: Path) -> None:
    names = ["head", "separable.pointwise", "block2.conv2"]
    found = answer(table, tmp_path, "--budget", "average_bits=3", "--group", ",".join(names))
    assert len({found["bits"][name]["weight"] for name in names}) == 1


def test_bits_of_kernels(table: str, tmp_path: Path) -> None:
    found = answer(table, tmp_path, "--budget", "average_bits=3.5", "--per-kernel")
    layers = answer(table, tmp_path, "--budget", "average_bits=3.5")
    each = [entry["weight"] for entry in found["bits"].values()]
    assert any(isinstance(bits, list) for bits in each)
    assert found["costs"]["average_bits"] <= 3.5
    assert found["predicted_loss"] <= layers["predicted_loss"] + 1e-12
    parts = {n: v for n, v in found["ledger"].items() if n.endswith("_bytes")}
    total = parts.pop("total_bytes")
    assert total == sum(parts.values()) == found["costs"]["size_bytes"]


def test_the_frontier_has_exact_points_where_they_are_asked_for(table: str, tmp_path: Path) -> None:
    found = answer(table, tmp_path, "--at", "average_bits=3.3", command="frontier")["points"]
    exact = [point for point in found if point["kind"] == "ilp"]
    assert [point["gap"] for point in exact] == pytest.approx([0], abs=1e-8)
    assert exact[0]["average_bits"] <= 3.3
    hull = [point for point in found if point["kind"] == "hull"]
    assert len(hull) == len(found) - 1
    within = [p["predicted_loss"] for p in hull if p["average_bits"] <= 3.3]
    assert exact[0]["predicted_loss"] <= min(within) + 1e-12


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--budget", "latency_ms=1"], "needs hardware"),
        (["--budget", "kilobytes=1"], "no budget is called 'kilobytes'"),
        (
            ["--budget", "latency_ms=1", "--hardware", "bismo-edge"],
            "no layer inputs of full precision; give --activation-bits",
        ),
        (["--budget", "average_bits=4", "--pin", "head=8a4"], "cannot be pinned to 8a4 bits"),
        (["--budget", "average_bits=4", "--pin", "head=x"], "is not LAYER=BITS"),
        (["--budget", "average_bits=4", "--group", "head,nobody"], "no layer is called 'nobody'"),
        (["--budget", "average_bits=4", "--group", "head,head"], "'head' is in two groups"),
        (
            [
                *("--budget", "average_bits=4", "--group", "head,separable.pointwise"),
                *("--pin", "head=8", "--pin", "separable.pointwise=4"),
            ],
            "pinned to different bits",
        ),
        (
            ["--budget", "average_bits=2", "--budget", "loss=0.1", "--method", "greedy-accuracy"],
            "greedy-accuracy does not get within the budgets",
        ),
        (["--budget", "loss=0.1", "--method", "interaction"], "without interactions"),
        (["--budget", "average_bits=4", "--per-kernel", "--method", "ilp"], "lagrangian alone"),
        (
            ["--budget", "loss=0.001", "--budget", "size_bytes=15000"],
            "cannot be met together; nearest feasible",
        ),
    ],
)
def test_refusals(
    table: str, capsys: pytest.CaptureFixture[str], options: list[str], words: str
) -> None:
    assert words in refusal(table, capsys, *options)
