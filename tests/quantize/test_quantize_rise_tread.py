"""Mid-rise and mid-tread: the plain formulas by hand, the bounded ones by their levels."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.special import ndtri
from torch import Tensor

from qcore.quantize.rise_tread import (
    mid_rise,
    mid_rise_bounds,
    mid_tread,
    mid_tread_bounds,
    step_size,
)

X = [-1, -0.4, -0.1, 0, 0.1, 0.3, 0.75, 1]
values = st.lists(st.floats(-10, 10, width=32), min_size=2, max_size=40).filter(
    lambda numbers: max(numbers) - min(numbers) > 1e-3
)
widths = st.integers(2, 12)


def vector(numbers: list[float]) -> Tensor:
    return torch.tensor(numbers, dtype=torch.float64)


def test_plain_formulas_known_answers() -> None:
    x = vector(X)
    step = step_size(x, 2)
    assert float(step) == 0.5
    risen, trodden = mid_rise(x, step), mid_tread(x, step)
    assert risen.tolist() == [-0.75, -0.25, -0.25, 0.25, 0.25, 0.25, 0.75, 1.25]
    assert trodden.tolist() == [-1, -0.5, 0, 0, 0, 0.5, 1, 1]
    # One level too many for 2 bits, and in mid-rise a value beyond the range.
    assert len(risen.unique()) == 5
    assert len(mid_tread(torch.linspace(-1, 1, 99), 0.5).unique()) == 5


def test_bounded_keeps_4_levels_at_2_bits() -> None:
    x = vector(X)
    step = step_size(x, 2)
    risen = mid_rise(x, step, mid_rise_bounds(x, step, 2))
    assert risen.tolist() == [-0.75, -0.25, -0.25, 0.25, 0.25, 0.25, 0.75, 0.75]
    trodden = mid_tread(x, step, mid_tread_bounds(x, step, 2))
    assert trodden.tolist() == [-1, -0.5, 0, 0, 0, 0.5, 0.5, 0.5]


@pytest.mark.parametrize(
    ("bits", "step", "error"),
    [(2, 0.9957, 0.118846), (3, 0.5860, 0.037440), (4, 0.3352, 0.011543), (8, 0.0308, 8.8e-5)],
)
def test_best_mid_rise_of_the_normal_distribution(bits: int, step: float, error: float) -> None:
    """Max 1960 (Quantizing for minimum distortion), table II: the best step for N(0, 1)."""
    points = vector(ndtri([(k + 0.5) / 100_000 for k in range(100_000)]).tolist())
    half = torch.tensor(2.0 ** (bits - 1), dtype=torch.float64)

    def measured(delta: float) -> float:
        rounded = mid_rise(points, delta, (-half, half - 1))
        return float((rounded - points).square().mean())

    # The points end at 4.4, where the normal does not; that shows at 8 bits only.
    assert measured(step) == pytest.approx(error, rel=2e-3 if bits < 8 else 0.05)
    if bits < 8:
        assert measured(step) <= min(measured(step * 0.97), measured(step * 1.03))


def test_error_of_the_plain_formulas_on_uniform_values_is_a_twelfth() -> None:
    x = (torch.arange(80_000, dtype=torch.float64) + 0.5) / 10_000 - 4
    expected, _ = quad(lambda e: e * e, -0.5, 0.5)
    for quantizer in (mid_rise, mid_tread):
        assert float((quantizer(x, 1.0) - x).square().mean()) == pytest.approx(expected, rel=1e-6)


@given(values, widths)
def test_bounded_levels_are_those_of_the_range(numbers: list[float], bits: int) -> None:
    x = vector(numbers)
    step = step_size(x, bits)
    low, high, slack = float(x.min()), float(x.max()), float(step) * 1e-6
    for half, quantizer, bounds_of in (
        (0.5, mid_rise, mid_rise_bounds),
        (0.0, mid_tread, mid_tread_bounds),
    ):
        first, last = bounds_of(x, step, bits)
        assert float(last - first) == 2**bits - 1
        assert low - slack <= (float(first) + half) * float(step)
        assert (float(last) + half) * float(step) <= high + slack
        rounded = quantizer(x, step, (first, last))
        levels = (torch.arange(2**bits).double() + first + half) * step
        nearest = (x[:, None] - levels).abs().amin(1)
        assert torch.allclose((rounded - x).abs(), nearest, rtol=0, atol=slack)
        assert (nearest <= float(step) * (1 + 1e-6)).all()


@given(values, widths)
def test_zero_is_a_level_of_mid_tread_alone(numbers: list[float], bits: int) -> None:
    x = vector([*numbers, 0.0])
    step = step_size(x, bits)
    if float(x.max()) > 1e-6:  # the maximum itself is left out
        assert mid_tread(x, step, mid_tread_bounds(x, step, bits))[-1] == 0
    assert mid_rise(x, step, mid_rise_bounds(x, step, bits))[-1].abs() >= step / 2 * (1 - 1e-9)


@pytest.mark.parametrize("value", [0.0, 0.3, -7.0, 1e-30])
def test_values_that_are_all_the_same_stay(value: float) -> None:
    x = torch.full((5,), value)
    step = step_size(x, 4)
    assert step > 0
    for rounded in (
        mid_rise(x, step, mid_rise_bounds(x, step, 4)),
        mid_tread(x, step, mid_tread_bounds(x, step, 4)),
    ):
        assert rounded.tolist() == pytest.approx([value] * 5, rel=1e-6, abs=2.0**-60)


def test_bits_out_of_range() -> None:
    x = torch.ones(3)
    for call in (step_size, lambda v, b: mid_rise_bounds(v, v[0], b)):
        with pytest.raises(ValueError, match="2 to 16"):
            call(x, 1)
    with pytest.raises(ValueError, match="2 to 16"):
        mid_tread_bounds(x, x[0], 17)
