"""Integer products and requantization: the worked example, exact fractions, and NumPy's twin."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from qcore.quantize.limits import full_range, restricted_range
from qcore.quantize.matmul import affine_terms, integer_matmul
from qcore.quantize.multiplier import Multiplier, integer_multiplier, multiply
from qcore.quantize.requantize import requantize
from qcore.quantize.uniform import dequantize, quantize

A = [[-1.54, 0.22], [-0.26, 0.65]]
B = [[0.35], [-0.51]]
accumulators = st.lists(st.integers(-(2**31), 2**31 - 1), min_size=1, max_size=20)


def matrix(numbers: list[list[float]]) -> Tensor:
    return torch.tensor(numbers, dtype=torch.float64)


def test_worked_example_from_product_to_few_integers() -> None:
    a, b = matrix(A), matrix(B)
    assert (a @ b).reshape(-1).tolist() == pytest.approx([-0.6512, -0.4225])
    scale_a, scale_b = matrix([[1 / 63.5]]), matrix([[1 / 127]])
    assert quantize(a, scale_a, 0, *restricted_range(8)).tolist() == [[-98, 14], [-17, 41]]
    assert quantize(b, scale_b, 0, *restricted_range(8)).tolist() == [[44], [-65]]
    whole, real = integer_matmul(a, b, scale_a, scale_b, restricted_range(8))
    assert whole.tolist() == [[-5222], [-3413]]
    assert whole.dtype == torch.int64
    assert real.reshape(-1).tolist() == pytest.approx([-0.647529, -0.423213], abs=1e-6)

    new_scale = 3 / 127
    factor = float(scale_a * scale_b) / new_scale
    assert factor == pytest.approx(0.00524934, abs=1e-8)
    assert (whole * factor).reshape(-1).tolist() == pytest.approx([-27.412, -17.916], abs=1e-3)
    few = requantize(whole, integer_multiplier(factor))
    assert few.tolist() == [[-27], [-18]]
    back = dequantize(few, matrix([[new_scale]]), 0)
    assert back.reshape(-1).tolist() == pytest.approx([-0.637795, -0.425197], abs=1e-6)


def test_multiplier_known_answer() -> None:
    multiplier = integer_multiplier((127 / 3) / (63.5 * 127))
    assert (multiplier.mantissa, multiplier.shift) == (1442928645, 38)
    assert multiplier.mantissa / 2**31 == pytest.approx(0.671916, abs=1e-6)
    sums = torch.tensor([-5222, -3413], dtype=torch.int32)
    assert requantize(sums, multiplier).tolist() == [-27, -18]


@given(accumulators, st.integers(2**30, 2**31 - 1), st.integers(1, 62))
def test_exactly_the_rounded_product(numbers: list[int], mantissa: int, shift: int) -> None:
    found = requantize(torch.tensor(numbers), Multiplier(mantissa, shift))
    for number, result in zip(numbers, found.tolist(), strict=True):
        exact = abs(Fraction(number) * mantissa / 2**shift)
        away = int(exact + Fraction(1, 2))  # halves away from zero
        assert result == (away if number >= 0 else -away)


@given(accumulators, st.floats(1e-9, 1e9))
def test_equals_numpys_twin_and_nearly_the_real_product(numbers: list[int], real: float) -> None:
    multiplier = integer_multiplier(real)
    found = requantize(torch.tensor(numbers), multiplier)
    assert np.array_equal(found.numpy(), multiply(numbers, multiplier))
    products = np.array(numbers) * real
    assert (np.abs(found.numpy() - products) <= 0.5 + np.abs(products) * 2.0**-30).all()


def test_halves_round_away_from_zero_and_stay_odd() -> None:
    half = integer_multiplier(0.5)
    assert requantize(torch.tensor([1, 3, -1, -3, 0, 2]), half).tolist() == [1, 2, -1, -2, 0, 1]


@pytest.mark.parametrize("number", [2**31, -(2**31) - 1])
def test_accumulators_beyond_32_bits_are_refused(number: int) -> None:
    with pytest.raises(ValueError, match="32 bits"):
        requantize(torch.tensor([0, number]), Multiplier(2**30, 31))


def test_no_accumulators() -> None:
    assert requantize(torch.zeros(0, 3, dtype=torch.int32), Multiplier(2**30, 31)).shape == (0, 3)


@given(st.integers(0, 1000), st.sampled_from([restricted_range(4), full_range(8)]))
def test_integer_product_is_the_product_of_the_rounded(
    seed: int, integers: tuple[int, int]
) -> None:
    g = torch.Generator().manual_seed(seed)
    left, right = (torch.randn(4, 4, generator=g, dtype=torch.float64) for _ in range(2))
    rows = torch.rand(4, 1, generator=g, dtype=torch.float64) + 0.01
    columns = torch.rand(1, 4, generator=g, dtype=torch.float64) + 0.01
    whole, real = integer_matmul(left, right, rows, columns, integers)
    a = np.clip(np.rint(left.numpy() / rows.numpy()), *integers)
    b = np.clip(np.rint(right.numpy() / columns.numpy()), *integers)
    assert np.array_equal(whole.numpy(), a @ b)
    assert real.numpy() == pytest.approx((a * rows.numpy()) @ (b * columns.numpy()), abs=1e-9)


def test_four_terms_by_hand() -> None:
    terms = affine_terms(matrix([[1, 2]]), matrix([[3], [4]]), (0.5, 1), (0.1, 2))
    assert [float(term) for term in terms] == pytest.approx([0.55, 3, 0.7, 4])


@given(st.integers(0, 1000), *[st.floats(-3, 3)] * 4)
def test_four_terms_are_the_product(
    seed: int, scale_a: float, bias_a: float, scale_b: float, bias_b: float
) -> None:
    g = torch.Generator().manual_seed(seed)
    a = torch.randint(-128, 128, (3, 5), generator=g)
    b = torch.randint(-128, 128, (5, 2), generator=g)
    terms = affine_terms(a, b, (scale_a, bias_a), (scale_b, bias_b))
    assert all(term.shape == (3, 2) for term in terms)
    product = (scale_a * a.double() + bias_a) @ (scale_b * b.double() + bias_b)
    assert torch.allclose(sum(terms, torch.zeros(())), product, rtol=1e-9, atol=1e-6)
