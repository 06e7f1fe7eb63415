"""When a cell has seen enough images. Free of torch."""

from __future__ import annotations

import math
from collections.abc import Iterable

from qcore.sensitivity.config import Width
from qcore.sensitivity.row import SensitivityRow


def unsettled(
    rows: Iterable[SensitivityRow], images: int, tolerance: float
) -> dict[tuple[str, Width], int]:
    """The cells that need more images, and how many they need in all.

    A cell has enough once, at 95 %, it is known to within ``tolerance`` times the sum of ΔL over
    all layers at its width what all ``images`` would give. A hundredth part of a network's loss
    need not be known to a tenth of itself: an allocation adds layers up. What leaving images out
    adds is the interval's half-width times sqrt(1 - n / N), the finite population correction
    (Cochran 1977, Sampling Techniques, section 2.6); it falls with sqrt(1/n - 1/N), which gives
    the number needed. Where the sum is not positive, or a cell has no interval, all are needed.
    Example: half-width 0.3 of 16 out of 64 images, allowed 0.1: 0.26 is left, so 1 / (1/144 + 1/64)
    = 44.3, rounded up to 45.
    """
    by_width: dict[Width, list[SensitivityRow]] = {}
    for row in rows:
        by_width.setdefault(row.width, []).append(row)
    needed: dict[tuple[str, Width], int] = {}
    for width, cells in by_width.items():
        allowed = tolerance * max(0.0, sum(row.delta_loss for row in cells))
        for row in cells:
            if (number := _needed(row, images, allowed)) > row.samples:
                needed[row.layer, width] = number
    return needed


def _needed(row: SensitivityRow, images: int, allowed: float) -> int:
    n = row.samples
    if n >= images:
        return n
    if row.ci_low is None or row.ci_high is None:
        return images
    half = (row.ci_high - row.ci_low) / 2
    if half * math.sqrt(1 - n / images) <= allowed:
        return n
    wanted = 1 / ((allowed / half) ** 2 / n + 1 / images)
    return max(n + 1, min(images, math.ceil(wanted)))
