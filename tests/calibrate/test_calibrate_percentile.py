"""Percentiles of histograms against numpy's of the values."""

from __future__ import annotations

import numpy as np
import pytest
from calibrate_common import binned, half_normal, histogram_of, values_32
from hypothesis import given
from hypothesis import strategies as st

from qcore.calibrate.percentile import percentile_edge, percentile_threshold


@pytest.mark.parametrize(
    ("percentile", "lower_edge"),
    [(99, 2.57438), (99.9, 3.28763), (99.99, 3.87829), (99.999, 4.32853)],
)
def test_known_answers(percentile: float, lower_edge: float) -> None:
    """The true percentile lies in the bin whose upper edge is returned."""
    values = half_normal(100_003)
    counts, width = binned(values)
    found = percentile_edge(counts, width, percentile)
    assert found.value - width == pytest.approx(lower_edge, abs=1e-5)
    assert found.value - width <= np.percentile(values, percentile) <= found.value
    assert found.index is not None
    assert found.value == found.index * width


def test_a_percentile_on_the_boundary_of_a_bin() -> None:
    """Ten of 10,000 may lie beyond 99.9 %, though 100 - 99.9 is less than 0.1 in floats."""
    assert percentile_edge([5_000, 4_990, 10], 0.5, 99.9).value == 1.0
    assert percentile_edge([5_000, 4_989, 11], 0.5, 99.9).value == 1.5
    assert percentile_edge([50_000, 49_990, 10], 0.5, 99.99).value == 1.0
    assert percentile_edge([50_000, 49_989, 11], 0.5, 99.99).value == 1.5
    assert percentile_edge([90, 9, 1], 0.1, 90).value == pytest.approx(0.1)
    assert percentile_edge([90, 9, 1], 0.1, 99.5).value == pytest.approx(0.3)


@given(values_32, st.floats(0.01, 100))
def test_no_more_than_asked_lies_beyond(values: np.ndarray, percentile: float) -> None:
    histogram = histogram_of(values)
    found = percentile_threshold(histogram, percentile)
    magnitudes = np.abs(values.astype(np.float64))
    allowed = (100 - percentile) / 100 * len(values) + 1e-9
    assert (magnitudes > found.value).sum() <= allowed
    one_bin_less = found.value - histogram.bin_width
    if one_bin_less > 0:
        assert (magnitudes >= one_bin_less).sum() > allowed - 2e-9


@given(values_32)
def test_all_of_them_is_the_largest_magnitude(values: np.ndarray) -> None:
    histogram = histogram_of(values)
    found = percentile_threshold(histogram, 100).value
    assert found - histogram.bin_width <= histogram.amax <= found


@pytest.mark.parametrize("percentile", [0, -1, 100.1, float("nan")])
def test_what_is_no_percentile(percentile: float) -> None:
    with pytest.raises(ValueError, match="above 0 and at most 100"):
        percentile_edge([1, 2], 1.0, percentile)
