"""The magnitude that a given percentage of all values does not exceed. Free of torch.

Wu et al. 2020 (arXiv 2004.09602), calibration.
"""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import numpy.typing as npt

from qcore.calibrate.histogram import Histogram
from qcore.calibrate.threshold import Threshold


def percentile_threshold(histogram: Histogram, percentile: float) -> Threshold:
    """The upper edge of the bin in which ``percentile`` percent of all values are reached.

    The values beyond it are at most (100 - percentile) % of all, never more than was asked; exact
    zeros count as values. Raises ValueError as ``percentile_edge``. Example: 90 zeros, nine values
    of 0.6 and one of 2 in bins of 2^-9: 99 % gives 0.6016, the edge above 0.6.
    """
    return percentile_edge(histogram.magnitudes(), histogram.bin_width, percentile)


def percentile_edge(counts: npt.ArrayLike, bin_width: float, percentile: float) -> Threshold:
    """The same for plain counts (n,) of |x| in bins of ``bin_width`` from 0 on.

    Raises ValueError for a percentile outside 0 (excluded) to 100. Example: counts [90, 9, 1], bins
    of 0.1: 90 % gives 0.1, 99 % gives 0.2, 99.5 % gives 0.3.
    """
    if not 0 < percentile <= 100:
        raise ValueError(f"a percentile is above 0 and at most 100, got {percentile}")
    inside = np.cumsum(np.asarray(counts, np.int64))
    # In decimals: 100 - 99.99 is 0.01, so of 100,000 values exactly ten may lie beyond.
    allowed = int(int(inside[-1]) * (100 - Decimal(repr(float(percentile)))) / 100)
    index = int(np.argmax(inside[-1] - inside <= allowed)) + 1
    return Threshold(index * bin_width, index)
