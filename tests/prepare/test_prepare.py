"""A sample prepared for pages: its weights on disk, and the file that names it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from qcore.data.load import load_data
from qcore.data.source import DataSource
from qcore.graph.load import load_network
from qcore.prepare.prepare import prepare, write_weights
from qcore.prepare.prepared import Prepared, read_layer
from qcore.prepare.statistics import read_statistics
from qcore.quantize.limits import GRID_BITS
from qcore.quantize.symmetric import mse_scale

SAMPLE = "sample:fashion-cnn"


@pytest.fixture
def prepared(store_home: Path) -> Prepared:
    return prepare(SAMPLE)


def test_rows_and_scales_are_the_network_s_own(prepared: Prepared) -> None:
    network = load_network(SAMPLE)
    assert len(prepared.network.layers) == 11
    for layer in prepared.network.layers:
        stored = read_layer(prepared.weights_path, layer.name)
        # Convolutions and linear layers are stored by output channel: a row is what one computes.
        rows = network.weight(layer).reshape(layer.weight_shape[0], -1)
        assert np.array_equal(stored, rows.numpy())
        found = read_statistics(prepared.weights_path, layer.name)
        for bits in (2, 4, 8):
            column = GRID_BITS.index(bits)
            kernel_scales = mse_scale(rows, bits).reshape(-1)
            assert np.array_equal(found.kernel_scales[:, column], kernel_scales.double().numpy())
            assert found.layer_scales[column] == float(mse_scale(rows.reshape(1, -1), bits))


def test_nothing_but_the_weights_is_left(prepared: Prepared, store_home: Path) -> None:
    files = [path for path in store_home.rglob("*") if path.is_file()]
    assert files == [prepared.weights_path]


def test_a_second_time_reads_what_is_there(prepared: Prepared) -> None:
    before = prepared.weights_path.stat().st_ino
    steps: list[str] = []
    assert prepare(SAMPLE, on_progress=lambda fraction, message: steps.append(message)) == prepared
    assert prepared.weights_path.stat().st_ino == before
    assert not any("clipping" in step for step in steps)


def test_survives_a_file(prepared: Prepared) -> None:
    read = Prepared.from_json(json.loads(json.dumps(prepared.to_json())))
    assert read == prepared
    assert read.weights_path == prepared.weights_path


def test_names_the_sample_s_data(prepared: Prepared) -> None:
    network = load_network(SAMPLE)
    for split, images in (("calibration", 1000), ("evaluation", 2000)):
        summary = getattr(prepared.data, split)
        assert (summary.images, summary.labelled) == (images, True)
        assert summary.fingerprint == load_data(DataSource(SAMPLE), network, split).fingerprint()
    assert prepared.data is not None
    assert prepared.data.calibration.fingerprint != prepared.data.evaluation.fingerprint


def test_unknown_layer(prepared: Prepared) -> None:
    with pytest.raises(KeyError, match="nowhere"):
        read_layer(prepared.weights_path, "nowhere")


def test_weights_that_are_gone(prepared: Prepared) -> None:
    prepared.weights_path.unlink()
    with pytest.raises(FileNotFoundError):
        read_layer(prepared.weights_path, "head")


@pytest.mark.parametrize("used", ["shown", "opened", "not"])
def test_networks_used_longest_ago_make_room(
    prepared: Prepared, monkeypatch: pytest.MonkeyPatch, used: str
) -> None:
    path = prepared.weights_path
    network = load_network(SAMPLE)
    for name in ("second", "third"):
        if name == "third" and used == "shown":
            read_layer(path, "head")
        if name == "third" and used == "opened":
            prepare(SAMPLE)
        if name == "third":
            monkeypatch.setattr("qcore.prepare.prepare.MOST_BYTES", 2 * path.stat().st_size)
        write_weights(network, path.with_name(f"{name}.safetensors"), lambda f, m: None)
    left = {file.stem for file in path.parent.iterdir()}
    assert left == ({"second", "third"} if used == "not" else {path.stem, "third"})
