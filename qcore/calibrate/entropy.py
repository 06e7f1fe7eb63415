"""The clipping threshold of least KL divergence (TensorRT). Free of torch.

Migacz, "8-bit inference with TensorRT", GTC 2017, S7310, with the first bin neutralised.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from qcore.calibrate.threshold import Threshold

_TIE = 1e-12  # cumulative sums carry equal candidates to differences in the last digits
_BLOCK = 2**15  # entries of one array: what fits a core's cache

FloatArray = npt.NDArray[np.float64]


def entropy_threshold(counts: npt.ArrayLike, bin_width: float, levels: int) -> Threshold:
    """The threshold whose clipped histogram is closest to its copy in ``levels`` levels.

    counts (n,) of |x| in bins of ``bin_width`` from 0 on; they are not changed. Bin 0 is taken to
    hold what bin 1 does: zeros cost nothing, and their spike would draw the threshold to itself.
    Candidates and their divergences are those of ``divergences``; of equal ones the largest wins.
    ``value`` is the upper edge of the last bin kept. Raises ValueError for counts that are not one
    row of numbers >= 0 or fewer than one level. Example: the histogram of 2048 bins of a half
    normal distribution up to 4.565 and 128 levels give 1943 bins, 4.331.
    """
    neutral = _checked(counts, levels).copy()
    if neutral.size > 1:
        neutral[0] = neutral[1]
    curve = divergences(neutral, levels)
    best = int(np.flatnonzero(curve <= curve.min() + _TIE)[-1])
    index = neutral.size - curve.size + 1 + best
    return Threshold(index * bin_width, index, float(curve[best]), curve)


def divergences(counts: npt.ArrayLike, levels: int) -> FloatArray:
    """KL(P || Q) in nats of keeping the first ``levels``, levels + 1 ... n of n bins.

    Of i bins kept, P is those with all counts beyond them added to the last; Q is made from the
    same i bins without that: bin j belongs to level floor(j * levels / i), and a level's sum is
    spread evenly over its bins that are not empty. Both are normalised. Infinite where P > 0 and
    Q = 0, which is where the last bin kept is empty but some beyond it are not. A histogram with
    fewer bins than levels has one candidate, all of them; one without counts has divergence 0.

    No candidate is binned again. With N the sum of P, M that of Q, and S and m the sum and the
    number of non-empty bins of a level, N * KL = sum_j P_j log P_j - sum_level P_level log(S / m)
    + N log(M / N), and all of it is differences of cumulative sums of the counts, of c log c, and
    of non-empty bins. Example: [1, 0, 2, 3, 5, 3, 1, 7] in 2 levels, all kept: 0.1503152653.
    """
    sums = _Sums.of(_checked(counts, levels))
    first = min(levels, sums.bins.size)
    kept = np.arange(first, sums.bins.size + 1)
    if sums.mass[-1] == 0:
        return np.zeros(kept.size)
    step = max(1, _BLOCK // (levels + 1))
    blocks = [_block(sums, kept[i : i + step], levels) for i in range(0, kept.size, step)]
    return np.concatenate(blocks)


@dataclass(frozen=True, eq=False)
class _Sums:
    """``bins`` (n,), and of the first 0, 1 ... n of them: counts, c log c, how many not empty."""

    bins: FloatArray
    mass: FloatArray
    entropy: FloatArray
    filled: FloatArray

    @staticmethod
    def of(bins: FloatArray) -> _Sums:
        parts = (bins, _x_log(bins, bins), (bins > 0).astype(np.float64))
        return _Sums(bins, *(np.concatenate([[0.0], np.cumsum(part)]) for part in parts))


def _block(sums: _Sums, kept: npt.NDArray[np.int64], levels: int) -> FloatArray:
    """The divergences of these numbers of bins kept."""
    # Level l begins at the first j with floor(j * levels / i) >= l, which is ceil(l * i / levels).
    begins = (kept[:, None] * np.arange(levels + 1) + (levels - 1)) // levels
    within = np.diff(sums.mass[begins])
    shared = np.diff(sums.filled[begins])
    shared[shared == 0] = 1.0
    each = within / shared
    total, inside = sums.mass[-1], sums.mass[kept]
    beyond, last = total - inside, sums.bins[kept - 1]
    p_log_p = sums.entropy[kept - 1] + _x_log(last + beyond, last + beyond)
    p_log_q = _x_log(within, each).sum(axis=1) + _x_log(beyond, each[:, -1])
    scale = np.log(np.where(inside > 0, inside, total) / total)
    divergence = np.maximum((p_log_p - p_log_q) / total + scale, 0.0)
    return np.where((last == 0) & (beyond > 0), np.inf, divergence)


def _x_log(x: FloatArray, y: FloatArray) -> FloatArray:
    """x log y, and 0 where y is not above 0."""
    return np.asarray(x * np.log(np.where(y > 0, y, 1.0)))


def _checked(counts: npt.ArrayLike, levels: int) -> FloatArray:
    array = np.asarray(counts, np.float64)
    if array.ndim != 1 or array.size == 0 or not (array >= 0).all() or np.isinf(array).any():
        raise ValueError(f"counts must be one row of numbers >= 0, got shape {array.shape}")
    if levels < 1:
        raise ValueError(f"there must be at least one level, got {levels}")
    return array
