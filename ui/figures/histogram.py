"""Bins that the live histogram draws of weights."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from qcore.calibrate.histogram import BINS, Histogram


@dataclass(frozen=True, eq=False)
class Bins:
    """Counts (bins,) from ``low`` on, each ``bin_width`` wide; exact ``zeros`` apart from them.

    ``seen`` are the smallest and the largest value.
    """

    counts: npt.NDArray[np.int64]
    low: float
    bin_width: float
    zeros: int
    seen: tuple[float, float]


def layer_bins(histogram: Histogram) -> Bins:
    """Both sides of a histogram in one row, as far as its larger side reaches."""
    used = histogram.used
    sides = [histogram.negative[:used][::-1], histogram.positive[:used]]
    width = histogram.bin_width
    seen = (histogram.low, histogram.high)
    return Bins(np.concatenate(sides), -used * width, width, histogram.zeros, seen)


def row_bins(weights: npt.ArrayLike) -> Bins:
    """One kernel's weights in ``2 * BINS`` bins around zero, so that each nearly is a value."""
    values = np.asarray(weights, dtype=np.float64).reshape(-1)
    seen = (float(values.min()), float(values.max()))
    reach = max(-seen[0], seen[1]) or 1.0
    others = values[values != 0]
    counts, _ = np.histogram(others, bins=2 * BINS, range=(-reach, reach))
    return Bins(counts, -reach, reach / BINS, values.size - others.size, seen)
