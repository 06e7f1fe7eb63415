"""Counts of values by magnitude, in bins whose edges do not depend on what came first.

Free of torch: pages draw them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

BINS = 2048
"""Bins on each side of zero."""

SMALLEST_WIDTH = 2.0**-100
"""No bin is narrower: smaller magnitudes than 2^-89 share the first bins, as do zeros only."""

Counts = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Histogram:
    """How many values fall into each bin of magnitude, on either side of zero.

    Bin j of ``negative`` and of ``positive`` (both ``BINS`` long) counts ``j * bin_width <= |x| <
    (j + 1) * bin_width``; exact zeros are apart. ``bin_width`` is the smallest power of two whose
    ``BINS`` bins hold the largest magnitude (``width_for``), so two histograms merge by adding
    neighbouring bins, exactly, and no order of batches changes the result. ``low`` and ``high`` are
    the smallest and the largest value; 0 of no values at all.
    """

    bin_width: float
    negative: Counts
    positive: Counts
    zeros: int
    low: float
    high: float

    @property
    def amax(self) -> float:
        """The largest magnitude."""
        return max(-self.low, self.high, 0.0)

    @property
    def used(self) -> int:
        """Bins up to the one that holds the largest magnitude."""
        return min(int(self.amax / self.bin_width) + 1, BINS)

    @property
    def total(self) -> int:
        """How many values were counted."""
        return int(self.negative.sum() + self.positive.sum()) + self.zeros

    def magnitudes(self) -> Counts:
        """Counts of |x| (used,), zeros in the first bin."""
        counts = (self.negative + self.positive)[: self.used]
        counts[0] += self.zeros
        return counts


def width_for(amax: float) -> float:
    """The width of bins of which ``BINS`` hold a largest magnitude. 4.56 has 2^-8: 2048 hold 8."""
    _, exponent = math.frexp(amax)  # amax < 2^exponent, the smallest such power
    return max(math.ldexp(1.0, exponent) / BINS, SMALLEST_WIDTH) if amax > 0 else SMALLEST_WIDTH


def no_values() -> Histogram:
    """The histogram of nothing, with which counting begins."""
    none = np.zeros(BINS, np.int64)
    return Histogram(SMALLEST_WIDTH, none, none.copy(), 0, 0.0, 0.0)
