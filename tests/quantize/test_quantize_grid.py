"""The grid that pages draw against the quantizer that runs, and its numbers by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from qcore.quantize.grid import Grid, rounding_error
from qcore.quantize.symmetric import quantize

values = st.lists(st.floats(-10, 10), min_size=1, max_size=40)
grids = st.builds(Grid, st.floats(2**-10, 4), st.integers(2, 12))


@given(values, grids)
def test_agrees_with_the_torch_quantizer(numbers: list[float], grid: Grid) -> None:
    weights = torch.tensor([numbers], dtype=torch.float64)
    scale = torch.tensor([[grid.scale]], dtype=torch.float64)
    expected = quantize(weights, scale, grid.bits)[0].numpy()
    assert np.array_equal(grid.quantize(numbers), expected)


@given(values, grids)
def test_every_rounded_value_is_the_nearest_level(numbers: list[float], grid: Grid) -> None:
    levels = grid.levels()
    distance = np.abs(levels[None] - np.array(numbers)[:, None]).min(axis=1)
    rounded = grid.quantize(numbers)
    assert np.isin(rounded, levels).all()
    assert np.abs(rounded - numbers) == pytest.approx(distance, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize(
    ("grid", "levels"),
    [
        (Grid(0.5, 2), [-0.5, 0, 0.5]),
        (Grid(2.0, 3), [-6, -4, -2, 0, 2, 4, 6]),
    ],
    ids=["2 bits", "3 bits"],
)
def test_levels(grid: Grid, levels: list[float]) -> None:
    assert grid.levels().tolist() == levels
    assert grid.threshold == levels[-1]
    assert grid.largest_level == len(levels) // 2


def test_ties_go_to_the_even_level() -> None:
    assert Grid(1.0, 4).quantize([0.5, 1.5, 2.5, -0.5, -1.5]).tolist() == [0, 2, 2, 0, -2]


def test_error_by_hand() -> None:
    # 1 -> 0.9 and -1 -> -0.9: error 0.01, energy 1, 10 log10(100) = 20 dB.
    error = rounding_error([1.0, -1.0], Grid(0.9, 2))
    assert error.mean_squared == pytest.approx(0.01)
    assert error.sqnr_db == pytest.approx(20.0)
    assert error.clipped == 0
    # 0.2 -> 0, 1.1 -> 1, 4 -> 3 (clipped), -0.6 -> -1: errors 0.2, 0.1, 1, 0.4.
    error = rounding_error([0.2, 1.1, 4.0, -0.6], Grid(1.0, 3))
    assert error.mean_squared == pytest.approx((0.04 + 0.01 + 1 + 0.16) / 4)
    energy = (0.04 + 1.21 + 16 + 0.36) / 4
    assert error.sqnr_db == pytest.approx(10 * np.log10(energy / 0.3025))
    assert error.clipped == 0.25


@pytest.mark.parametrize(
    ("numbers", "why"),
    [([0.0, 0.0], "no energy"), ([1.0, -2.0], "no error")],
    ids=["zeros", "on the grid"],
)
def test_no_ratio_without_error_or_energy(numbers: list[float], why: str) -> None:
    error = rounding_error(numbers, Grid(1.0, 3))
    assert error.sqnr_db is None, why
    assert error.mean_squared == 0


@given(values, grids)
def test_clipped_are_those_that_more_levels_would_round_elsewhere(
    numbers: list[float], grid: Grid
) -> None:
    wider = Grid(grid.scale, grid.bits + 16)
    magnitudes = np.abs(np.array(numbers))
    # Half a step beyond the last level, where rounding decides, either answer is right.
    edge = np.abs(magnitudes / grid.scale - (grid.largest_level + 0.5)) < 1e-9
    sure = (wider.quantize(magnitudes) > grid.quantize(magnitudes)) & ~edge
    clipped = rounding_error(numbers, grid).clipped
    assert sure.mean() <= clipped <= (sure | edge).mean()
