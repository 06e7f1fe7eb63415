"""The grids that pages draw against the quantizers that run, and their numbers by hand."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from qcore.quantize import uniform
from qcore.quantize.codes import affine_codes, symmetric_codes
from qcore.quantize.grid import (
    Grid,
    affine_grid,
    affine_parameters,
    rounding_error,
    symmetric_grid,
)
from qcore.quantize.symmetric import quantize

values = st.lists(st.floats(-10, 10), min_size=1, max_size=40)
thresholds = st.floats(2**-10, 4)
widths = st.integers(2, 12)
symmetric_grids = st.builds(symmetric_grid, thresholds, widths)
affine_grids = st.builds(
    lambda scale, bits, share: affine_grid(scale, round(share * (2**bits - 1)), bits),
    st.floats(2**-10, 1),
    widths,
    st.floats(0, 1),
)
uneven_grids = st.builds(
    lambda levels: Grid(np.array(sorted(levels))),
    st.lists(st.floats(-8, 8), min_size=1, max_size=20, unique=True),
)
grids = symmetric_grids | affine_grids | uneven_grids


def between_two_levels(numbers: list[float], grid: Grid) -> np.ndarray:
    """Which values lie midway between two levels, where either is right."""
    distance = np.abs(grid.boundaries()[None] - np.array(numbers)[:, None])
    return (distance < 1e-9).any(axis=1)


@given(values, thresholds, widths)
def test_agrees_with_the_symmetric_quantizer(
    numbers: list[float], threshold: float, bits: int
) -> None:
    grid = symmetric_grid(threshold, bits)
    scale = torch.tensor([[threshold / (2 ** (bits - 1) - 1)]], dtype=torch.float64)
    expected = quantize(torch.tensor([numbers], dtype=torch.float64), scale, bits)[0].numpy()
    sure = ~between_two_levels(numbers, grid)
    assert grid.quantize(numbers)[sure] == pytest.approx(expected[sure], rel=1e-12, abs=1e-15)


@given(values, st.floats(-5, 5), st.floats(-5, 5), widths)
def test_agrees_with_the_affine_quantizer(
    numbers: list[float], one_end: float, other_end: float, bits: int
) -> None:
    low, high = sorted((one_end, other_end))
    scale, zero_point = affine_parameters(low, high, bits)
    ends = torch.tensor([low, high], dtype=torch.float64)
    assert tuple(map(float, uniform.affine_parameters(ends[0], ends[1], bits))) == (
        scale,
        zero_point,
    )
    grid = affine_grid(scale, zero_point, bits)
    x = torch.tensor(numbers, dtype=torch.float64)
    expected = uniform.fake_quantize(x, scale, zero_point, 0, 2**bits - 1).numpy()
    sure = ~between_two_levels(numbers, grid)
    assert grid.quantize(numbers)[sure] == pytest.approx(expected[sure], rel=1e-12, abs=1e-15)


@given(values, grids)
def test_every_rounded_value_is_the_nearest_level(numbers: list[float], grid: Grid) -> None:
    distance = np.abs(grid.levels[None] - np.array(numbers)[:, None]).min(axis=1)
    rounded = grid.quantize(numbers)
    assert np.isin(rounded, grid.levels).all()
    assert np.abs(rounded - numbers) == pytest.approx(distance, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize(
    ("grid", "levels", "threshold", "step"),
    [
        (symmetric_grid(0.5, 2), [-0.5, 0, 0.5], 0.5, 0.5),
        (symmetric_grid(6.0, 3), [-6, -4, -2, 0, 2, 4, 6], 6, 2),
        (affine_grid(0.5, 1, 2), [-0.5, 0, 0.5, 1], 1, 0.5),
        (affine_grid(1.0, 3, 2), [-3, -2, -1, 0], 3, 1),
        (Grid(np.array([-1.0, 0.0, 3.0])), [-1, 0, 3], 3, None),
        (Grid(np.array([2.0])), [2], 2, None),
    ],
    ids=["2 bits", "3 bits", "affine", "affine, not above zero", "uneven", "one level"],
)
def test_levels(grid: Grid, levels: list[float], threshold: float, step: float | None) -> None:
    assert grid.levels.tolist() == levels
    assert grid.threshold == threshold
    assert grid.step == step


@pytest.mark.parametrize(
    ("low", "high", "bits", "scale", "zero_point"),
    [
        (-1, 3, 8, 0.0156862745, 64),
        (0.5, 3, 2, 1, 0),
        (-3, -1, 2, 1, 3),
        (0, 0, 8, 1, 0),
    ],
    ids=["both sides", "above zero", "below zero", "no range"],
)
def test_affine_parameters(
    low: float, high: float, bits: int, scale: float, zero_point: int
) -> None:
    assert affine_parameters(low, high, bits) == (pytest.approx(scale, abs=1e-10), zero_point)


def test_midway_goes_to_the_lower_level() -> None:
    grid = symmetric_grid(7.0, 4)
    assert grid.quantize([0.5, 1.5, 2.5, -0.5, -1.5]).tolist() == [0, 1, 2, -1, -2]
    assert Grid(np.array([-1.0, 0.0, 3.0])).quantize([1.5, 1.6, -0.5]).tolist() == [0, 3, -1]


def test_error_by_hand() -> None:
    # 1 -> 0.9 and -1 -> -0.9: error 0.01, energy 1, 10 log10(100) = 20 dB.
    error = rounding_error([1.0, -1.0], symmetric_grid(0.9, 2))
    assert error.mean_squared == pytest.approx(0.01)
    assert error.sqnr_db == pytest.approx(20.0)
    assert error.clipped == 0
    # 0.2 -> 0, 1.1 -> 1, 4 -> 3 (clipped), -0.6 -> -1: errors 0.2, 0.1, 1, 0.4.
    error = rounding_error([0.2, 1.1, 4.0, -0.6], symmetric_grid(3.0, 3))
    assert error.mean_squared == pytest.approx((0.04 + 0.01 + 1 + 0.16) / 4)
    energy = (0.04 + 1.21 + 16 + 0.36) / 4
    assert error.sqnr_db == pytest.approx(10 * np.log10(energy / 0.3025))
    assert error.clipped == 0.25


@pytest.mark.parametrize(
    ("levels", "low", "high"),
    [([-1, 0, 1, 5], -1.5, 7), ([0, 2], -1, 3), ([0.3], 0.3, 0.3), ([2, 2, 2], 2, 2)],
)
def test_reach_is_half_a_step_beyond_the_ends(levels: list[float], low: float, high: float) -> None:
    assert Grid(np.array(levels, np.float64)).reach() == (low, high)


@pytest.mark.parametrize("bits", [-3, 0, 1, 17])
@pytest.mark.parametrize(
    "function",
    [
        lambda bits: symmetric_grid(1.0, bits),
        lambda bits: affine_grid(1.0, 0, bits),
        lambda bits: affine_parameters(-1.0, 1.0, bits),
        lambda bits: symmetric_codes(1.0, bits),
        lambda bits: symmetric_codes(1.0, bits, full_range=True),
        lambda bits: affine_codes(-1.0, 1.0, bits),
    ],
)
def test_grids_and_codes_of_bits_out_of_range(function: Callable[[int], object], bits: int) -> None:
    with pytest.raises(ValueError, match="2 to 16"):
        function(bits)


def test_clipped_on_either_side_of_uneven_levels() -> None:
    # Half a step beyond the ends: from -1.5 to 7.
    error = rounding_error([-1.6, -1.4, 6.9, 7.1, 0.0], Grid(np.array([-1.0, 0.0, 1.0, 5.0])))
    assert error.clipped == pytest.approx(2 / 5)


@pytest.mark.parametrize("numbers", [[0.0, 0.0], [1.0, -2.0]], ids=["no energy", "no error"])
def test_no_ratio_without_error_or_energy(numbers: list[float]) -> None:
    error = rounding_error(numbers, symmetric_grid(3.0, 3))
    assert error.sqnr_db is None
    assert error.mean_squared == 0


@given(values, thresholds, widths)
def test_clipped_are_those_that_more_levels_would_round_elsewhere(
    numbers: list[float], threshold: float, bits: int
) -> None:
    n = 2 ** (bits - 1) - 1
    grid, step = symmetric_grid(threshold, bits), threshold / n
    wider = Grid(np.arange(-2 * n, 2 * n + 1) * step)
    magnitudes = np.abs(np.array(numbers))
    # Half a step beyond the last level, where rounding decides, either answer is right.
    edge = np.abs(magnitudes / step - (n + 0.5)) < 1e-9
    sure = (wider.quantize(magnitudes) > grid.quantize(magnitudes) + step / 2) & ~edge
    clipped = rounding_error(numbers, grid).clipped
    assert sure.mean() <= clipped <= (sure | edge).mean()
