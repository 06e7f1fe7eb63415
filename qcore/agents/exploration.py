"""Noise around what an actor would do."""

from __future__ import annotations

from scipy.special import ndtr, ndtri


def truncated_normal(mean: float, sigma: float, quantile: float) -> float:
    """The normal distribution cut off at 0 and 1, at a quantile; a mean outside is moved in.

    An even draw from 0 to 1 as the ``quantile`` makes it a draw from the distribution. Example:
    mean 0.5, quantile 0.5: 0.5 whatever ``sigma`` is.
    """
    mean = min(1.0, max(0.0, mean))
    below, above = ndtr(-mean / sigma), ndtr((1 - mean) / sigma)
    found = mean + sigma * ndtri(below + quantile * (above - below))
    return float(min(1.0, max(0.0, found)))
