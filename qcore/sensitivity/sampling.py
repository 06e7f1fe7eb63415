"""Which images a cell sees first where a tolerance lets it stop before it has seen all."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from qcore.sensitivity.config import SensitivityConfig
from qcore.sensitivity.pooled import never_negative

GROUPS = 10
"""A cell sees a tenth of the images at least."""

_SMALLEST = 4
_SMALLEST_SIGNED = 16  # differences of both signs cancel: few images say nothing of their mean


def group_count(config: SensitivityConfig, batch: int | None) -> int:
    """How many groups the images are dealt to; one where they are too few for a choice.

    ``batch``: of a network with a fixed batch, which a group should fill. Example: 64 images 10,
    and 6 with batches of 10.
    """
    smallest = _SMALLEST if never_negative(config) else _SMALLEST_SIGNED
    return max(1, min(GROUPS, config.images // max(smallest, batch or 1)))


def deal(sizes: NDArray[np.float64], groups: int, seed: int) -> NDArray[np.int64]:
    """(N,) positions of the images, group by group, every group with large and small ones.

    sizes (N,): what is known of each image's loss beforehand. In falling order of size each run of
    ``groups`` images is dealt out in random order, one to each group: stratified sampling with one
    image per stratum (Cochran 1977, Sampling Techniques, chapter 5A). Group g is the part g of
    ``numpy.array_split``. Example: sizes 9, 1, 8, 2 and two groups: 9 or 8 with 2 or 1.
    """
    generator = np.random.default_rng(seed)
    order = np.argsort(-sizes, kind="stable")
    dealt = np.concatenate(
        [generator.permutation(order[i : i + groups]) for i in range(0, len(order), groups)]
    )
    return np.concatenate([dealt[group::groups] for group in range(groups)])


def first_group(layer: int, width: int, groups: int) -> int:
    """Where a cell begins: neighbours begin elsewhere, so no group spoils a whole column."""
    return (layer + 3 * width) % groups
