"""Noise around an actor: against scipy's truncated normal."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import kstest, truncnorm

from qcore.agents.exploration import truncated_normal


@pytest.mark.parametrize(
    ("mean", "sigma", "quantile"), [(0.1, 0.5, 0.9), (0.7, 0.05, 0.2), (1.0, 0.3, 0.5)]
)
def test_the_quantile_is_scipys(mean: float, sigma: float, quantile: float) -> None:
    known = truncnorm.ppf(quantile, -mean / sigma, (1 - mean) / sigma, mean, sigma)
    assert truncated_normal(mean, sigma, quantile) == pytest.approx(known)


@pytest.mark.parametrize(("mean", "sigma"), [(0.0, 0.5), (0.3, 0.2), (1.0, 0.01), (0.5, 0.005)])
def test_even_draws_make_it_a_draw(mean: float, sigma: float) -> None:
    random = np.random.default_rng(1)
    drawn = [truncated_normal(mean, sigma, random.random()) for _ in range(2000)]
    known = truncnorm(-mean / sigma, (1 - mean) / sigma, mean, sigma)
    assert kstest(drawn, known.cdf).pvalue > 0.01
    assert 0 <= min(drawn) <= max(drawn) <= 1


def test_a_mean_outside_is_moved_in() -> None:
    for quantile in (0.01, 0.5, 0.99):
        assert truncated_normal(1.7, 0.1, quantile) == truncated_normal(1.0, 0.1, quantile)
        assert truncated_normal(-9.0, 0.1, quantile) == truncated_normal(0.0, 0.1, quantile)
