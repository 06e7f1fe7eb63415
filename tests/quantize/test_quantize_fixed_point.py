"""Dynamic fixed point against PyTorch, numbers by hand and a search of every length."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from qcore.quantize.fixed_point import fractional_length, quantize

WEIGHTS = [0.9, -0.41, 0.13, 0.03, -0.77, 0.26]
LARGE = [3.1, -1.3, 0.4, 0.05]
# Below 1e-12 the step of the best length may be no normal number of float32.
floats = st.floats(-100, 100, width=32).map(lambda v: v if abs(v) > 1e-12 else 0.0)
values = st.lists(floats, min_size=1, max_size=40)
widths = st.integers(2, 16)


def vector(numbers: list[float]) -> Tensor:
    return torch.tensor(numbers, dtype=torch.float64)


def error(x: Tensor, bits: int, length: int, reference: Tensor | None = None) -> float:
    """Sum of absolute errors, by Python's own numbers."""
    half = 2 ** (bits - 1)
    target = x if reference is None else reference
    total = 0.0
    for value, wanted in zip(x.reshape(-1).tolist(), target.reshape(-1).tolist(), strict=True):
        # In two steps: one power of two may lie beyond what a float holds.
        integer = min(max(round(math.ldexp(value, length)), -half), half - 1)
        total += abs(wanted - math.ldexp(integer, -length))
    return total


@pytest.mark.parametrize(
    ("numbers", "bits", "errors", "best"),
    [
        (WEIGHTS, 8, {5: 0.0375, 6: 0.02625, 7: 0.015, 8: 0.678}, 7),
        (LARGE, 4, {0: 0.85, 1: 0.45, 2: 1.55}, 1),
        (LARGE, 8, {5: 0.0375}, 5),
    ],
    ids=["fractions", "4 bits", "8 bits"],
)
def test_known_answers(
    numbers: list[float], bits: int, errors: dict[int, float], best: int
) -> None:
    x = vector(numbers)
    for length, expected in errors.items():
        found = float((quantize(x, bits, length) - x).abs().sum())
        assert found == pytest.approx(expected, abs=5e-4)
    assert fractional_length(x, bits) == best


@pytest.mark.parametrize("bits", [2, 4, 8, 16])
@pytest.mark.parametrize("length", [-5, 0, 7, 20])
def test_equals_fake_quantize_of_torch(bits: int, length: int) -> None:
    x = torch.randn(500, generator=torch.Generator().manual_seed(1)) * 2.0 ** (bits - 2 - length)
    half = 2 ** (bits - 1)
    oracle = torch.fake_quantize_per_tensor_affine(x, 2.0**-length, 0, -half, half - 1)
    assert torch.equal(quantize(x, bits, length), oracle)


@given(values, widths)
def test_no_length_is_better_and_no_smaller_one_as_good(numbers: list[float], bits: int) -> None:
    x = vector(numbers)
    found = fractional_length(x, bits)
    if not x.any():
        assert found == bits - 1
        return
    # Below, everything is zero; far above, nothing is left but the clipped ends.
    start = -math.frexp(float(x.abs().max()))[1] - 1
    errors = {length: error(x, bits, length) for length in range(start, start + bits + 12)}
    lowest = min(errors.values())
    assert error(x, bits, found) <= lowest * (1 + 1e-12)
    assert all(errors[length] > lowest * (1 - 1e-12) for length in range(start, found))
    assert found == min(k for k, e in errors.items() if e <= lowest * (1 + 1e-12))


@given(values, widths, st.integers(0, 1000))
def test_features_choose_by_the_output_computed_in_few_bits(
    numbers: list[float], bits: int, seed: int
) -> None:
    exact = vector(numbers)
    noise = torch.randn(len(exact), generator=torch.Generator().manual_seed(seed)).double()
    computed = exact + noise * 0.1
    found = fractional_length(computed, bits, reference=exact)
    start = -math.frexp(float(computed.abs().max()))[1] - 1
    tried = [error(computed, bits, k, exact) for k in range(start, start + bits + 12)]
    assert error(computed, bits, found, exact) <= min(tried) * (1 + 1e-12)


def test_features_may_choose_otherwise_than_their_own_rounding() -> None:
    # Quantized weights overshoot the float outputs, and clipping to 0.9375 repairs that.
    computed, exact = vector([1.2, 0.37]), vector([0.94, 0.37])
    assert fractional_length(computed, 5) == 3
    assert fractional_length(computed, 5, reference=exact) == 4


@pytest.mark.parametrize("numbers", [[0.0, 0.0], [1e-44, -1e-44]], ids=["zeros", "denormal"])
def test_values_without_a_length(numbers: list[float]) -> None:
    x = torch.tensor(numbers)
    assert fractional_length(x, 8) == 7
    assert torch.isfinite(quantize(x, 8, 7)).all()


def test_whole_numbers_need_no_fraction() -> None:
    """Lengths 0 to 5 are all exact for these; the smallest is taken."""
    assert fractional_length(vector([1, 2, 3, -1]), 8) == 0


@given(values, widths.filter(lambda bits: bits < 16))
def test_one_bit_more_is_never_worse(numbers: list[float], bits: int) -> None:
    """The levels of a length at b bits are all among those at b + 1 bits."""
    x = vector(numbers)
    sums = [error(x, b, fractional_length(x, b)) for b in (bits, bits + 1)]
    assert sums[1] <= sums[0] * (1 + 1e-12)


@pytest.mark.parametrize("bits", [1, 17])
@pytest.mark.parametrize("x", [torch.zeros(3), torch.ones(3)], ids=["zeros", "ones"])
def test_bits_out_of_range(bits: int, x: Tensor) -> None:
    with pytest.raises(ValueError, match="2 to 16"):
        quantize(x, bits, 0)
    with pytest.raises(ValueError, match="2 to 16"):
        fractional_length(x, bits)
