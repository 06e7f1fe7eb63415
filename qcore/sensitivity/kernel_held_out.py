"""Evidence on shrinkage: what half the images say of kernels, tried on the other half.

Free of torch.
"""

from __future__ import annotations

import numpy as np

from qcore.sensitivity.compare import spearman
from qcore.sensitivity.kernel_prior import kept_parts, prior_of
from qcore.sensitivity.kernel_shrinkage import HeldOut
from qcore.sensitivity.projection.bootstrap import Doubles
from qcore.sensitivity.projection.kernel_sums import KernelSums


def held_out(sums: KernelSums) -> tuple[HeldOut, ...]:
    """For each bit width, values of one half of the images as predictions of the other half's.

    Nothing is tried on what it was chosen on: how much kernels of even numbers keep is chosen on
    those of odd numbers, and the other way round. A width whose shrunk values predict worse, by
    squared error, than raw ones is to be shown raw. Example: errors 8 raw and 10 shrunk.
    """
    even = np.arange(len(sums.energies)) % 2 == 0
    parts = [kept_parts(sums, chosen)[sums.layer_numbers] for chosen in (~even, even)]
    kept = np.where(even, *parts)[:, None]
    halves = [sums.means([half]) for half in (0, 1)]
    priors = [prior_of(one, sums) for one in halves]
    shrunk = [p + kept * (raw - p) for raw, p in zip(halves, priors, strict=True)]
    truths = halves[::-1]
    raw_error, prior_error, shrunk_error = (
        _squared_error(values, truths) for values in (halves, priors, shrunk)
    )
    return tuple(
        HeldOut(
            bits,
            _part(prior_error[i], raw_error[i]),
            _part(shrunk_error[i], raw_error[i]),
            _rank(halves, truths, i),
            _rank(priors, truths, i),
            _rank(shrunk, truths, i),
            "raw" if shrunk_error[i] > raw_error[i] else "shrunk",
        )
        for i, bits in enumerate(sums.bits)
    )


def _squared_error(values: list[Doubles], truths: list[Doubles]) -> Doubles:
    """(bits,): the sum over kernels and both ways."""
    errors = [np.square(a - b).sum(0) for a, b in zip(values, truths, strict=True)]
    total: Doubles = np.sum(errors, 0)
    return total


def _part(error: float, of: float) -> float | None:
    return float(error / of) if of > 0 else None


def _rank(values: list[Doubles], truths: list[Doubles], column: int) -> float | None:
    """The mean of both ways; None where one is not defined."""
    found = [spearman(a[:, column], b[:, column]) for a, b in zip(values, truths, strict=True)]
    known = [one for one in found if one is not None]
    return sum(known) / len(known) if len(known) == len(found) else None
