"""Sums over kernels and intervals by bootstrap."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from safetensors.numpy import load, save
from scipy import stats

from qcore.sensitivity.interval import student_quantile
from qcore.sensitivity.projection.bootstrap import bootstrap_interval
from qcore.sensitivity.projection.kernel_sums import KernelSums


def sums(seed: int) -> KernelSums:
    rng = np.random.default_rng(seed)
    shape = (2, 5, 3)
    counts = np.array([4, 3])
    arrays = (rng.random(shape), rng.random(shape), rng.random(shape[1:]))
    return KernelSums((2, 3, 8), ("a", "b"), (2, 3), counts, *arrays)


def test_means_over_halves() -> None:
    one = sums(1)
    np.testing.assert_allclose(one.means(), one.totals.sum(0) / 7)
    np.testing.assert_allclose(one.means([1]), one.totals[1] / 3)


def test_joined_adds() -> None:
    one, two = sums(1), sums(2)
    whole = one.joined(two)
    assert whole.images == 14
    np.testing.assert_allclose(whole.means(), (one.means() + two.means()) / 2)
    np.testing.assert_array_equal(whole.energies, one.energies)
    other = replace(one, layers=("a", "c"))
    with pytest.raises(ValueError, match="other layers"):
        one.joined(other)


def test_through_bytes() -> None:
    one = sums(3)
    copy = KernelSums.from_bytes(one.to_bytes())
    assert (copy.bits, copy.layers, copy.kernels) == (one.bits, one.layers, one.kernels)
    np.testing.assert_array_equal(copy.totals, one.totals)
    np.testing.assert_array_equal(copy.squares, one.squares)
    np.testing.assert_array_equal(copy.energies, one.energies)
    assert list(copy.layer_numbers) == [0, 0, 1, 1, 1]


@pytest.mark.parametrize(
    "change",
    [
        {"totals": np.zeros((2, 4, 3))},
        {"totals": np.full((2, 5, 3), np.inf)},
        {"totals": np.zeros((2, 5, 3), np.float32)},
        {"counts": np.array([-1, 8])},
        {"energies": np.zeros((2, 5, 3))},
        {"energies": np.full((5, 3), np.nan)},
        {"counts": np.zeros(3, np.int64)},
        {"facts": np.frombuffer(b"[[[", np.uint8)},
        {"facts": np.frombuffer(b"[" * 100_000, np.uint8)},
        {"facts": np.frombuffer(b'{"bits": [2]}', np.uint8)},
        {"facts": np.frombuffer(b"\xff", np.uint8)},
    ],
)
def test_nonsense_is_a_value_error(change: dict[str, np.ndarray]) -> None:
    arrays = load(sums(4).to_bytes())
    with pytest.raises(ValueError):  # noqa: PT011 - each has words of its own
        KernelSums.from_bytes(save({**arrays, **change}))


def test_other_bytes_are_a_value_error() -> None:
    for content in (b"", b"PK", sums(5).to_bytes()[:-8]):
        with pytest.raises(ValueError, match="not sums"):
            KernelSums.from_bytes(content)


def test_few_samples_have_students_interval() -> None:
    values = np.random.default_rng(1).random((6, 3))
    low, high = bootstrap_interval(values)
    for cell in range(3):
        error = stats.sem(values[:, cell])
        expected = stats.t.interval(0.95, 5, values[:, cell].mean(), error)
        assert (low[cell], high[cell]) == pytest.approx(expected)


def test_bootstrap_of_normal_values_is_students_interval() -> None:
    values = np.random.default_rng(2).normal(5, 1, (400, 40))
    low, high = bootstrap_interval(values, 4000)
    half = stats.t.ppf(0.975, 399) * stats.sem(values)
    np.testing.assert_allclose(((high - low) / 2).mean(), half.mean(), rtol=0.03)
    np.testing.assert_allclose(((high + low) / 2).mean(), values.mean(), atol=0.005)


def test_coverage_on_skewed_values() -> None:
    """Log-normal, sigma 1, 64 samples: nearer to 95 of 100 than Student's interval, and leaning to
    the side of the long tail."""
    values = np.exp(np.random.default_rng(3).normal(size=(64, 4000)))
    low, high = bootstrap_interval(values)
    truth = np.exp(0.5)
    covered = ((low <= truth) & (truth <= high)).mean()
    half = student_quantile(63) * values.std(0, ddof=1) / 8
    by_student = (abs(values.mean(0) - truth) <= half).mean()
    assert by_student < covered
    assert 0.91 < covered < 0.97
    assert (high - values.mean(0)).mean() > 1.3 * (values.mean(0) - low).mean()


def test_constant_and_almost_constant_values_are_finite() -> None:
    values = np.zeros((64, 2))
    values[5, 1] = 1.0
    low, high = bootstrap_interval(values)
    assert (low[0], high[0]) == (0, 0)
    assert np.isfinite([low[1], high[1]]).all()
    assert low[1] <= values[:, 1].mean() < high[1]


def test_one_sample_has_no_interval() -> None:
    with pytest.raises(ValueError, match="two samples"):
        bootstrap_interval(np.zeros((1, 3)))


def test_same_seed_same_interval() -> None:
    values = np.random.default_rng(4).random((30, 4))
    np.testing.assert_array_equal(bootstrap_interval(values), bootstrap_interval(values))
    assert not np.array_equal(bootstrap_interval(values), bootstrap_interval(values, seed=1))
