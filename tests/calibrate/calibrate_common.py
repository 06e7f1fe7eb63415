"""Vectors of known quantiles, slow oracles, and hypothesis strategies."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import entropy, norm

from qcore.calibrate.histogram import BINS, Histogram
from qcore.calibrate.streaming import count_values
from qcore.quantize.grid import FloatArray, Grid


def quantiles(count: int = 100_000) -> FloatArray:
    """(k + 1/2) / count: a distribution's values at these are its deterministic sample."""
    return (np.arange(count) + 0.5) / count


def half_normal(count: int = 100_000) -> FloatArray:
    return np.asarray(norm.ppf(0.5 + quantiles(count) / 2))


def binned(values: FloatArray) -> tuple[np.ndarray, float]:
    """Counts in 2048 bins up to the largest value, and their width."""
    counts, edges = np.histogram(values, BINS, (0, values.max()))
    return counts, float(edges[1])


def histogram_of(values: FloatArray) -> Histogram:
    return count_values(torch.from_numpy(np.asarray(values, np.float64)))


def slow_divergences(counts: np.ndarray, levels: int) -> FloatArray:
    """Every candidate binned again, as the published algorithm is written."""
    counts = np.asarray(counts, np.float64)
    found = []
    for kept in range(min(levels, len(counts)), len(counts) + 1):
        inside = counts[:kept]
        p = inside.copy()
        p[-1] += counts[kept:].sum()
        level = np.digitize(np.arange(kept) * levels, np.arange(levels + 1) * kept) - 1
        q = np.zeros(kept)
        for one in np.unique(level):
            mine = (level == one) & (inside > 0)
            if mine.any():
                q[mine] = inside[mine].sum() / mine.sum()
        found.append(np.inf if not q.any() else entropy(p, q))
    return np.array(found)


def spread(histogram: Histogram, points: int = 400) -> tuple[FloatArray, FloatArray]:
    """(values, weights): every bin as evenly spaced points between its ends and the data's."""
    edges = np.arange(BINS + 1) * histogram.bin_width
    inside = (np.arange(points) + 0.5) / points
    values, weights = [np.zeros(1)], [np.array([float(histogram.zeros)])]
    for sign, counts in ((-1, histogram.negative), (1, histogram.positive)):
        for j in np.flatnonzero(counts):
            ends = np.clip(sign * edges[j : j + 2], histogram.low, histogram.high)
            values.append(ends[0] + (ends[1] - ends[0]) * inside)
            weights.append(np.full(points, counts[j] / points))
    return np.concatenate(values), np.concatenate(weights)


def weighted_error(values: FloatArray, weights: FloatArray, grid: Grid) -> float:
    error = grid.levels[np.abs(values[:, None] - grid.levels).argmin(1)] - values
    return float((weights * error**2).sum() / weights.sum())


floats = st.floats(-1000, 1000, width=32)
values_32 = arrays(np.float32, st.integers(1, 60), elements=floats)
