"""Thresholds of least squared error: published values, and every bin's edge."""

from __future__ import annotations

import numpy as np
import pytest
from calibrate_common import half_normal, histogram_of, quantiles, values_32
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import laplace, norm

from qcore.calibrate.binned_error import binned_error
from qcore.calibrate.histogram import Histogram
from qcore.calibrate.mean_squared import mse_threshold, squared_errors
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


@pytest.mark.parametrize("target", ["weight", "activation"])
@pytest.mark.parametrize("name", SAMPLES)
def test_the_best_of_all_edges(name: str, target: str) -> None:
    histogram = histogram_of(SAMPLES[name])
    every = np.arange(1, histogram.used + 1)
    for bits in (2, 3, 4, 8):
        errors = squared_errors(histogram, bits, target, every)  # type: ignore[arg-type]
        found = mse_threshold(histogram, bits, target)  # type: ignore[arg-type]
        assert found.index is not None
        assert errors[found.index - 1] <= (1 + 1e-9) * errors.min()
        assert errors[found.index - 1] <= errors[-1]
        assert found.value == min(found.index * histogram.bin_width, histogram.amax)


@pytest.mark.parametrize("target", ["weight", "activation"])
@given(values_32, st.integers(2, 16), st.integers(1, 2048))
@settings(max_examples=30)
def test_the_search_minimises_the_error_of_the_grid(
    target: str, values: np.ndarray, bits: int, kept: int
) -> None:
    """The closed form of even steps is the integral over any grid."""
    histogram = histogram_of(values)
    if histogram.amax == 0:
        return
    kept = min(kept, histogram.used)
    threshold = min(kept * histogram.bin_width, histogram.amax)
    grid = layer_grid(histogram, threshold, bits, target)  # type: ignore[arg-type]
    expected = binned_error(histogram, grid).mean_squared
    (found,) = squared_errors(histogram, bits, target, np.array([kept]))  # type: ignore[arg-type]
    assert found == pytest.approx(expected, rel=1e-5, abs=1e-9 * histogram.bin_width**2)


def error_at(histogram: Histogram, threshold: float, bits: int) -> float:
    return binned_error(histogram, layer_grid(histogram, threshold, bits, "weight")).mean_squared


@given(values_32, st.integers(2, 8))
@settings(max_examples=30)
def test_never_worse_than_no_clipping(values: np.ndarray, bits: int) -> None:
    histogram = histogram_of(values)
    found = mse_threshold(histogram, bits, "weight")
    if histogram.amax == 0:
        assert found.value == 0.0
        return
    without = error_at(histogram, histogram.amax, bits)
    assert error_at(histogram, found.value, bits) <= without * (1 + 1e-6) + 1e-12
