"""Slope and bias: tables by hand, and rounding after the shift."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from qcore.quantize.slope_bias import dequantize, quantize


def vector(numbers: list[float]) -> Tensor:
    return torch.tensor(numbers, dtype=torch.float64)


@pytest.mark.parametrize(
    ("slope", "bias", "values"),
    [
        (1, 0, [0, 1, 2, 3, 4, 5, 6, 7]),
        (0.25, 0, [0, 0.25, 0.5, 0.75, 1, 1.25, 1.5, 1.75]),
        (4, 0, [0, 4, 8, 12, 16, 20, 24, 28]),
        (1.5, 10, [10, 11.5, 13, 14.5, 16, 17.5, 19, 20.5]),
    ],
)
def test_tables_of_three_bits(slope: float, bias: float, values: list[float]) -> None:
    integers = torch.arange(8, dtype=torch.int32)
    assert dequantize(integers, slope, bias).tolist() == values
    assert torch.equal(quantize(vector(values), slope, bias, 3), integers)
    beyond = vector([bias - 100, bias + slope * 100])
    assert quantize(beyond, slope, bias, 3).tolist() == [0, 7]


@pytest.mark.parametrize(
    ("slope", "bias", "expected"),
    [
        (0.2, -1.0, [-1, -0.4, 0, 0.2, 1.0, 2.0]),
        (2.9 / 15, -5 * 2.9 / 15, [-0.966667, -0.386667, 0, 0.386667, 1.16, 1.933333]),
        (2.9 / 15, -0.95, [-0.95, -0.37, 0.016667, 0.21, 1.176667, 1.95]),
    ],
    ids=["exact zero", "zero point rounded", "zero is no level"],
)
def test_rounding_after_the_shift(slope: float, bias: float, expected: list[float]) -> None:
    """Hubara et al. 2020 (arXiv 2006.10518) round after the shift: 0.3 / 0.2 + 5 = 6.5 is 6."""
    x = vector([-1, -0.4, 0, 0.3, 1.1, 2])
    found = dequantize(quantize(x, slope, bias, 4), slope, bias)
    assert found.tolist() == pytest.approx(expected, abs=1e-6)


def test_each_row_has_its_own_slope_and_bias() -> None:
    slope, bias = vector([1, 2]).reshape(2, 1), vector([0, 10]).reshape(2, 1)
    integers = quantize(vector([3, 9, 14, 11]).reshape(2, 2), slope, bias, 3)
    assert integers.tolist() == [[3, 7], [2, 0]]
    assert dequantize(integers, slope, bias).tolist() == [[3, 7], [14, 10]]


@given(
    st.lists(st.floats(-10, 10), min_size=1, max_size=30),
    st.floats(0.01, 2),
    st.floats(-5, 5),
    st.integers(2, 12),
)
def test_half_a_slope_inside_the_range(
    numbers: list[float], slope: float, bias: float, bits: int
) -> None:
    x = vector(numbers)
    one_slope = vector([slope])[0]
    back = dequantize(quantize(x, slope, bias, bits), one_slope, bias)
    inside = (x >= bias) & (x <= bias + slope * (2**bits - 1))
    assert ((back - x).abs()[inside] <= slope / 2 * (1 + 1e-9)).all()
    assert (dequantize(quantize(x.sort().values, slope, bias, bits), slope, bias).diff() >= 0).all()
    assert torch.equal(quantize(back, slope, bias, bits), quantize(x, slope, bias, bits))
