"""What rounding does to the values of a histogram, without the values. Free of torch."""

from __future__ import annotations

import numpy as np

from qcore.calibrate.histogram import Histogram
from qcore.calibrate.segments import Segments, averages, segments_of
from qcore.quantize.grid import FloatArray, Grid, RoundingError, sqnr_db


def binned_error(histogram: Histogram, grid: Grid) -> RoundingError:
    """``rounding_error`` if the values lay evenly within their bins; exact zeros are zero.

    The squared error is a parabola between two boundaries of the grid, so its integral over a bin
    is a difference of one piecewise cubic function: no sampling, clipped tails included, for any
    grid. An empty histogram has no error. Example: one bin [0, 1] and levels 0 and 1 give 1/12.
    """
    parts = segments_of(histogram)
    total = float(parts.mass.sum()) or 1.0
    left, right = parts.left, parts.right
    noise = float(parts.mass @ _squared_errors(parts, grid)) / total
    energy = float(parts.mass @ (left**2 + left * right + right**2)) / (3 * total)
    beyond = float(parts.mass @ _outside(parts, *grid.reach())) / total
    return RoundingError(noise, sqnr_db(energy, noise), beyond)


def clipped_share(histogram: Histogram, threshold: float) -> float:
    """The fraction of all values whose magnitude lies beyond the threshold.

    Values lie evenly within their bins, the outermost of which end at the smallest and the largest
    value. Example: of one bin [0, 1], 0.25 lies beyond 0.75.
    """
    parts = segments_of(histogram)
    total = float(parts.mass.sum()) or 1.0
    return float(parts.mass @ _outside(parts, -threshold, threshold)) / total


def _squared_errors(parts: Segments, grid: Grid) -> FloatArray:
    """The mean squared error of each segment."""
    levels, boundaries = grid.levels, grid.boundaries()
    # (x - level)^3 / 3, and what makes it continuous where the nearest level changes.
    jumps = ((boundaries - levels[:-1]) ** 3 - (boundaries - levels[1:]) ** 3) / 3
    base = np.concatenate([[0.0], np.cumsum(jumps)])

    def antiderivative(x: FloatArray) -> FloatArray:
        nearest = np.searchsorted(boundaries, x)
        return np.asarray(base[nearest] + (x - levels[nearest]) ** 3 / 3)

    at_points = (grid.quantize(parts.left) - parts.left) ** 2
    found = averages(parts, antiderivative(parts.left), antiderivative(parts.right), at_points)
    return np.maximum(found, 0.0)


def _outside(parts: Segments, low: float, high: float) -> FloatArray:
    """The fraction of each segment that lies outside of [low, high]."""
    outside = (parts.left < low) | (parts.left > high)
    inside_left, inside_right = np.clip(parts.left, low, high), np.clip(parts.right, low, high)
    inside = averages(parts, inside_left, inside_right, np.where(outside, 0.0, 1.0))
    return np.asarray(1.0 - inside)
