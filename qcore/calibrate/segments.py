"""A histogram as what is integrated over: stretches of even density, and points. Free of torch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qcore.calibrate.histogram import BINS, Histogram
from qcore.quantize.grid import FloatArray

_THIN = 1e-6  # of a bin: thinner stretches are points, lest differences be all rounding


@dataclass(frozen=True, eq=False)
class Segments:
    """``mass`` (n,) values lie evenly between ``left`` and ``right`` (n,); where they are equal,
    exactly there.

    Example: left 0, 1 with right 0, 2 and mass 5, 3: five zeros, three values from 1 to 2.
    """

    left: FloatArray
    right: FloatArray
    mass: FloatArray


def segments_of(histogram: Histogram) -> Segments:
    """The bins that hold anything, rising, cut off at the smallest and the largest value.

    Exact zeros are a point. Example: the values 1, 1, 1 are one point: the bin that holds them ends
    where the largest value is and begins where the smallest is.
    """
    edges = np.arange(BINS + 1) * histogram.bin_width
    left = np.concatenate([-edges[:0:-1], [0.0], edges[:-1]])
    right = np.concatenate([-edges[-2::-1], [0.0], edges[1:]])
    zeros = np.array([histogram.zeros])
    mass = np.concatenate([histogram.negative[::-1], zeros, histogram.positive]).astype(np.float64)
    used = mass > 0
    left = np.clip(left[used], histogram.low, histogram.high)
    right = np.clip(right[used], histogram.low, histogram.high)
    thin = right - left <= _THIN * histogram.bin_width
    middle = (left + right) / 2
    return Segments(np.where(thin, middle, left), np.where(thin, middle, right), mass[used])


def averages(
    parts: Segments, at_left: FloatArray, at_right: FloatArray, at_points: FloatArray
) -> FloatArray:
    """Means of a function over each stretch, from its antiderivative at both ends (..., n), and its
    value where the stretch is a point.

    Example: x^2 over 0 to 3, with x^3 / 3 at the ends, 0 and 9: 3.
    """
    width = parts.right - parts.left
    point = width == 0
    return np.where(point, at_points, (at_right - at_left) / np.where(point, 1.0, width))


def folded(parts: Segments) -> Segments:
    """Of magnitudes: what lies below zero mirrored. No stretch of a histogram reaches across.

    Example: stretches from -2 to -1 and from 1 to 2 are both from 1 to 2.
    """
    below = parts.left < 0
    left, right = (
        np.where(below, -parts.right, parts.left),
        np.where(below, -parts.left, parts.right),
    )
    return Segments(left, right, parts.mass)
