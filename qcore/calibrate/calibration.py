"""The histograms of a whole network, in memory and in a file. Free of torch."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from qcore.calibrate.clipping import Clipping, Method, Target
from qcore.calibrate.histogram import BINS, Histogram
from qcore.calibrate.merge import merged
from qcore.calibrate.methods import find_threshold
from qcore.store.disk import used_now

_PARTS = 3  # weight, even, odd

_Read = TypeVar("_Read")


@dataclass(frozen=True, eq=False)
class LayerCalibration:
    """Of one layer: its weights, and its inputs on images 0, 2, 4 ... and on 1, 3, 5 ..."""

    name: str
    weight: Histogram
    even: Histogram
    odd: Histogram

    @cached_property
    def inputs(self) -> Histogram:
        """Its inputs on all images."""
        return merged(self.even, self.odd)

    def histogram(self, target: Target) -> Histogram:
        """What a threshold of weights or inputs is found on."""
        return self.weight if target == "weight" else self.inputs


@dataclass(frozen=True, eq=False)
class Calibration:
    """The histograms of every layer of a network on a set of ``images`` images."""

    network_fingerprint: str
    data_fingerprint: str
    images: int
    layers: tuple[LayerCalibration, ...]

    def layer(self, name: str) -> LayerCalibration:
        """The layer of that name; KeyError if there is none."""
        for layer in self.layers:
            if layer.name == name:
                return layer
        raise KeyError(name)

    def write(self, path: Path) -> None:
        """One file of about 100 kB a layer, which ``read_calibration`` reads."""
        parts = [(layer.weight, layer.even, layer.odd) for layer in self.layers]
        sizes = [[(h.bin_width, h.low, h.high) for h in three] for three in parts]
        zeros = [[h.zeros for h in three] for three in parts]
        tensors = {
            "sizes": np.array(sizes, np.float64).reshape(-1, _PARTS, 3),
            "zeros": np.array(zeros, np.int64).reshape(-1, _PARTS),
        }
        for number, three in enumerate(parts):
            tensors[f"counts|{number}"] = np.stack([[h.negative, h.positive] for h in three])
        facts = {
            "network": self.network_fingerprint,
            "data": self.data_fingerprint,
            "images": self.images,
            "layers": [layer.name for layer in self.layers],
        }
        save_file(tensors, path, {"calibration": json.dumps(facts)})


def read_calibration(path: Path) -> Calibration | None:
    """What ``Calibration.write`` wrote; None where there is no such file or it is damaged, so that
    it is made again."""

    def read(file: Any, facts: dict[str, Any]) -> Calibration:
        layers = tuple(_layer(file, name, i) for i, name in enumerate(facts["layers"]))
        return Calibration(facts["network"], facts["data"], int(facts["images"]), layers)

    return _read(path, read)


def read_layer_calibration(path: Path, name: str) -> LayerCalibration | None:
    """One layer of such a file, touching only its part; None as ``read_calibration``.

    Raises KeyError for an unknown layer.
    """

    def read(file: Any, facts: dict[str, Any]) -> list[LayerCalibration]:
        return [_layer(file, name, i) for i, other in enumerate(facts["layers"]) if other == name]

    found = _read(path, read)
    if found == []:
        raise KeyError(name)
    return None if found is None else found[0]


def halves_threshold(
    layer: LayerCalibration,
    choice: Method | float,
    bits: int,
    percentile: float = Clipping.percentile,
) -> tuple[float, float]:
    """The input thresholds that the even and the odd images give: how far they lie apart shows how
    much depends on which images there are."""
    even = find_threshold(layer.even, choice, bits, "activation", percentile)
    odd = find_threshold(layer.odd, choice, bits, "activation", percentile)
    return even.value, odd.value


def _read(path: Path, read: Callable[[Any, dict[str, Any]], _Read]) -> _Read | None:
    try:
        with safe_open(path, framework="np") as file:
            facts = json.loads(file.metadata()["calibration"])
            found = read(file, facts)
    except (OSError, SafetensorError, KeyError, IndexError, ValueError, TypeError):
        return None
    used_now(path)
    return found


def _layer(file: Any, name: str, number: int) -> LayerCalibration:
    counts, zeros = file.get_tensor(f"counts|{number}"), file.get_tensor("zeros")[number]
    sizes = file.get_tensor("sizes")[number]
    if counts.shape != (_PARTS, 2, BINS) or counts.dtype != np.int64 or (counts < 0).any():
        raise ValueError(f"counts of shape {counts.shape}")
    if not (np.isfinite(sizes).all() and (sizes[:, 0] > 0).all() and (zeros >= 0).all()):
        raise ValueError("sizes that no histogram has")
    weight, even, odd = (
        Histogram(float(size[0]), both[0], both[1], int(zero), float(size[1]), float(size[2]))
        for size, both, zero in zip(sizes, counts, zeros, strict=True)
    )
    return LayerCalibration(name, weight, even, odd)
