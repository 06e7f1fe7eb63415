"""Two histograms as one, exactly. Free of torch."""

from __future__ import annotations

import numpy as np

from qcore.calibrate.histogram import BINS, Counts, Histogram


def merged(a: Histogram, b: Histogram) -> Histogram:
    """The histogram of the values of both.

    Widths are powers of two, so bins of the wider one are whole numbers of neighbouring bins of the
    other: the result is what counting all values at once gives, in any order. Example: widths 0.25
    and 1 give 1; bins 0 to 3 of the first become bin 0.
    """
    if a.total == 0 or b.total == 0:
        return b if a.total == 0 else a
    width = max(a.bin_width, b.bin_width)
    return Histogram(
        width,
        _widened(a.negative, a.bin_width, width) + _widened(b.negative, b.bin_width, width),
        _widened(a.positive, a.bin_width, width) + _widened(b.positive, b.bin_width, width),
        a.zeros + b.zeros,
        min(a.low, b.low),
        max(a.high, b.high),
    )


def _widened(counts: Counts, old_width: float, new_width: float) -> Counts:
    """Bins added in groups of new_width / old_width, a power of two."""
    group = min(int(new_width / old_width), BINS)
    wide = np.zeros_like(counts)
    wide[: BINS // group] = counts.reshape(-1, group).sum(axis=1)
    return wide
