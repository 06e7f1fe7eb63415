"""Lists of levels against NumPy and SciPy, and the nearest one by brute force."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm
from torch import Tensor

from qcore.quantize.levels import histogram_levels, nearest, prior_normal, uniform_range

values = st.lists(st.floats(-10, 10, width=32), min_size=1, max_size=40)
widths = st.integers(2, 10)
FINDERS = [uniform_range, histogram_levels, prior_normal]
finders = st.sampled_from(FINDERS)


def vector(numbers: list[float]) -> Tensor:
    return torch.tensor(numbers, dtype=torch.float64)


@pytest.mark.parametrize(
    ("find", "expected"),
    [
        (uniform_range, [-1, -1 / 3, 1 / 3, 1]),
        (histogram_levels, [-0.75, -0.25, 0.25, 0.75]),
        (prior_normal, [-1, -0.4307273, 0.4307273, 1]),  # of -1, 0, 1: mean 0, deviation 1
    ],
)
def test_four_levels(find: Callable[[Tensor, int], Tensor], expected: list[float]) -> None:
    assert find(vector([0, 1, -1]), 2).tolist() == pytest.approx(expected, abs=1e-7)


def test_prior_normal_known_answer_at_3_bits() -> None:
    # Mean 0 and, with 9 values, unbiased variance (4 + 4) / 8 = 1.
    found = prior_normal(vector([-2, 0, 0, 0, 0, 0, 0, 0, 2]), 3)
    half = [0.1800124, 0.5659488, 1.0675705, 2]
    assert found.tolist() == pytest.approx([-v for v in reversed(half)] + half, abs=1e-7)


def test_quantiles_beyond_the_values_are_sorted_in() -> None:
    found = prior_normal(vector([-1, 0, 1]), 3).tolist()
    assert found == sorted(found)
    assert found[:2] == pytest.approx([-1.0675705, -1], abs=1e-7)


@given(values, widths)
def test_levels_equal_numpy_and_scipy(numbers: list[float], bits: int) -> None:
    x, array, count = vector(numbers), np.array(numbers), 2**bits
    low, high = array.min(), array.max()
    even = np.linspace(low, high, count)
    assert uniform_range(x, bits).numpy() == pytest.approx(even, abs=1e-12)
    assert uniform_range(x, bits)[[0, -1]].tolist() == [low, high]
    if high > low:
        edges = np.histogram(array, bins=count, range=(low, high))[1]
        middles = (edges[1:] + edges[:-1]) / 2
        assert histogram_levels(x, bits).numpy() == pytest.approx(middles, abs=1e-12)
    deviation = array.std(ddof=1) if len(array) > 1 and array.std() > 0 else 1e-300
    inner = norm.ppf(np.arange(1, count - 1) / (count - 1), loc=array.mean(), scale=deviation)
    expected = np.sort([*inner, low, high])
    assert prior_normal(x, bits).numpy() == pytest.approx(expected, rel=1e-9, abs=1e-9)


@given(values, widths, finders)
def test_levels_rise_and_mirror(
    numbers: list[float], bits: int, find: Callable[[Tensor, int], Tensor]
) -> None:
    levels = find(vector(numbers), bits)
    assert levels.shape == (2**bits,)
    assert (levels.diff() >= 0).all()
    assert torch.allclose(find(-vector(numbers), bits), -levels.flip(0), rtol=1e-9, atol=1e-9)


def test_nearest_by_hand_and_midway() -> None:
    levels = vector([0, 1, 4])
    x = vector([-9, 0.4, 0.5, 0.6, 2.5, 2.6, 9])
    assert nearest(x, levels).tolist() == [0, 0, 0, 1, 1, 4, 4]
    assert nearest(vector([3.0]), vector([2.0])).tolist() == [2]
    assert nearest(vector([1.0, 3.0]), vector([2.0, 2.0, 2.0])).tolist() == [2, 2]


def test_each_row_has_its_own_levels() -> None:
    rows = vector([0.4, 0.6, 9, 0.4, 0.6, 9]).reshape(2, 3)
    levels = vector([0, 1, 0, 4]).reshape(2, 2)
    assert nearest(rows, levels).tolist() == [[0, 1, 1], [0, 0, 4]]
    # Not contiguous, of another dtype.
    assert nearest(rows.t().float().t(), levels).dtype == torch.float32


@given(values, st.lists(st.floats(-10, 10, width=32), min_size=1, max_size=9))
def test_nearest_is_the_nearest(numbers: list[float], levels: list[float]) -> None:
    x, rising = vector(numbers), vector(sorted(levels))
    found = nearest(x, rising)
    distance = (x[:, None] - rising).abs().amin(1)
    assert torch.isin(found, rising).all()
    assert torch.allclose((found - x).abs(), distance, rtol=0, atol=1e-12)
    assert torch.equal(nearest(found, rising), found)
    assert (nearest(x.sort().values, rising).diff() >= 0).all()


@pytest.mark.parametrize("find", FINDERS)
@pytest.mark.parametrize("bits", [1, 17])
def test_bits_out_of_range(find: Callable[[Tensor, int], Tensor], bits: int) -> None:
    with pytest.raises(ValueError, match="2 to 16"):
        find(torch.ones(3), bits)
