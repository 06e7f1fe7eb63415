"""The clipping threshold of least squared error, from a histogram. Free of torch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from qcore.calibrate.clipping import Target
from qcore.calibrate.histogram import Histogram
from qcore.calibrate.inputs import input_parameters
from qcore.calibrate.segments import folded, segments_of
from qcore.calibrate.threshold import Threshold
from qcore.quantize.grid import FloatArray
from qcore.quantize.limits import largest_level, unsigned_range

_FIRST = 64  # thresholds that are tried to see which others can be left out
_BLOCK = 2**15  # entries of one array: what fits a core's cache

Indices = npt.NDArray[np.int64]


def mse_threshold(histogram: Histogram, bits: int, target: Target) -> Threshold:
    """The upper edge of a bin that minimises ``binned_error`` at this bit width, of all edges.

    "weight" has 2^b - 1 levels around zero, "activation" the 2^b of ``input_grid``. Never worse
    than no clipping. ``value`` is at most the largest magnitude; 0 for a histogram of zeros.
    Example: N(0, 1) as a weight at 4 bits gives 2.474 and the error 0.01289. Raises ValueError
    outside 2..16 bits.
    """
    if histogram.amax == 0:
        return Threshold(0.0, 1)
    ends = _Ends.of(histogram, target)
    some = np.unique(np.linspace(1, histogram.used, _FIRST).astype(np.int64))
    lowest = float(_errors(histogram, ends, some, bits, target).min())
    kept = np.arange(1, histogram.used + 1)
    # A threshold that clips away more than another's whole error needs no closer look.
    kept = kept[_clipping_at_least(histogram, kept, bits) <= lowest * (1 + 1e-6)]
    errors = _errors(histogram, ends, kept, bits, target)
    index = int(kept[np.argmin(errors)])
    return Threshold(min(index * histogram.bin_width, histogram.amax), index)


def _clipping_at_least(histogram: Histogram, kept: Indices, bits: int) -> FloatArray:
    """A lower bound of the mean squared clipping error where ``kept`` (n,) bins are kept.

    Rounding of the zero point moves the last level by up to half a step beyond the threshold, and
    a value is at least at the lower edge of its bin.
    """
    counts = histogram.magnitudes() / histogram.total
    edges = np.arange(histogram.used) * histogram.bin_width
    powers = np.stack([counts, counts * edges, counts * edges**2])
    beyond = np.concatenate([np.cumsum(powers[:, ::-1], axis=1)[:, ::-1], np.zeros((3, 1))], axis=1)
    half_step = 1 / unsigned_range(bits)[1]  # in thresholds, of a range that both ends clip
    last = np.minimum(kept * histogram.bin_width, histogram.amax) * (1 + half_step)
    mass, first, second = beyond[:, np.searchsorted(edges, last)]
    return np.asarray(second - 2 * last * first + last**2 * mass)


def _errors(
    histogram: Histogram, ends: _Ends, kept: Indices, bits: int, target: Target
) -> FloatArray:
    thresholds = np.minimum(kept * histogram.bin_width, histogram.amax)
    if target == "weight":
        last = largest_level(bits)
        scales, zero_points, top = thresholds / last, np.full(kept.size, last), 2 * last
    else:
        found = [input_parameters(histogram, float(t), bits) for t in thresholds]
        scales = np.array([scale for scale, _ in found])
        zero_points = np.array([zero_point for _, zero_point in found])
        top = unsigned_range(bits)[1]
    step = max(1, _BLOCK // (ends.edges.size + 1))
    blocks = [slice(i, i + step) for i in range(0, kept.size, step)]
    errors = [_uniform_errors(ends, scales[b], zero_points[b], top) for b in blocks]
    return np.concatenate([*errors, np.zeros(0)])


@dataclass(frozen=True, eq=False)
class _Ends:
    """What is left of a histogram in a sum over its segments of differences at their ends.

    ``weights`` belong to ``edges``: neighbouring stretches share one. ``stretched`` is the fraction
    of values that lie on stretches; the others, ``masses``, are at ``points``.
    """

    edges: FloatArray
    weights: FloatArray
    stretched: float
    points: FloatArray
    masses: FloatArray

    @staticmethod
    def of(histogram: Histogram, target: Target) -> _Ends:
        parts = segments_of(histogram)
        if target == "weight":  # the levels are the same on both sides
            parts = folded(parts)
        mass, width = parts.mass / parts.mass.sum(), parts.right - parts.left
        wide = width > 0
        density = mass[wide] / width[wide]
        edges, which = np.unique(
            np.concatenate([parts.left[wide], parts.right[wide]]), return_inverse=True
        )
        weights = np.zeros(edges.size)
        np.add.at(weights, which, np.concatenate([-density, density]))
        return _Ends(edges, weights, float(mass[wide].sum()), parts.left[~wide], mass[~wide])


def _uniform_errors(ends: _Ends, scales: FloatArray, zero_points: Indices, top: int) -> FloatArray:
    """Mean squared errors (n,) of the grids (q - zero_point) * scale, q = 0 .. top.

    With r the distance to the nearest level in steps, the integral of r^2 is u / 12 + r^3 / 3 -
    r / 12: a step of even density costs 1/12, the rest is what its ends add. Beyond the last level
    r grows on, so clipping needs no case of its own.
    """
    per_step = 1 / scales[:, None]
    lowest = -zero_points[:, None].astype(np.float64)
    highest = top + lowest

    def rest(x: FloatArray) -> FloatArray:
        inside = x * per_step
        nearest = np.rint(inside)
        np.maximum(nearest, lowest, out=nearest)
        np.minimum(nearest, highest, out=nearest)
        inside -= nearest
        return np.asarray(inside)

    r, apart = rest(ends.edges), rest(ends.points)
    cubic = r * r
    cubic -= 0.25
    cubic *= r
    at_ends = cubic @ ends.weights * scales / 3
    return np.asarray((ends.stretched / 12 + at_ends + apart**2 @ ends.masses) * scales**2)
