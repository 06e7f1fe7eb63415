"""Stochastic rounding against its probability, mean and variance."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from qcore.quantize.stochastic import neighbours, stochastic_round

LEVELS = [-1, -1 / 3, 1 / 3, 1]


def vector(numbers: list[float]) -> Tensor:
    return torch.tensor(numbers, dtype=torch.float64)


def rounded(x: Tensor, levels: Tensor, seed: int = 0) -> Tensor:
    return stochastic_round(x, levels, torch.Generator().manual_seed(seed))


def test_probability_known_answer() -> None:
    lower, upper, up = neighbours(vector([0.1]), vector(LEVELS))
    assert (float(lower), float(upper)) == (pytest.approx(-1 / 3), pytest.approx(1 / 3))
    assert 1 - float(up) == pytest.approx(0.35)
    mean = 0.35 * float(lower) + 0.65 * float(upper)
    assert mean == pytest.approx(0.1)
    variance = 0.35 * (float(lower) - mean) ** 2 + 0.65 * (float(upper) - mean) ** 2
    assert variance == pytest.approx(0.101111, abs=1e-6)


def test_draws_have_that_probability_mean_and_variance() -> None:
    count = 1_000_000
    drawn = rounded(torch.full((count,), 0.1, dtype=torch.float64), vector(LEVELS))
    # Five standard errors; the fourth moment of two values bounds the one of the variance.
    assert float((drawn < 0).double().mean()) == pytest.approx(
        0.35, abs=5 * math.sqrt(0.35 * 0.65 / count)
    )
    assert float(drawn.mean()) == pytest.approx(0.1, abs=5 * math.sqrt(0.101111 / count))
    assert float(drawn.var()) == pytest.approx(0.101111, abs=5 * 0.2 / math.sqrt(count))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_levels_stay_and_the_ends_are_certain(dtype: torch.dtype) -> None:
    levels = vector(LEVELS).to(dtype)
    x = torch.cat([levels, levels.new_tensor([-7.0, 7.0])])
    expected = torch.cat([levels, levels[[0, -1]]])
    for seed in range(50):
        assert torch.equal(rounded(x, levels, seed), expected)


def test_repeated_levels_leave_nothing_to_choose() -> None:
    assert rounded(vector([1.0, 2.0, 3.0]), vector([2.0, 2.0, 2.0])).tolist() == [2, 2, 2]
    _, _, up = neighbours(vector([1.0, 2.0, 3.0]), vector([2.0, 2.0, 2.0]))
    assert ((up >= 0) & (up <= 1)).all()


@given(
    st.lists(st.floats(-10, 10), min_size=1, max_size=40),
    st.lists(st.floats(-10, 10), min_size=2, max_size=9, unique=True),
    st.integers(0, 99),
)
def test_a_neighbour_is_drawn(numbers: list[float], levels: list[float], seed: int) -> None:
    x, rising = vector(numbers), vector(sorted(levels))
    once = rounded(x, rising, seed)
    for value, result in zip(x.tolist(), once.tolist(), strict=True):
        below = [level for level in rising.tolist() if level <= value] or [min(levels)]
        above = [level for level in rising.tolist() if level >= value] or [max(levels)]
        assert result in (below[-1], above[0])
    assert torch.equal(rounded(once, rising, seed + 1), once)
    assert torch.equal(rounded(x, rising, seed), once)
