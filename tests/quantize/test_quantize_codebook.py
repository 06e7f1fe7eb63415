"""The codebook against scikit-learn, an exact solution and the formula of its size."""

from __future__ import annotations

import warnings
from itertools import combinations

import numpy as np
import pytest
import torch
from sklearn.cluster import KMeans
from torch import Tensor

from qcore.quantize.codebook import fit_codebook, quantize, storage_bits

X = [-1.1, -1, -0.9, 0.05, 0.1, 0.15, 0.9, 1, 1.1, 2]


@pytest.fixture(autouse=True)
def warnings_are_errors() -> object:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def vector(numbers: list[float]) -> Tensor:
    return torch.tensor(numbers, dtype=torch.float64)


def inertia(x: Tensor, centroids: Tensor) -> float:
    return float((quantize(x, centroids) - x).square().sum())


def least_inertia(x: list[float], clusters: int) -> float:
    """In one dimension the best clusters are runs of the sorted values: try every cut."""
    ordered = np.sort(x)
    cuts = combinations(range(1, len(x)), clusters - 1)
    return min(sum(part.var() * part.size for part in np.split(ordered, cut)) for cut in cuts)


def test_known_answer() -> None:
    centroids = fit_codebook(vector(X), 2)
    assert centroids.tolist() == pytest.approx([-1, 0.1, 1, 2])
    assert inertia(vector(X), centroids) == pytest.approx(0.045)
    assert least_inertia(X, 4) == pytest.approx(0.045)


@pytest.mark.parametrize("bits", [2, 4])
def test_equals_scikit_learn(bits: int) -> None:
    x = torch.randn(40, 25, generator=torch.Generator().manual_seed(bits))
    oracle = KMeans(2**bits, n_init=1, max_iter=50, random_state=7)
    oracle.fit(np.unique(x.double().numpy()).reshape(-1, 1))
    centroids = fit_codebook(x, bits, seed=7)
    assert centroids.dtype == x.dtype
    assert centroids.tolist() == pytest.approx(np.sort(oracle.cluster_centers_[:, 0]), rel=1e-5)
    assert inertia(x, centroids) == pytest.approx(oracle.inertia_, rel=1e-4)


def test_values_that_occur_often_weigh_more() -> None:
    """Four clusters for five places: the one value that occurs once has to share."""
    numbers = [0.0] * 100 + [1.0] * 100 + [1.5] + [3.0] * 100 + [4.5] * 100
    found = fit_codebook(vector(numbers), 2).tolist()
    assert found == pytest.approx([0, 101.5 / 101, 3, 4.5])


def test_large_tensors_are_clustered_by_bins_nearly_as_well() -> None:
    x = torch.randn(70_000, generator=torch.Generator().manual_seed(1)).double()
    oracle = KMeans(8, n_init=1, max_iter=50, random_state=0).fit(x.numpy().reshape(-1, 1))
    centroids = fit_codebook(x, 3)
    assert len(centroids) == 8
    # Two local minima, from different starts.
    assert inertia(x, centroids) <= oracle.inertia_ * 1.02
    # Max 1960, table I: 8 levels on N(0, 1) leave 0.03454 at best.
    assert inertia(x, centroids) / x.numel() == pytest.approx(0.03454, rel=0.04)


@pytest.mark.parametrize("copies", [1, 70_000], ids=["few values", "many values"])
def test_no_more_different_values_than_centroids(copies: int) -> None:
    for numbers in ([5.0], [0.5, -1.0], [4.0, 1.0, 2.0, 3.0]):
        x = vector(numbers).repeat(copies)
        centroids = fit_codebook(x, 2)
        assert centroids.tolist() == pytest.approx(sorted(numbers))
        assert torch.allclose(quantize(x, centroids), x, rtol=1e-12, atol=0)


def test_values_that_differ_by_rounding_only() -> None:
    x = vector([0.0, 1e-300, 2e-300, 3e-300, 4e-300, 1.0])
    found = quantize(x, fit_codebook(x, 2))
    assert found.tolist() == pytest.approx(x.tolist(), abs=1e-290)


def test_pruned_zeros_are_left_out() -> None:
    x = vector([0.0] * 30 + [-1.1, -0.9, 0.4, 0.6, 2.0, 2.2, 3.0, 3.2])
    centroids = fit_codebook(x, 2, skip_zeros=True)
    assert centroids.tolist() == pytest.approx([-1, 0.5, 2.1, 3.1])
    kept = quantize(x, centroids, keep_zeros=True)
    assert torch.equal(kept == 0, x == 0)
    assert quantize(x, centroids)[0] == pytest.approx(0.5)
    assert fit_codebook(x, 2).tolist() == pytest.approx([-1, 1 / 32, 2.1, 3.1])
    assert fit_codebook(vector([0.0, 0.0]), 2, skip_zeros=True).tolist() == [0]


def test_equal_seeds_give_equal_codebooks() -> None:
    x = torch.randn(5000, generator=torch.Generator().manual_seed(1))
    assert torch.equal(fit_codebook(x, 4, seed=3), fit_codebook(x, 4, seed=3))


@pytest.mark.parametrize(
    ("weights", "bits", "stored", "ratio"),
    [(16, 2, 160, 3.2), (1_000_000, 4, 4_000_512, 7.999)],
)
def test_storage(weights: int, bits: int, stored: int, ratio: float) -> None:
    assert storage_bits(weights, bits) == stored
    assert weights * 32 / stored == pytest.approx(ratio, abs=1e-3)


@pytest.mark.parametrize("bits", [1, 17])
def test_bits_out_of_range(bits: int) -> None:
    with pytest.raises(ValueError, match="2 to 16"):
        fit_codebook(torch.ones(3), bits)
