"""ACIQ: the clipping threshold that is best for a Gaussian or a Laplacian. Free of torch.

Banner, Nahshan, Hoffer, Soudry 2019 (arXiv 1810.05723), section 3.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
from scipy.optimize import brentq
from scipy.special import lambertw
from scipy.stats import norm

from qcore.calibrate.clipping import Target
from qcore.calibrate.histogram import BINS, Histogram
from qcore.calibrate.threshold import Threshold


@cache
def gaussian_ratio(bits: int) -> float:
    """alpha / sigma that minimises alpha^2 / (3 * 4^M) + 2 int_alpha^inf (x - alpha)^2 f(x) dx.

    For f = N(0, sigma) the derivative is zero where alpha / (3 * 4^M) = 2 (phi(alpha) -
    alpha (1 - Phi(alpha))), with alpha in units of sigma. Example: 2.5591 at M = 4 bits.
    """

    def slope(alpha: float) -> float:
        clipped = 2 * (norm.pdf(alpha) - alpha * norm.sf(alpha))
        return float(alpha / (3 * 4.0**bits) - clipped)

    return float(brentq(slope, 0.0, 40.0, xtol=1e-12))


@cache
def laplace_ratio(bits: int) -> float:
    """The same for a Laplacian of mean deviation b: alpha exp(alpha) = 3 * 4^M, in units of b.

    Its solution is Lambert's W. Example: 5.0286 at M = 4 bits.
    """
    return float(lambertw(3 * 4.0**bits).real)


def gaussian_threshold(histogram: Histogram, bits: int, target: Target) -> Threshold:
    """|mean| + alpha, with sigma from the histogram, at most the largest magnitude.

    Inputs without negative values are one side of a Gaussian around zero, see ``_threshold``.
    Example: weights of mean 0 and deviation 1 at 4 bits give 2.5591.
    """
    return _threshold(histogram, bits, target, gaussian_ratio, lambda x: np.square(x), 0.5)


def laplace_threshold(histogram: Histogram, bits: int, target: Target) -> Threshold:
    """|mean| + alpha, with b = mean |x - mean| from the histogram, at most the largest magnitude.

    Inputs without negative values are one side of a Laplacian around zero, see ``_threshold``.
    Example: weights of mean 0 and mean deviation 1 at 4 bits give 5.0286.
    """
    return _threshold(histogram, bits, target, laplace_ratio, lambda x: np.abs(x), 1.0)


def _threshold(
    histogram: Histogram,
    bits: int,
    target: Target,
    ratio: Callable[[int], float],
    deviation: Callable[[np.ndarray], np.ndarray],
    power: float,
) -> Threshold:
    """At most the largest magnitude.

    Inputs without negative values are one half of a symmetric distribution around zero (ACIQ's case
    of a fused ReLU): the deviation is that of the magnitudes, exact zeros apart because they cost
    nothing, and since all 2^b levels lie on one side, M is b + 1.
    """
    centres = (np.arange(BINS) + 0.5) * histogram.bin_width
    values = np.concatenate([-centres, centres, [0.0]])
    counts = np.concatenate([histogram.negative, histogram.positive, [histogram.zeros]])
    one_sided = target == "activation" and histogram.low >= 0
    if one_sided:
        values, counts, bits = values[:-1], counts[:-1], bits + 1
    total = max(int(counts.sum()), 1)
    mean = 0.0 if one_sided else float(values @ counts) / total
    spread = float((deviation(values - mean) @ counts / total) ** power)
    return Threshold(min(abs(mean) + ratio(bits) * spread, histogram.amax))
