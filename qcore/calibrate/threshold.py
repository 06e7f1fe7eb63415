"""A clipping threshold and how it was found. Free of torch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, eq=False)
class Threshold:
    """Magnitudes beyond ``value`` are clipped to it.

    Of a search over a histogram: ``index`` is the number of bins kept, so that ``value`` is the
    upper edge of the last one; ``divergence`` is that candidate's, in nats, and ``curve`` holds
    every candidate's, from ``len(counts) - len(curve) + 1`` bins to all of them. None elsewhere.
    """

    value: float
    index: int | None = None
    divergence: float | None = None
    curve: npt.NDArray[np.float64] | None = None


def instability(even: float | None, odd: float | None) -> float | None:
    """Difference of the thresholds that two halves of the images give, relative to their mean.

    None without one of them; equal thresholds, zeros included, differ by 0. Example: 1.1 and 0.9
    differ by 0.2.
    """
    if even is None or odd is None:
        return None
    return 2 * abs(even - odd) / (even + odd) if even + odd > 0 else 0.0
