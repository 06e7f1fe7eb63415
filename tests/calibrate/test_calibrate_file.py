"""Calibrations on disk: the same after a trip, made again where they are damaged."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from calibrate_common import histogram_of
from safetensors.numpy import load_file, save_file
from small_nets import random_data, residual_network

from qcore.calibrate import observe
from qcore.calibrate.calibration import (
    Calibration,
    LayerCalibration,
    read_calibration,
    read_layer_calibration,
)
from qcore.calibrate.histogram import Histogram, no_values
from qcore.calibrate.observe import calibration_for
from qcore.errors import Stopped
from qcore.store.home import calibration_file

NAMES = ("plain", "näme | with / signs", "<b>bold</b>")


def some() -> Calibration:
    generator = np.random.default_rng(0)

    def draw(scale: float) -> Histogram:
        return histogram_of(scale * generator.normal(size=50) * generator.integers(0, 2, 50))

    layers = [LayerCalibration(name, draw(1e-3), draw(1), draw(1e5)) for name in NAMES[:2]]
    layers.append(LayerCalibration(NAMES[2], draw(1), draw(1), no_values()))
    return Calibration("net", "data", 17, tuple(layers))


def assert_same(a: LayerCalibration, b: LayerCalibration) -> None:
    assert a.name == b.name
    for one, other in ((a.weight, b.weight), (a.even, b.even), (a.odd, b.odd)):
        assert (one.bin_width, one.zeros) == (other.bin_width, other.zeros)
        assert (one.low, one.high) == (other.low, other.high)
        assert np.array_equal(one.negative, other.negative)
        assert np.array_equal(one.positive, other.positive)


def test_there_and_back(tmp_path: Path) -> None:
    written, path = some(), tmp_path / "x.safetensors"
    written.write(path)
    read = read_calibration(path)
    assert read is not None
    assert (read.network_fingerprint, read.data_fingerprint, read.images) == ("net", "data", 17)
    for name, a, b in zip(NAMES, written.layers, read.layers, strict=True):
        assert_same(a, b)
        assert_same(a, read.layer(name))
        alone = read_layer_calibration(path, name)
        assert alone is not None
        assert_same(a, alone)
    with pytest.raises(KeyError):
        read_layer_calibration(path, "unknown")
    with pytest.raises(KeyError):
        read.layer("unknown")
    assert path.stat().st_size < 110_000 * len(NAMES)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def noise(path: Path) -> None:
    path.write_bytes(os.urandom(5000))


def empty(path: Path) -> None:
    path.write_bytes(b"")


def without_facts(path: Path) -> None:
    save_file(load_file(path), path)


def other_shape(path: Path) -> None:
    tensors = load_file(path)
    save_file({**tensors, "counts|1": tensors["counts|1"][:, :, :5].copy()}, path)


def negative_counts(path: Path) -> None:
    content = path.read_bytes()
    counts = load_file(path)["counts|0"].tobytes()
    path.write_bytes(content.replace(counts, b"\xff" * len(counts)))


@pytest.mark.parametrize("damage", [cut, noise, empty, without_facts, other_shape, negative_counts])
def test_damage_is_none(damage, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "x.safetensors"
    some().write(path)
    damage(path)
    assert read_calibration(path) is None


def test_a_missing_file_is_none(tmp_path: Path) -> None:
    assert read_calibration(tmp_path / "none") is None
    assert read_layer_calibration(tmp_path / "none", "plain") is None


def test_made_once_and_again_where_damaged(
    store_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network, data = residual_network(), random_data(6)
    runs: list[int] = []
    really = observe.calibrate

    def counted(*args, **kwargs) -> Calibration:  # type: ignore[no-untyped-def]
        runs.append(1)
        return really(*args, **kwargs)

    monkeypatch.setattr(observe, "calibrate", counted)
    first, second = calibration_for(network, data), calibration_for(network, data)
    assert len(runs) == 1
    for a, b in zip(first.layers, second.layers, strict=True):
        assert_same(a, b)
    path = calibration_file(network.description.fingerprint, data.fingerprint())
    assert [file for file in store_home.rglob("*") if file.is_file()] == [path]
    cut(path)
    again = calibration_for(network, data)
    assert len(runs) == 2
    assert_same(again.layers[0], first.layers[0])
    assert read_calibration(path) is not None


def test_stopping_leaves_nothing(store_home: Path) -> None:
    with pytest.raises(Stopped):
        calibration_for(residual_network(), random_data(6), should_stop=lambda: True)
    assert not [file for file in store_home.rglob("*") if file.is_file()]
