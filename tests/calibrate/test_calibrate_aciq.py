"""ACIQ's thresholds against its tables, and against a search over what they minimise."""

from __future__ import annotations

import numpy as np
import pytest
from calibrate_common import half_normal, histogram_of, quantiles
from scipy.integrate import quad
from scipy.optimize import minimize_scalar
from scipy.stats import laplace, norm

from qcore.calibrate.aciq import (
    gaussian_ratio,
    gaussian_threshold,
    laplace_ratio,
    laplace_threshold,
)
from qcore.calibrate.histogram import no_values

GAUSSIAN = (1.2399, 1.7106, 2.1516, 2.5591, 2.9362, 3.2869, 3.6151, 3.9240)
LAPLACE = (1.8628, 2.8307, 3.8972, 5.0286, 6.2048, 7.4131, 8.6456, 9.8968)


@pytest.mark.parametrize("bits", range(1, 9))
def test_the_published_ratios(bits: int) -> None:
    assert gaussian_ratio(bits) == pytest.approx(GAUSSIAN[bits - 1], abs=6e-5)
    assert laplace_ratio(bits) == pytest.approx(LAPLACE[bits - 1], abs=6e-5)


@pytest.mark.parametrize("bits", [2, 4, 8])
def test_they_minimise_rounding_plus_clipping(bits: int) -> None:
    for distribution, ratio in ((norm, gaussian_ratio), (laplace, laplace_ratio)):

        def error(alpha: float, density=distribution.pdf) -> float:  # type: ignore[no-untyped-def]
            clipped, _ = quad(lambda x: (x - alpha) ** 2 * density(x), alpha, alpha + 60)
            return alpha**2 / (3 * 4**bits) + 2 * clipped

        best = minimize_scalar(error, bounds=(0.5, 20), method="bounded").x
        assert ratio(bits) == pytest.approx(best, rel=1e-3)


NORMAL = norm.ppf(quantiles(20_000))
LAPLACIAN = laplace.ppf(quantiles(20_000))


@pytest.mark.parametrize("target", ["weight", "activation"])
def test_the_deviation_is_estimated_around_the_mean(target: str) -> None:
    for mean in (0.0, 0.5, -0.5):
        gaussian = histogram_of(0.3 * NORMAL + mean)
        found = gaussian_threshold(gaussian, 4, target).value  # type: ignore[arg-type]
        assert found == pytest.approx(abs(mean) + 0.3 * 2.5591, rel=3e-3)
        laplacian = histogram_of(0.1 * LAPLACIAN + mean)
        found = laplace_threshold(laplacian, 4, target).value  # type: ignore[arg-type]
        assert found == pytest.approx(abs(mean) + 0.1 * 5.0286, rel=3e-3)


@pytest.mark.parametrize("zeros", [0, 5000])
def test_one_sided_inputs_are_half_of_a_distribution(zeros: int) -> None:
    """All levels lie on one side, which is worth one bit; zeros cost nothing."""
    values = np.concatenate([half_normal(20_000), np.zeros(zeros)])
    histogram = histogram_of(values)
    assert gaussian_threshold(histogram, 4, "activation").value == pytest.approx(2.9362, rel=3e-3)
    exponential = histogram_of(np.concatenate([-np.log1p(-quantiles(20_000)), np.zeros(zeros)]))
    assert laplace_threshold(exponential, 4, "activation").value == pytest.approx(6.2048, rel=3e-3)


def test_never_beyond_the_largest_magnitude() -> None:
    uniform = histogram_of(np.linspace(-1, 1, 101))
    assert gaussian_threshold(uniform, 8, "weight").value == 1.0
    assert laplace_threshold(uniform, 8, "activation").value == 1.0
    assert gaussian_threshold(no_values(), 8, "weight").value == 0.0
