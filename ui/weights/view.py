"""What is looked at: a layer or a kernel, on the grids of one quantizer at some bits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from qcore.graph.layer import Layer
from qcore.prepare.grids_file import FloatArray, Grids, decibels
from qcore.prepare.prepared import Prepared
from qcore.prepare.statistics import LayerStatistics
from qcore.quantize.limits import GRID_BITS
from qcore.quantize.quantizer_texts import QUANTIZER_TEXTS, QuantizerText
from ui import format as fmt
from ui.figures.errors import ErrorCurve
from ui.figures.histogram import Bins, layer_bins, row_bins
from ui.figures.kernels import KernelMap, drawn_kernels
from ui.weights.read import kernel_weights, statistics

Shade = Literal["SQNR", "range", "clipped"]
SHADES: tuple[Shade, ...] = get_args(Shade)
"""What the kernels of a layer can be coloured by."""


@dataclass(frozen=True, eq=False)
class WeightView:
    """``kernel`` is None for the layer as a whole."""

    layer: Layer
    kernel: int | None
    bits: int
    quantizer: QuantizerText
    found: LayerStatistics
    grids: Grids
    bins: Bins

    @property
    def column(self) -> int:
        return GRID_BITS.index(self.bits)

    @property
    def where(self) -> str:
        """``down.conv`` or ``kernel 5 of down.conv``, as it is: not escaped."""
        name = self.layer.name
        return name if self.kernel is None else f"kernel {self.kernel} of {name}"

    @property
    def weights(self) -> int:
        count = self.layer.weight_count
        return count if self.kernel is None else count // self.layer.kernels

    @property
    def amax(self) -> float:
        """The largest magnitude."""
        low, high = self.bins.seen
        return max(-low, high)

    @property
    def ratio(self) -> float | None:
        """The range over the median kernel's: the widest kernel's, or that of the one in view."""
        median = float(np.median(self.found.kernel_amax))
        return self.amax / median if median > 0 else None

    @property
    def thresholds(self) -> dict[int, float]:
        """Bits -> largest level."""
        return {b: float(self.grids.levels(b, self.kernel)[-1]) for b in GRID_BITS}

    @property
    def least_squares(self) -> dict[int, float]:
        """Bits -> the threshold of least squared error, whatever the quantizer."""
        scales = self.found.layer_scales
        if self.kernel is not None:
            scales = self.found.kernel_scales[self.kernel]
        levels = (2 ** (b - 1) - 1 for b in GRID_BITS)
        return {b: float(s * n) for b, s, n in zip(GRID_BITS, scales, levels, strict=True)}

    @property
    def kernel_sqnr(self) -> FloatArray:
        """Of every kernel at the chosen bits, in decibels; NaN without error or energy."""
        return decibels(self.found.kernel_energy, self.grids.kernel_mse[:, self.column])

    def curves(self) -> tuple[ErrorCurve, ...]:
        """Errors by bits; of a layer both with one scale a kernel and with one for all."""
        found, grids = self.found, self.grids
        if self.kernel is not None:
            mse = grids.kernel_mse[self.kernel]
            return (_curve("this kernel", float(found.kernel_energy[self.kernel]), mse),)
        one = _curve("one scale for the layer", found.energy, grids.layer_mse)
        if grids.kernels is None:
            return (one,)
        return _curve("one scale a kernel", found.energy, grids.kernel_mse.mean(axis=0)), one

    @property
    def sqnr_of_kernels(self) -> str:
        """Of the layer where each kernel has a scale of its own, and what that gains over one."""
        own, single = (curve.sqnr_db[self.bits] for curve in self.curves())
        gain = "" if own is None or single is None else f" ({own - single:+.1f})"
        return decibel_text(own) + gain

    def kernel_map(self, shade: Shade) -> KernelMap:
        """The kernels coloured by what was chosen; of many those of lowest SQNR."""
        drawn = drawn_kernels(self.kernel_sqnr)
        sqnr, amax = self.kernel_sqnr[drawn], self.found.kernel_amax[drawn]
        clipped = self.grids.kernel_clipped[drawn, self.column]
        texts = tuple(
            f"<b>kernel {number}</b><br>SQNR at {self.bits} bits: {decibel_text(one)}"
            f"<br>largest magnitude: {top:.4g}<br>clipped: {fmt.percent(beyond)}"
            for number, one, top, beyond in zip(drawn, sqnr, amax, clipped, strict=True)
        )
        if shade == "range":
            return KernelMap(drawn, amax, texts, "largest magnitude")
        if shade == "clipped":
            return KernelMap(drawn, 100 * clipped, texts, "clipped (%)")
        return KernelMap(drawn, sqnr, texts, f"SQNR at {self.bits} bits (dB)")

    def outliers(self) -> str:
        """The kernels that stand out, in a sentence."""
        amax, sqnr = self.found.kernel_amax, self.kernel_sqnr
        widest, median = int(np.argmax(amax)), float(np.median(amax))
        parts = [f"Widest: kernel {widest}"]
        if median > 0:
            parts[0] += f", {amax[widest] / median:.1f} times the median range"
        if np.isfinite(sqnr).any():
            worst = int(np.nanargmin(sqnr))
            parts.append(f"lowest SQNR: kernel {worst}, {sqnr[worst]:.1f} dB")
        exact = int(np.isnan(sqnr).sum())
        if exact:
            parts.append(f"{exact} without any error")
        return "; ".join(parts) + "."


def view_of(
    prepared: Prepared, layer: Layer, kernel: int | None, bits: int, quantizer: str, grids: Grids
) -> WeightView:
    """Read the little that is needed of the layer."""
    found = statistics(prepared, layer.name)
    if kernel is None:
        bins = layer_bins(found.histogram)
    else:
        bins = row_bins(kernel_weights(prepared, layer.name, kernel))
    return WeightView(layer, kernel, bits, QUANTIZER_TEXTS[quantizer], found, grids, bins)


def decibel_text(sqnr_db: float | None) -> str:
    """31.4 dB; ``exact`` without an error."""
    return "exact" if sqnr_db is None or np.isnan(sqnr_db) else f"{sqnr_db:.1f} dB"


def _curve(label: str, energy: float, mse: FloatArray) -> ErrorCurve:
    sqnr = decibels(np.full(len(mse), energy), mse)
    known = [None if np.isnan(one) else float(one) for one in sqnr]
    errors = [float(one) for one in mse]
    return ErrorCurve(
        label,
        dict(zip(GRID_BITS, known, strict=True)),
        dict(zip(GRID_BITS, errors, strict=True)),
    )
