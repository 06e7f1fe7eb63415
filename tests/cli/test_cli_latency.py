"""The latency command: HAQ's totals, its fields, what it shows and what it refuses."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from cli_common import MODEL, problem

from qcore.cli.main import main
from qcore.graph.load import load_network
from qcore.hardware import HARDWARE, BitPair
from qcore.latency.measurement import LatencyMeasurement, LayerLatency, NetworkLatency
from qcore.store.latencies import latency_of

FIELDS = {
    *("model", "hardware", "batch", "total_ms", "total_mj", "layers", "excluded", "provenance"),
    "formula",
    "leaves_out",
    "lower_bound",
}


def bits(weight: object, inputs: object) -> list[str]:
    return ["--weight-bits", str(weight), "--activation-bits", str(inputs)]


def answer(folder: Path, hardware: str, *options: str, model: str = MODEL) -> dict[str, Any]:
    file = folder / "latency.json"
    arguments = ["latency", model, "--hardware", hardware, *options, "--json", str(file)]
    assert main(arguments) == 0
    found: dict[str, Any] = json.loads(file.read_text())
    assert set(found) == FIELDS
    return found


def test_totals_of_haq_for_mobilenet_v2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Wang et al. 2019, table 3. The four commands load the network once."""
    published = {4: 74.46, 5: 99.43, 6: 127.07, 8: 189.82}
    for width, total in published.items():
        found = answer(
            tmp_path, "bismo-cloud", *bits(width, width), model="torchvision:mobilenet_v2"
        )
        assert found["total_ms"] == pytest.approx(total, abs=0.005)
        assert math.fsum(layer["ms"] for layer in found["layers"]) == found["total_ms"]
        assert found["excluded"] == ["features.0.0", "classifier.1"]
        assert len(found["layers"]) == 51
        assert found["batch"] == 16
    text = capsys.readouterr().out
    assert "total 189.82 ms for a batch of 16 images on BISMO cloud (VU9P)" in text
    assert "excluded from it: features.0.0, classifier.1" in text
    assert "to the cycle" in text
    assert "biases, activation functions" in text


def test_every_layer_has_the_bits_of_its_allocation(tmp_path: Path) -> None:
    network = load_network(MODEL).description
    widths = [(0, 8), (3, 5), (None, None), (8, 8)]
    chosen = {la.name: widths[i % 4] for i, la in enumerate(network.layers)}
    file = tmp_path / "allocation.json"
    entries = {name: {"weight": w, "activation": a} for name, (w, a) in chosen.items()}
    file.write_text(json.dumps({"bits": entries}))
    found = answer(tmp_path, "operations", "--bits", str(file), "--batch", "2")
    assert found["total_ms"] is None
    assert found["excluded"] == []
    machine = HARDWARE["operations"]
    for layer, row in zip(network.layers, found["layers"], strict=True):
        weight, inputs = chosen[layer.name]
        assert (row["name"], row["weight_bits"], row["activation_bits"]) == (
            layer.name,
            weight,
            inputs,
        )
        energy = 0.0
        if weight != 0:
            cost = machine.cost(layer, [BitPair(weight, inputs)], 2).energy_mj
            assert cost is not None
            energy = float(cost[0])
        assert row["energy_mj"] == energy
        assert row["ms"] is row["bound"] is None
    total = math.fsum(row["energy_mj"] for row in found["layers"])
    assert found["total_mj"] == pytest.approx(total)


def test_wider_bits_that_a_layer_runs_as_are_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "chip.json"
    peaks = [{"weight_bits": 4, "activation_bits": 8, "giga_ops_per_s": 100}]
    chip = {"title": "Chip", "source": "by hand", "peaks": peaks, "gigabytes_per_s": 1, "batch": 1}
    file.write_text(json.dumps(chip))
    found = answer(tmp_path, str(file), *bits(3, 8))
    assert {layer["weight_bits"] for layer in found["layers"]} == {3}
    assert all(
        layer["runs_as"] == {"weight_bits": 4, "activation_bits": 8} for layer in found["layers"]
    )
    assert "runs as" in capsys.readouterr().out.splitlines()[0]
    same = answer(tmp_path, str(file), *bits(4, 8))
    assert same["total_ms"] == found["total_ms"]
    assert "runs as" not in capsys.readouterr().out.splitlines()[0]


def test_a_table_with_gaps_shows_what_it_has(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = [layer.name for layer in load_network(MODEL).description.layers]
    lines = ["layer,weight_bits,activation_bits,ms,mJ"]
    lines += [f"{name},8,8,{i + 1},{'' if i else 0.5}" for i, name in enumerate(names)]
    lines += [f"{name},4,8,1,1" for name in names[1:]]
    file = tmp_path / "mine.csv"
    file.write_text("\n".join(lines))
    found = answer(tmp_path, str(file), *bits(8, 8))
    assert found["total_ms"] == len(names) * (len(names) + 1) / 2
    assert found["total_mj"] is None
    assert [layer["energy_mj"] for layer in found["layers"]] == [0.5] + [None] * (len(names) - 1)
    assert "nan" not in capsys.readouterr().out.split()
    line = problem(capsys, ["latency", MODEL, "--hardware", str(file), *bits(4, 8)])
    assert f"no figures for {names[0]!r} at 4/8 bits" in line


def test_this_machine_is_measured_and_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import qcore.latency.measure

    network = load_network(MODEL).description
    times = tuple(
        LayerLatency(BitPair(None, None), 2.0, 1.9, 2.1, 9, layer.name) for layer in network.layers
    )
    whole = NetworkLatency(BitPair(None, None), 20.0, 19.0, 21.0, 9)
    batches: list[int | None] = []

    def measure(network: Any, *, batch: int | None, **_: Any) -> LatencyMeasurement:
        batches.append(batch)
        description = network.description
        facts = (
            description.fingerprint,
            description.name,
            "a processor",
            2,
            batch or 1,
            "a runtime",
        )
        return LatencyMeasurement(*facts, times, (whole,), (), 1.0)

    monkeypatch.setattr(qcore.latency.measure, "measure_latency", measure)
    found = answer(tmp_path, "this-machine", *bits("fp32", "fp32"), "--batch", "4")
    assert found["total_ms"] == 2 * len(network.layers)
    assert {(la["weight_bits"], la["activation_bits"]) for la in found["layers"]} == {(None, None)}
    difference = 20 - found["total_ms"]
    assert f"in one run: 20 ms, {difference:+.4g} ms" in capsys.readouterr().out
    assert answer(tmp_path, "this-machine")["total_ms"] == found["total_ms"]
    capsys.readouterr()
    line = problem(capsys, ["latency", MODEL, "--hardware", "this-machine", *bits(4, 4)])
    assert "this machine does not run 4/4 bits" in line
    assert batches == [4, None]  # refused before it was measured
    kept = latency_of(network.fingerprint)
    assert kept is not None
    assert kept.layers == times


@pytest.mark.parametrize(
    ("hardware", "options", "words"),
    [
        ("bismo-edge", [], "give --weight-bits and --activation-bits, or --bits"),
        ("bismo-edge", ["--weight-bits", "4"], "give --weight-bits and --activation-bits"),
        ("bismo-edge", [*bits(4, 4), "--bits", "a.json"], "leave out the other two"),
        ("bismo-edge", bits("full", 4), "or fp32 for full precision"),
        ("bismo-edge", bits(17, 4), "give 1 to 16"),
        ("bismo-edge", bits("fp32", 4), "has no weights of full precision"),
        ("bismo-edge", [*bits(4, 4), "--batch", "0"], "not a positive whole number"),
        ("bismo-edge", [*bits(4, 4), "--batch", f"{10**15}"], "give at most 65536"),
        ("bismo", bits(4, 4), "no hardware is called 'bismo'"),
        ("own:none", bits(4, 4), "own:none"),
        ("none.csv", bits(4, 4), "'none.csv'"),
        ("bismo-edge", ["--bits", "none.json"], "there is no file 'none.json'"),
    ],
)
def test_refusals(
    capsys: pytest.CaptureFixture[str], hardware: str, options: list[str], words: str
) -> None:
    assert words in problem(capsys, ["latency", MODEL, "--hardware", hardware, *options])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"stem.conv": {"weight": [4] * 8}}, "kernels of layer 'stem.conv'"),
        ({"stem.conv": {"weight": [4] * 16}}, "'stem.conv' has bits per kernel"),
        ({"nobody": {"weight": 4}}, "names layer 'nobody'"),
    ],
)
def test_allocations_that_do_not_fit(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], change: dict[str, Any], words: str
) -> None:
    names = [layer.name for layer in load_network(MODEL).description.layers]
    entries = {name: {"weight": 4, "activation": 8} for name in names} | change
    file = tmp_path / "allocation.json"
    file.write_text(json.dumps({"bits": entries}))
    line = problem(capsys, ["latency", MODEL, "--hardware", "bismo-edge", "--bits", str(file)])
    assert words in line
