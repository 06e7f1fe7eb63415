"""Thresholds of least squared error: published values, and every bin's edge."""

from __future__ import annotations

import numpy as np
import pytest
from calibrate_common import half_normal, histogram_of, quantiles, values_32
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import laplace, norm

from qcore.calibrate.binned_error import binned_error
from qcore.calibrate.clipping import Target
from qcore.calibrate.histogram import Histogram
from qcore.calibrate.mean_squared import mse_threshold
from qcore.calibrate.methods import layer_grid

SAMPLES = {
    "normal": norm.ppf(quantiles(20_000)),
    "laplace": laplace.ppf(quantiles(20_000)),
    "log-normal": np.exp(1.5 * norm.ppf(quantiles(20_000))),
    "relu": np.concatenate([np.zeros(5000), half_normal(5000)]),
    "swish": (lambda x: x / (1 + np.exp(-x)))(3 * norm.ppf(quantiles(20_000))),
    "outlier": np.concatenate([norm.ppf(quantiles(5000)), [60.0]]),
    "two bumps": np.concatenate([norm.ppf(quantiles(5000)) / 20 + m for m in (-1, 0.3, 2)]),
    "three": np.concatenate([3 * norm.ppf(quantiles(900)) + 2, norm.ppf(quantiles(90)) / 9 - 3]),
    "uniform": 2 * quantiles(5000) - 0.5,
}


@pytest.mark.parametrize(
    ("bits", "threshold", "error"),
    [(2, 1.2240, 0.190174), (3, 1.9523, 0.046860), (4, 2.4739, 0.012889), (8, 3.9205, 8.8e-5)],
)
def test_known_answers(bits: int, threshold: float, error: float) -> None:
    """Symmetric levels on N(0, 1), where the curve is flat at 8 bits."""
    histogram = histogram_of(norm.ppf(quantiles(400_000)))
    found = mse_threshold(histogram, bits, "weight")
    assert found.value == pytest.approx(threshold, abs=0.05 if bits == 8 else 0.008)
    mean_squared = binned_error(histogram, layer_grid(histogram, found.value, bits, "weight"))
    assert mean_squared.mean_squared == pytest.approx(error, rel=0.02 if bits == 8 else 1e-3)


def error_at(histogram: Histogram, threshold: float, bits: int, target: Target) -> float:
    return binned_error(histogram, layer_grid(histogram, threshold, bits, target)).mean_squared


def edge(histogram: Histogram, kept: int) -> float:
    return min(kept * histogram.bin_width, histogram.amax)


@pytest.mark.parametrize("target", ["weight", "activation"])
@pytest.mark.parametrize("name", SAMPLES)
def test_the_best_of_all_edges(name: str, target: Target) -> None:
    """Every 16th edge, the last, and the neighbours of the one found."""
    histogram = histogram_of(SAMPLES[name])
    for bits in (2, 3, 4, 8):
        found = mse_threshold(histogram, bits, target)
        assert found.index is not None
        assert found.value == edge(histogram, found.index)
        lowest = error_at(histogram, found.value, bits, target)
        near = {max(found.index - 1, 1), min(found.index + 1, histogram.used)}
        for kept in {*range(16, histogram.used, 16), histogram.used, *near}:
            other = error_at(histogram, edge(histogram, kept), bits, target)
            assert lowest <= (1 + 1e-9) * other


@pytest.mark.parametrize("target", ["weight", "activation"])
@given(values_32, st.integers(2, 8), st.integers(1, 2048))
@settings(max_examples=30)
def test_no_edge_is_better(target: Target, values: np.ndarray, bits: int, kept: int) -> None:
    """No clipping at all included."""
    histogram = histogram_of(values)
    found = mse_threshold(histogram, bits, target)
    if histogram.amax == 0:
        assert found.value == 0.0
        return
    lowest = error_at(histogram, found.value, bits, target)
    for threshold in (edge(histogram, min(kept, histogram.used)), histogram.amax):
        other = error_at(histogram, threshold, bits, target)
        assert lowest <= other * (1 + 1e-5) + 1e-9 * histogram.bin_width**2
