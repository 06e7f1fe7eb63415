"""An axis for ΔL with intervals: logarithmic only where values can be told from zero."""

from __future__ import annotations

import math
from collections.abc import Iterable

from ui.figures.symlog import Symlog, symlog_for

Span = tuple[float, float | None, float | None]
"""A value, and the two ends of its interval."""


def loss_axis(spans: Iterable[Span]) -> Symlog:
    """Linear as far as chance reaches, which is the median half width of the intervals with zero.

    Otherwise values that differ from zero by chance alone would lie decades apart. Where no
    interval includes zero, the axis is that of the magnitudes.
    """
    known = list(spans)
    fine = symlog_for(value for value, _, _ in known)
    bounded = [(low, high) for _, low, high in known if low is not None and high is not None]
    halves = sorted((high - low) / 2 for low, high in bounded if low <= 0 <= high and low < high)
    if not halves:
        return fine
    chance = 10.0 ** math.floor(math.log10(halves[len(halves) // 2]))
    return Symlog(max(fine.linear, chance))
