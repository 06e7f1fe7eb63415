"""Entropy thresholds against the published algorithm, binned again for every candidate."""

from __future__ import annotations

import numpy as np
import pytest
from calibrate_common import binned, half_normal, quantiles, slow_divergences
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import norm

from qcore.calibrate.entropy import divergences, entropy_threshold

histograms = st.one_of(
    arrays(np.int64, st.integers(1, 40), elements=st.integers(0, 6)),
    arrays(np.int64, st.integers(1, 40), elements=st.integers(0, 10**12)),
    arrays(np.float64, st.integers(1, 40), elements=st.sampled_from([0, 0.125, 0.7, 3.1, 900])),
)


@given(histograms, st.integers(1, 24))
def test_all_candidates_equal_the_plain_algorithm(counts: np.ndarray, levels: int) -> None:
    if counts.sum() == 0:
        counts[-1] = 1
    expected = slow_divergences(counts, levels)
    assert divergences(counts, levels) == pytest.approx(expected, rel=1e-9, abs=1e-12)


@given(histograms, st.integers(1, 24))
def test_the_threshold_is_the_last_minimum_and_counts_stay(counts: np.ndarray, levels: int) -> None:
    before = counts.copy()
    found = entropy_threshold(counts, 0.5, levels)
    assert np.array_equal(counts, before)
    assert found.curve is not None
    assert found.index is not None
    neutral = counts.copy()
    neutral[0] = counts[min(1, len(counts) - 1)]
    assert len(found.curve) == max(len(counts) - levels, 0) + 1
    assert found.value == found.index * 0.5
    position = found.index - (len(counts) - len(found.curve) + 1)
    assert found.divergence == found.curve[position]
    assert (found.curve[position + 1 :] > found.divergence).all()
    assert (found.curve >= found.divergence - 2e-12).all()
    if neutral.sum():
        expected = slow_divergences(neutral, levels)
        assert found.curve == pytest.approx(expected, rel=1e-9, abs=1e-12)
        assert found.divergence <= expected.min() + 1e-11


def test_the_toy_value() -> None:
    assert divergences([1, 0, 2, 3, 5, 3, 1, 7], 2)[-1] == pytest.approx(0.1503152653, abs=1e-10)


LOG_NORMAL = np.exp(norm.ppf(quantiles()))
WITH_ZEROS = np.concatenate([np.zeros(100_000), half_normal()])


@pytest.mark.parametrize(
    ("values", "levels", "index", "threshold", "divergence"),
    [
        (half_normal(), 128, 1943, 4.33075, 1.8202e-4),
        (WITH_ZEROS, 128, 1943, 4.33075, 1.8202e-4),
        (LOG_NORMAL, 128, 512, 20.71544, 1.0347e-2),
        (half_normal(), 256, 2048, 4.56479, None),
        (WITH_ZEROS, 256, 2048, 4.56479, None),
        (LOG_NORMAL, 256, 768, 31.07315, None),
        (half_normal(), 8, 1593, 3.55064, 0.00912144),
        (half_normal(), 16, None, 3.83817, None),
    ],
    ids=["half", "zeros", "log", "half u8", "zeros u8", "log u8", "4 bits", "5 bits"],
)
def test_known_answers(
    values: np.ndarray,
    levels: int,
    index: int | None,
    threshold: float,
    divergence: float | None,
) -> None:
    """What NVIDIA's own implementation returns for these."""
    found = entropy_threshold(*binned(values), levels)
    assert found.value == pytest.approx(threshold, abs=1.1e-5)
    assert index is None or found.index == index
    assert divergence is None or found.divergence == pytest.approx(divergence, rel=1e-4)


def test_the_whole_curve_of_a_real_histogram() -> None:
    counts, width = binned(LOG_NORMAL)
    found = entropy_threshold(counts, width, 128)
    assert found.curve is not None
    assert len(found.curve) == 1921
    assert np.isinf(found.curve).sum() == 1417
    coarse = counts.reshape(512, 4).sum(1)
    expected = slow_divergences(coarse, 64)
    assert divergences(coarse, 64) == pytest.approx(expected, rel=1e-9, abs=1e-12)


def test_a_spike_at_zero_does_not_draw_the_threshold() -> None:
    """Half of what leaves a ReLU is zero. Without bin 1 in its place 1.997 would be chosen."""
    counts, width = binned(WITH_ZEROS)
    assert np.argmin(divergences(counts, 128)) + 128 == 896
    assert entropy_threshold(counts, width, 128).index == 1943


@pytest.mark.parametrize("levels", [1, 4, 8, 16, 40])
def test_uniform_values_are_not_clipped(levels: int) -> None:
    assert entropy_threshold(np.full(16, 5), 0.25, levels).value == 4.0


def test_shapes_without_a_choice() -> None:
    zeros = entropy_threshold(np.zeros(8, np.int64), 1.0, 4)
    assert (zeros.value, zeros.divergence) == (8.0, 0.0)
    one_bin = entropy_threshold([7], 0.5, 4)
    assert (one_bin.value, one_bin.divergence, one_bin.index) == (0.5, 0.0, 1)
    fewer_bins_than_levels = entropy_threshold([9, 1, 0, 4], 1.0, 128)
    assert (fewer_bins_than_levels.value, fewer_bins_than_levels.divergence) == (4.0, 0.0)


def test_a_single_spike_is_kept() -> None:
    """Whatever is kept before it ends in an empty bin; after it nothing changes."""
    counts = np.zeros(64)
    counts[40] = 1000
    found = entropy_threshold(counts, 1.0, 8)
    assert found.curve is not None
    assert (found.curve[: 40 - 8 + 1] == np.inf).all()
    assert found.curve[40 - 8 + 1 :] == pytest.approx(0.0, abs=1e-12)
    assert found.index == 64


def test_an_empty_tail_is_no_better_than_its_last_full_bin() -> None:
    counts = [4, 4, 5, 9, 9, 2, 1, 1, 0, 0]
    shorter, longer = divergences(counts[:8], 2), divergences(counts, 2)
    assert longer[: len(shorter)] == pytest.approx(shorter, rel=1e-12)


@pytest.mark.parametrize(
    ("counts", "levels"),
    [([[1, 2]], 2), ([1, -1], 2), ([1, 2], 0), ([], 2), ([1, float("nan")], 1), ([np.inf], 1)],
)
def test_what_is_no_histogram(counts: list[float], levels: int) -> None:
    with pytest.raises(ValueError, match=r"counts must be|at least one level"):
        entropy_threshold(counts, 1.0, levels)


def test_of_equal_candidates_the_last() -> None:
    """All are exact here; cumulative sums put the last one 4e-16 above others."""
    counts = np.repeat([32, 0], 16)
    assert entropy_threshold(counts, 1.0, 4).index == 32
