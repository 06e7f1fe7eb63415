"""k-means codebook: shared weights, each stored as the index of its centroid.

Han et al. 2016, Deep Compression (arXiv 1510.00149), section 3. The bias is not shared.
"""

from __future__ import annotations

import warnings

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from qcore.quantize.levels import nearest
from qcore.quantize.limits import checked_bits

_FloatArray = npt.NDArray[np.float64]

_EXACT, _BINS, _ITERATIONS = 2**16, 2**14, 50


def fit_codebook(weights: Tensor, bits: int, *, seed: int = 0, skip_zeros: bool = False) -> Tensor:
    """At most 2^b centroids (centroids,), rising, of the dtype of weights (any shape).

    scikit-learn's KMeans, one k-means++ start drawn from ``seed``, at most 50 iterations: a local
    minimum of the squared error. Weights with no more different values than centroids are their own
    codebook. Of more than 2^16 weights the means of 2^14 equally wide bins are clustered, each
    weighted with its count; a centroid is then off by less than a bin. ``skip_zeros`` leaves exact
    zeros out, which a pruned layer stores as absent; zeros alone give the codebook (0,). Time grows
    with 2^b. Example: -1.1, -1, -0.9, 0.05, 0.1, 0.15, 0.9, 1, 1.1, 2 at 2 bits: -1, 0.1, 1, 2.
    Raises ValueError outside 2..16 bits.
    """
    clusters = 2 ** checked_bits(bits)
    values = weights.detach().double().cpu().reshape(-1).numpy()
    if skip_zeros and values.any():
        values = values[values != 0]
    points, counts = _binned(values) if values.size > _EXACT else np.unique_counts(values)
    if points.size > clusters:
        points = _cluster(points, counts, clusters, seed)
    return torch.from_numpy(points).to(weights)


def quantize(weights: Tensor, centroids: Tensor, *, keep_zeros: bool = False) -> Tensor:
    """Every weight becomes its nearest centroid; shape and dtype of weights.

    ``keep_zeros`` leaves exact zeros alone, for a codebook fitted without them. Example: 0, 0.2, 1
    with centroids 0.25, 1 become 0.25, 0.25, 1, or 0, 0.25, 1 with zeros kept.
    """
    rounded = nearest(weights, centroids)
    return rounded.masked_fill_(weights == 0, 0) if keep_zeros else rounded


def storage_bits(weights: int, bits: int) -> int:
    """n * b + 2^b * 32: an index for each weight and the codebook in float32.

    Han et al. 2016, section 3, the denominator of the compression rate. Example: 16 weights at 2
    bits take 160 bits, 3.2 times less than the 512 of float32.
    """
    return weights * bits + 32 * (1 << bits)


def _binned(values: _FloatArray) -> tuple[_FloatArray, npt.NDArray[np.int64]]:
    """The mean and the count of every bin that is not empty, rising."""
    low, high = float(values.min()), float(values.max())
    scaled = (values - low) * (_BINS / (high - low)) if high > low else np.zeros_like(values)
    index = np.minimum(scaled.astype(np.int64), _BINS - 1)
    counts = np.bincount(index, minlength=_BINS)
    sums = np.bincount(index, weights=values, minlength=_BINS)
    used = counts > 0
    return sums[used] / counts[used], counts[used]


def _cluster(
    points: _FloatArray, counts: npt.NDArray[np.int64], clusters: int, seed: int
) -> _FloatArray:
    # The import takes a second, which only those who cluster should wait for.
    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning

    model = KMeans(clusters, n_init=1, max_iter=_ITERATIONS, random_state=seed)
    with warnings.catch_warnings():
        # Points that differ by rounding only may leave two centroids in one place, which is fine.
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(points.reshape(-1, 1), sample_weight=counts)
    return np.sort(np.asarray(model.cluster_centers_, np.float64).reshape(-1))
