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

from qcore.calibrate.clipping import Target
from qcore.calibrate.histogram import BINS, Histogram, width_for
from qcore.calibrate.merge import merged
from qcore.store.disk import used_now
from qcore.store.home import calibration_file

_PARTS = 3  # weight, even, odd
_DIGEST = 16  # bytes of Dataset.digests
_MOST_VALUES = 2**50  # in one bin: sums stay exact

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
    """The histograms of every layer of a network on a set of ``images`` images, whose
    ``Dataset.digests`` are kept so that they are recognised."""

    network_fingerprint: str
    data_fingerprint: str
    images: int
    layers: tuple[LayerCalibration, ...]
    digests: frozenset[bytes] = frozenset()

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
            "digests": np.frombuffer(b"".join(sorted(self.digests)), np.uint8).reshape(-1, _DIGEST),
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
        digests = frozenset(bytes(row) for row in file.get_tensor("digests"))
        return Calibration(facts["network"], facts["data"], int(facts["images"]), layers, digests)

    return _read(path, read)


def known_calibration(network_fingerprint: str, data_fingerprint: str) -> Calibration | None:
    """What was found for that network on those data; None where there is nothing to be used."""
    found = read_calibration(calibration_file(network_fingerprint, data_fingerprint))
    asked = (network_fingerprint, data_fingerprint)
    if found is None or (found.network_fingerprint, found.data_fingerprint) != asked:
        return None
    return found


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


def _read(path: Path, read: Callable[[Any, dict[str, Any]], _Read]) -> _Read | None:
    try:
        with safe_open(path, framework="np") as file:
            facts = json.loads(file.metadata()["calibration"])
            found = read(file, facts)
    except (OSError, SafetensorError, LookupError, ValueError, TypeError):
        return None
    except (OverflowError, RecursionError):  # numbers and nesting that nobody wrote
        return None
    used_now(path)
    return found


def _layer(file: Any, name: str, number: int) -> LayerCalibration:
    counts, zeros = file.get_tensor(f"counts|{number}"), file.get_tensor("zeros")[number]
    sizes = file.get_tensor("sizes")[number]
    if counts.shape != (_PARTS, 2, BINS) or counts.dtype != np.int64:
        raise ValueError(f"counts of shape {counts.shape}")
    weight, even, odd = (
        _checked(Histogram(float(s[0]), both[0], both[1], int(zero), float(s[1]), float(s[2])))
        for s, both, zero in zip(sizes, counts, zeros, strict=True)
    )
    return LayerCalibration(name, weight, even, odd)


def _checked(histogram: Histogram) -> Histogram:
    """The same. ValueError for what no values could have."""
    counts = np.concatenate([histogram.negative, histogram.positive, [histogram.zeros]])
    if not (np.isfinite([histogram.low, histogram.high]).all() and histogram.low <= histogram.high):
        raise ValueError("a range that no values have")
    if (counts < 0).any() or (counts > _MOST_VALUES).any():
        raise ValueError("counts that no values have")
    if histogram.total and histogram.bin_width != width_for(histogram.amax):
        raise ValueError("bins of another width")
    return histogram
