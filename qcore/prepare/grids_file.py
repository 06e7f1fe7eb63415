"""What a quantizer makes of one layer's weights, as pages read it. Free of torch."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open

from qcore.jobs.questions import GridsQuestion
from qcore.prepare.statistics import LayerStatistics
from qcore.quantize.grid import symmetric_grid
from qcore.quantize.limits import GRID_BITS, largest_level
from qcore.store.disk import used_now
from qcore.store.home import home

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class KernelLevels:
    """Evenly spaced levels of each kernel: ``first + step * (0 .. count - 1)``.

    ``first`` and ``step`` are (kernels, bit widths), ``count`` is (bit widths,), at ``GRID_BITS``.
    """

    first: FloatArray
    step: FloatArray
    count: npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Grids:
    """Levels and errors of one quantizer on one layer at ``GRID_BITS``.

    ``layer_levels`` maps bits to the levels (levels,), rising, of the layer as a whole, and
    ``layer_mse`` and ``layer_clipped`` (bit widths,) are the mean squared error and the clipped
    fraction with them. ``kernel_mse`` and ``kernel_clipped`` (kernels, bit widths) are those of
    each kernel with its own levels, ``kernels``, or with the layer's where that is None.
    """

    layer_levels: Mapping[int, FloatArray]
    layer_mse: FloatArray
    layer_clipped: FloatArray
    kernels: KernelLevels | None
    kernel_mse: FloatArray
    kernel_clipped: FloatArray

    def levels(self, bits: int, kernel: int | None) -> FloatArray:
        """The levels of a kernel, or (None) of the layer as a whole."""
        if kernel is None or self.kernels is None:
            return self.layer_levels[bits]
        column, own = GRID_BITS.index(bits), self.kernels
        step = own.step[kernel, column]
        levels = own.first[kernel, column] + step * np.arange(own.count[column])
        # Zero is met exactly by rounding; the sum may miss it by the last bit.
        return np.where(np.abs(levels) < 1e-6 * step, 0.0, levels)


def decibels(energy: FloatArray, mse: FloatArray) -> FloatArray:
    """SQNR of each, 10 log10(energy / mse) of the same shape; NaN without either.

    Example: energy 1 with mean squared errors 0.01 and 0: 20 dB and NaN.
    """
    known = (energy > 0) & (mse > 0)
    ratio = np.divide(energy, mse, out=np.full(mse.shape, np.nan), where=known)
    return np.asarray(10 * np.log10(ratio))


def symmetric_grids(statistics: LayerStatistics) -> Grids:
    """The default quantizer's, which are known of every prepared layer."""
    n = np.array([largest_level(bits) for bits in GRID_BITS])
    thresholds = statistics.layer_scales * n
    return Grids(
        {
            bits: symmetric_grid(threshold, bits).levels
            for bits, threshold in zip(GRID_BITS, thresholds, strict=True)
        },
        statistics.layer_mse,
        statistics.layer_clipped,
        KernelLevels(-n * statistics.kernel_scales, statistics.kernel_scales, 2 * n + 1),
        statistics.kernel_mse,
        statistics.kernel_clipped,
    )


def grids_file(asked: GridsQuestion) -> Path:
    """Where the answer is kept."""
    identity = [asked.model_fingerprint, asked.layer, asked.quantizer, asked.engine]
    name = hashlib.sha256(json.dumps(identity).encode()).hexdigest()
    folder = home() / "grids"
    folder.mkdir(exist_ok=True)
    return folder / f"{name}.safetensors"


def read_grids(asked: GridsQuestion) -> Grids | None:
    """What the worker wrote; None where the file is gone or damaged, so that it is made again."""
    path = grids_file(asked)
    try:
        with safe_open(path, framework="np") as file:
            arrays = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
        used_now(path)
        return Grids(
            {bits: arrays[f"levels-{bits}"] for bits in GRID_BITS},
            arrays["layer_mse"],
            arrays["layer_clipped"],
            _kernel_levels(arrays),
            arrays["kernel_mse"],
            arrays["kernel_clipped"],
        )
    except (OSError, SafetensorError, KeyError):
        return None


def _kernel_levels(arrays: Mapping[str, npt.NDArray[Any]]) -> KernelLevels | None:
    if "first" not in arrays:
        return None
    return KernelLevels(arrays["first"], arrays["step"], arrays["count"])
