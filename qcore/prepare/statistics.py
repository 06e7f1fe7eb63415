"""Statistics of weights, as written once by ``prepare`` and read by pages. Free of torch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from safetensors import safe_open

from qcore.calibrate.histogram import BINS, Histogram
from qcore.store.disk import used_now

SPARK_BINS = 33
"""Bins of a sparkline, from minus to plus the largest magnitude; the one in the middle has zero."""

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Overview:
    """One entry a layer, in the network's order.

    ``sparklines`` (layers, SPARK_BINS) counts weights; ``energy`` (layers,) is their mean square;
    ``kernel_mse`` and ``layer_mse`` (layers, bit widths) are the mean squared errors at
    ``GRID_BITS`` with one scale a kernel and with a single scale; ``amax`` and ``median_amax``
    (layers,) are the largest and the median of the kernels' largest magnitudes.
    """

    sparklines: npt.NDArray[np.int64]
    energy: FloatArray
    kernel_mse: FloatArray
    layer_mse: FloatArray
    amax: FloatArray
    median_amax: FloatArray


@dataclass(frozen=True, eq=False)
class LayerStatistics:
    """One layer's weights in numbers; the quantizer is the default one.

    ``kernel_*`` are (kernels, bit widths) for one scale a kernel, ``layer_*`` (bit widths,) for a
    single scale, at ``GRID_BITS``: the scale, the mean squared error and the clipped fraction.
    ``kernel_amax`` and ``kernel_energy`` (mean square) are (kernels,).
    """

    histogram: Histogram
    kernel_amax: FloatArray
    kernel_energy: FloatArray
    kernel_scales: FloatArray
    kernel_mse: FloatArray
    kernel_clipped: FloatArray
    layer_scales: FloatArray
    layer_mse: FloatArray
    layer_clipped: FloatArray

    @property
    def energy(self) -> float:
        """Mean square of all weights (every kernel has equally many)."""
        return float(self.kernel_energy.mean())


def read_overview(path: Path) -> Overview:
    """All layers at a glance. Raises FileNotFoundError where the file is gone."""
    with safe_open(path, framework="np") as file:
        used_now(path)
        sparklines = file.get_tensor("overview|sparklines")
        fields = ("energy", "kernel_mse", "layer_mse", "amax", "median_amax")
        rest = {name: _float(file.get_tensor(f"overview|{name}")) for name in fields}
    return Overview(sparklines, **rest)


def read_statistics(path: Path, name: str) -> LayerStatistics:
    """One layer's numbers, without its weights. Raises as ``read_layer``."""
    at_bits = ("scales", "mse", "clipped")
    groups = {"kernel": ("amax", "energy", *at_bits), "layer": at_bits}
    with safe_open(path, framework="np") as file:
        if f"rows|{name}" not in file.keys():  # noqa: SIM118 - not a mapping
            raise KeyError(name)
        used_now(path)
        histogram = read_histogram(
            file.get_tensor(f"counts|{name}"), file.get_tensor(f"seen|{name}")
        )
        arrays = {
            f"{group}_{part}": _float(file.get_tensor(f"{group}_{part}|{name}"))
            for group, parts in groups.items()
            for part in parts
        }
    return LayerStatistics(histogram, **arrays)


def read_kernel(path: Path, name: str, kernel: int) -> npt.NDArray[np.float32]:
    """The weights of one kernel; only they are read."""
    with safe_open(path, framework="np") as file:
        row: npt.NDArray[np.float32] = file.get_slice(f"rows|{name}")[kernel]
        return row


def histogram_arrays(histogram: Histogram) -> tuple[npt.NDArray[np.int64], FloatArray]:
    """For a file: counts (2, used bins), negative first, and (bin width, zeros, low, high)."""
    used = histogram.used
    counts = np.stack([histogram.negative[:used], histogram.positive[:used]])
    seen = (histogram.bin_width, histogram.zeros, histogram.low, histogram.high)
    return counts, np.array(seen, np.float64)


def read_histogram(counts: npt.NDArray[np.int64], seen: FloatArray) -> Histogram:
    """The inverse of ``histogram_arrays``."""
    negative, positive = np.pad(counts, ((0, 0), (0, BINS - counts.shape[1])))
    bin_width, zeros, low, high = (float(value) for value in seen)
    return Histogram(bin_width, negative, positive, int(zeros), low, high)


def sparkline(counts: npt.NDArray[np.int64], seen: FloatArray) -> npt.NDArray[np.int64]:
    """Counts (SPARK_BINS,) of signed values over the histogram's own reach on both sides."""
    used = counts.shape[1]
    place = (np.arange(used) + 0.5) / used  # of a bin's middle, 0 to 1
    signed = np.concatenate([-place, [0.0], place])
    weights = np.concatenate([counts[0], [int(seen[1])], counts[1]])
    index = ((signed + 1) / 2 * SPARK_BINS).astype(np.int64)
    line = np.zeros(SPARK_BINS, np.int64)
    np.add.at(line, index, weights)
    return line


def _float(array: npt.NDArray[np.float32]) -> FloatArray:
    return array.astype(np.float64)
