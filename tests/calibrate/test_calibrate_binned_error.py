"""Errors integrated over a histogram, against many points spread over its bins."""

from __future__ import annotations

import numpy as np
import pytest
from calibrate_common import histogram_of, spread, values_32, weighted_error
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from qcore.calibrate.binned_error import binned_error
from qcore.calibrate.histogram import BINS, Histogram, no_values
from qcore.quantize.grid import Grid, affine_grid, rounding_error, symmetric_grid

levels = st.lists(st.floats(-900, 900), min_size=2, max_size=9, unique=True)


def wide_bins(counts: dict[int, int], zeros: int, low: float, high: float) -> Histogram:
    """Bins of width 1; negative keys are bins of negative values, -1 the first."""
    sides = np.zeros((2, BINS), np.int64)
    for j, count in counts.items():
        sides[int(j >= 0), j if j >= 0 else -1 - j] = count
    return Histogram(1.0, sides[0], sides[1], zeros, low, high)


@given(
    st.dictionaries(st.integers(-6, 5), st.integers(1, 50), min_size=1),
    st.integers(0, 40),
    levels,
    st.sampled_from([0.004, 0.01, 1.0]),
)
def test_against_points_for_any_grid(
    counts: dict[int, int], zeros: int, places: list[float], scale: float
) -> None:
    ends = [min(counts), max(counts) + 1, *([0] if zeros else [])]
    histogram = wide_bins(counts, zeros, float(min(ends)), float(max(ends)))
    grid = Grid(np.sort(np.array(places)) * scale)
    values, weights = spread(histogram)
    found = binned_error(histogram, grid)
    expected = weighted_error(values, weights, grid)
    reach = np.abs(values).max() + np.abs(grid.levels).max()
    assert found.mean_squared == pytest.approx(expected, rel=1e-4, abs=3e-5 * reach)
    low = grid.levels[0] - (grid.levels[1] - grid.levels[0]) / 2
    high = grid.levels[-1] + (grid.levels[-1] - grid.levels[-2]) / 2
    beyond = float(weights[(values < low) | (values > high)].sum() / weights.sum())
    assert found.clipped == pytest.approx(beyond, abs=3e-3)
    energy = float((weights * values**2).sum() / weights.sum())
    if found.sqnr_db is not None and energy > 0.01:
        assert found.sqnr_db == pytest.approx(10 * np.log10(energy / expected), abs=0.05)


@given(values_32, st.integers(2, 8), st.floats(0.1, 1))
def test_close_to_the_values_themselves(values: np.ndarray, bits: int, part: float) -> None:
    """An error of at most d with values moved by less than a bin w: at most 2 d w more."""
    histogram = histogram_of(values)
    if histogram.amax == 0:
        return
    grid = symmetric_grid(part * histogram.amax, bits)
    exact, found = rounding_error(values, grid), binned_error(histogram, grid)
    largest = float(np.abs(grid.quantize(values) - values).max()) + histogram.bin_width
    assert abs(found.mean_squared - exact.mean_squared) <= 2 * largest * histogram.bin_width


def test_closed_forms() -> None:
    one = wide_bins({0: 10}, 0, 0.0, 1.0)
    found = binned_error(one, Grid(np.array([0.0, 1.0])))
    assert found.mean_squared == pytest.approx(1 / 12)
    assert found.sqnr_db == pytest.approx(10 * np.log10((1 / 3) / (1 / 12)))
    assert found.clipped == 0.0
    # Clipped at 0.5: 0.5 to 1 is an error of x - 0.5; 0.75 is half a step of 0.5 beyond.
    found = binned_error(one, Grid(np.array([0.0, 0.5])))
    below, above = 2 * 0.25**3 / 3, 0.5**3 / 3
    assert found.mean_squared == pytest.approx(below + above)
    assert found.clipped == pytest.approx(0.25)
    # Far tails: from 4 to 5, and levels that end at 1.
    tail = binned_error(wide_bins({4: 3}, 0, 4.0, 5.0), Grid(np.array([-1.0, 0.0, 1.0])))
    assert tail.mean_squared == pytest.approx((4**3 - 3**3) / 3)
    assert tail.clipped == 1.0


def test_zeros_are_exact() -> None:
    """Zeros cost nothing where zero is a level, and their level where it is none."""
    half_zeros = wide_bins({2: 5}, 15, 0.0, 3.0)
    alone = wide_bins({2: 5}, 0, 2.0, 3.0)
    grid = symmetric_grid(3.0, 3)
    expected = binned_error(alone, grid).mean_squared / 4
    assert binned_error(half_zeros, grid).mean_squared == pytest.approx(expected)
    only = wide_bins({}, 7, 0.0, 0.0)
    assert binned_error(only, grid).mean_squared == 0.0
    assert binned_error(only, Grid(np.array([-1.0, 0.5]))).mean_squared == 0.25
    assert binned_error(no_values(), grid).mean_squared == 0.0


def test_a_single_level_reaches_itself() -> None:
    """Integrals of x^2 and (x - 1)^2 over [0, 1]; zeros, a point, are inside of the level 0."""
    stretch, level = wide_bins({0: 3}, 1, 0.0, 1.0), Grid(np.array([0.0]))
    assert binned_error(stretch, level).mean_squared == pytest.approx(3 / 4 / 3)
    assert binned_error(stretch, level).clipped == pytest.approx(3 / 4)
    found = binned_error(stretch, Grid(np.array([1.0])))
    assert found.mean_squared == pytest.approx((3 / 3 + 1) / 4)
    assert found.clipped == 1.0


def test_a_constant_is_where_it_is() -> None:
    """Its bin is wider, but begins at the smallest value and ends at the largest."""
    constant = histogram_of(np.full(9, 1.3))
    found = binned_error(constant, Grid(np.array([0.0, 1.0])))
    assert found.mean_squared == pytest.approx(0.09, rel=1e-12)
    assert binned_error(constant, symmetric_grid(1.3, 4)).sqnr_db is None


@pytest.mark.parametrize("bits", [2, 4, 8, 16])
def test_fine_and_coarse_grids_of_a_normal_sample(bits: int) -> None:
    values = norm.ppf((np.arange(50_000) + 0.5) / 50_000)
    histogram = histogram_of(values)
    for grid in (symmetric_grid(3.0, bits), affine_grid(8 / 2**bits, 2**bits // 3, bits)):
        exact, found = rounding_error(values, grid), binned_error(histogram, grid)
        assert found.mean_squared == pytest.approx(exact.mean_squared, rel=3e-3)
        assert found.clipped == pytest.approx(exact.clipped, abs=1e-3)
