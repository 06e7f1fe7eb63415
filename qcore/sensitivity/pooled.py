"""Intervals of cells that saw some of the images: variances pooled over the layers of one width."""

from __future__ import annotations

import math
from collections.abc import Sequence

from qcore.sensitivity.config import SensitivityConfig
from qcore.sensitivity.interval import Moments, student_quantile

PRIOR_IMAGES = 8
"""How many images the pooled variance counts for beside a cell's own."""


def never_negative(config: SensitivityConfig) -> bool:
    """True where no image's difference can be negative: distances from the full-precision output
    of a network that is otherwise at full precision."""
    return config.objective != "cross_entropy" and config.base is None


def pooled_intervals(
    cells: Sequence[Moments], images: int, never_negative: bool
) -> list[tuple[float, float] | None]:
    """95 % intervals of one width's cells, for the mean over the population of images.

    A few images with heavy-tailed losses know their own variance badly. Relative variances are
    much alike over layers, so with ``d = 8`` and ``k`` the pooled one (sum of the cells' variances
    over the sum of their squared means) a cell's is ``v = (d k mean² + (n - 1) s²) / (d + n - 1)``,
    and Student's quantile t has d + n - 1 degrees of freedom: Smyth 2004, Linear models and
    empirical Bayes methods, section 3, with d given instead of fitted. The interval
    is mean ± t sqrt(v / n); of losses that are never negative it is mean / C to mean * C with
    ``C = exp(t sqrt(ln(1 + v / (n mean²))))``: Buckland et al. 2001, Introduction to Distance
    Sampling, section 3.6.1, since few images miss the large losses far more often than they have
    too many of them. A cell with all ``images`` has its own Student interval. None where no cell
    has two images. Example: the differences 1, 2, 3 of one cell of 100 images have s² = 1, k = 1/4,
    v = 1, t(10) = 2.228: 2 ± 1.286, or 2 / 1.877 to 2 * 1.877.
    """
    known = [cell for cell in cells if cell.samples > 1]
    squares = sum(cell.mean**2 for cell in known)
    relative = sum(cell.variance for cell in known) / squares if squares else 0.0
    return [
        cell.interval()
        if not known or cell.samples >= images
        else _interval(cell, relative, never_negative)
        for cell in cells
    ]


def _interval(cell: Moments, relative: float, never_negative: bool) -> tuple[float, float]:
    n, mean = cell.samples, cell.mean
    own = (n - 1) * cell.variance if n > 1 else 0.0
    degrees = PRIOR_IMAGES + n - 1
    of_mean = (PRIOR_IMAGES * relative * mean**2 + own) / degrees / n
    t = student_quantile(degrees)
    if never_negative and mean > 0:
        # Divided twice: the square of a tiny mean is zero.
        factor = math.exp(t * math.sqrt(math.log1p(of_mean / mean / mean)))
        return mean / factor, mean * factor
    half = t * math.sqrt(of_mean)
    return mean - half, mean + half
