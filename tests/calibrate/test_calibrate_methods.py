"""One door to every method, and the grids that follow from thresholds."""

from __future__ import annotations

import numpy as np
import pytest
from calibrate_common import half_normal, histogram_of, quantiles, values_32
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from qcore.calibrate.clipping import METHODS, Method, Target
from qcore.calibrate.entropy import entropy_threshold
from qcore.calibrate.inputs import input_grid, input_parameters, input_range
from qcore.calibrate.mean_squared import mse_threshold
from qcore.calibrate.methods import entropy_levels, find_threshold, layer_grid
from qcore.calibrate.percentile import percentile_threshold

NORMAL = histogram_of(norm.ppf(quantiles(20_000)))
RELU = histogram_of(np.concatenate([half_normal(20_000), np.zeros(20_000)]))


@pytest.mark.parametrize("target", ["weight", "activation"])
@pytest.mark.parametrize("method", METHODS)
@given(values_32, st.integers(2, 16))
@settings(max_examples=15)
def test_every_threshold_is_within_the_data(
    method: Method, target: Target, values: np.ndarray, bits: int
) -> None:
    histogram = histogram_of(values)
    found = find_threshold(histogram, method, bits, target, 99.0)
    assert 0 <= found.value <= histogram.amax
    assert (found.value == 0) == (histogram.amax == 0)
    levels = layer_grid(histogram, found.value, bits, target).levels
    assert 0.0 in levels
    assert (np.diff(levels) > 0).all()


def test_names_lead_to_their_methods() -> None:
    for bits in (4, 8):
        assert find_threshold(NORMAL, "max", bits, "weight").value == NORMAL.amax
        expected = min(mse_threshold(NORMAL, bits, "activation").value, NORMAL.amax)
        assert find_threshold(NORMAL, "mse", bits, "activation").value == expected
        by_entropy = entropy_threshold(NORMAL.magnitudes(), NORMAL.bin_width, 2 ** (bits - 1))
        found = find_threshold(NORMAL, "entropy", bits, "weight")
        assert found.value == min(by_entropy.value, NORMAL.amax)
        assert (found.index, found.divergence) == (by_entropy.index, by_entropy.divergence)
    expected = percentile_threshold(NORMAL, 99.0).value
    assert find_threshold(NORMAL, "percentile", 8, "weight", 99.0).value == expected
    assert find_threshold(NORMAL, "aciq-gaussian", 4, "weight").value == pytest.approx(
        2.56, abs=0.01
    )
    assert find_threshold(NORMAL, 7.5, 4, "weight").value == 7.5


def test_the_default_percentile() -> None:
    found = find_threshold(NORMAL, "percentile", 8, "weight").value
    assert found == percentile_threshold(NORMAL, 99.99).value


def test_levels_of_entropy() -> None:
    assert entropy_levels(RELU, 8, "activation") == 256
    assert entropy_levels(RELU, 8, "weight") == 128
    assert entropy_levels(NORMAL, 8, "activation") == 128
    by_entropy = entropy_threshold(RELU.magnitudes(), RELU.bin_width, 16)
    assert find_threshold(RELU, "entropy", 4, "activation").value == by_entropy.value


@given(values_32, st.floats(0.01, 2000), st.integers(2, 8))
def test_levels_span_the_clipped_range(values: np.ndarray, threshold: float, bits: int) -> None:
    """Both ends are within half a step of a level: zero had to become one."""
    histogram = histogram_of(values)
    low, high = input_range(histogram, threshold)
    clipped = np.append(np.clip(values.astype(np.float64), -threshold, threshold), 0)
    assert (low, high) == (clipped.min(), clipped.max())
    levels = input_grid(histogram, threshold, bits).levels
    scale, zero_point = input_parameters(histogram, threshold, bits)
    assert len(levels) == 2**bits
    assert levels[zero_point] == 0
    if high > low:
        assert levels[-1] - levels[0] == pytest.approx(high - low)
        assert abs(levels[0] - low) <= scale * 0.5000001
        assert abs(levels[-1] - high) <= scale * 0.5000001


def test_grids_of_known_ranges() -> None:
    histogram = histogram_of(np.array([-1.0, 0.2, 3.0]))
    assert input_range(histogram, 9.0) == (-1.0, 3.0)
    scale, zero_point = input_parameters(histogram, 9.0, 8)
    assert (scale, zero_point) == (pytest.approx(0.0156862745), 64)
    assert input_range(histogram, 0.5) == (-0.5, 0.5)
    assert input_range(RELU, 2.0) == (0.0, 2.0)
    assert input_range(histogram_of(np.array([2.0, 5.0])), 3.0) == (0.0, 3.0)
    assert input_range(histogram_of(np.array([-2.0, -5.0])), 3.0) == (-3.0, 0.0)
    assert layer_grid(histogram, 1.27, 8, "weight").levels[-1] == pytest.approx(1.27)
    assert list(layer_grid(histogram_of(np.zeros(3)), 0.0, 2, "weight").levels) == [-1, 0, 1]
