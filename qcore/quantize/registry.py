"""The quantizers that a user picks from by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from qcore.quantize import fits
from qcore.quantize.codebook import fit_codebook
from qcore.quantize.level_groups import EvenLevels, Levels, ListedLevels, levels_list
from qcore.quantize.levels import histogram_levels, prior_normal, uniform_range

__all__ = ["QUANTIZERS", "EvenLevels", "Levels", "ListedLevels", "Quantizer", "levels_list"]


@dataclass(frozen=True)
class Quantizer:
    """A way to find levels for rows (groups, n), and to round rows to levels found.

    ``title`` is for a menu, ``about`` one sentence with the source. ``per_kernel``: ``fit`` finds
    levels for each row, otherwise one group of levels for all rows. ``live``: the levels follow
    from a threshold alone, so that a page may let a person drag it. ``fit(rows, bits)`` raises
    ValueError outside 2..16 bits. ``round(rows, levels)`` has the shape and dtype of rows and
    holds a few copies of them; the levels may come from other rows, as many or a single group.
    Example: ``QUANTIZERS["symmetric-max"]`` at 2 bits finds -1, 0, 1 for the row 0.3, -1 and rounds
    it to 0, -1.
    """

    title: str
    about: str
    per_kernel: bool
    live: bool
    fit: Callable[[Tensor, int], Levels]
    round: Callable[[Tensor, Levels], Tensor]


QUANTIZERS: dict[str, Quantizer] = {
    "symmetric": Quantizer(
        "Symmetric, least squared error",
        "2^b - 1 levels around an exact zero, clipped where the squared error is least "
        "(Banner et al. 2019).",
        per_kernel=True,
        live=True,
        fit=fits.fit_symmetric,
        round=fits.round_uniform,
    ),
    "symmetric-max": Quantizer(
        "Symmetric, restricted range",
        "2^b - 1 levels around an exact zero, from minus to plus the largest magnitude "
        "(Wu et al. 2020).",
        per_kernel=True,
        live=True,
        fit=fits.fit_symmetric_max,
        round=fits.round_uniform,
    ),
    "symmetric-full": Quantizer(
        "Symmetric, full range",
        "All 2^b signed integers with an exact zero, one step less above it than below "
        "(Krishnamoorthi 2018).",
        per_kernel=True,
        live=False,
        fit=fits.fit_symmetric_full,
        round=fits.round_uniform,
    ),
    "affine": Quantizer(
        "Affine, smallest to largest",
        "2^b levels over the range of the values, shifted by a zero point so that zero is exact "
        "(Jacob et al. 2018).",
        per_kernel=True,
        live=False,
        fit=fits.fit_affine,
        round=fits.round_uniform,
    ),
    "fixed-point": Quantizer(
        "Dynamic fixed point",
        "2^b signed integers times the power of two of least absolute error (Qiu et al. 2016).",
        per_kernel=False,
        live=False,
        fit=fits.fit_fixed_point,
        round=fits.round_uniform,
    ),
    "mid-rise": Quantizer(
        "Mid-rise",
        "2^b even levels on both sides of zero, none at zero (Gersho and Gray 1992).",
        per_kernel=False,
        live=False,
        fit=fits.fit_mid_rise,
        round=fits.round_mid_rise,
    ),
    "mid-tread": Quantizer(
        "Mid-tread",
        "2^b even levels, one of them at zero, the largest value left out (Gersho and Gray 1992).",
        per_kernel=False,
        live=False,
        fit=fits.fit_mid_tread,
        round=fits.round_mid_tread,
    ),
    "stochastic": Quantizer(
        "Stochastic rounding",
        "2^b even levels from smallest to largest, rounded up or down by chance so that the mean "
        "is kept (Gupta et al. 2015).",
        per_kernel=False,
        live=False,
        fit=fits.fit_listed(uniform_range),
        round=fits.round_stochastic,
    ),
    "uniform-range": Quantizer(
        "Uniform over the range",
        "2^b even levels from smallest to largest, zero among them only by chance "
        "(Gersho and Gray 1992).",
        per_kernel=False,
        live=False,
        fit=fits.fit_listed(uniform_range),
        round=fits.round_listed,
    ),
    "histogram": Quantizer(
        "Middles of the histogram",
        "The middles of 2^b equally wide bins over the range (Gersho and Gray 1992).",
        per_kernel=False,
        live=False,
        fit=fits.fit_listed(histogram_levels),
        round=fits.round_listed,
    ),
    "prior-normal": Quantizer(
        "Quantiles of a normal",
        "Levels at equal steps of the normal distribution that fits the values, as NF4 has them "
        "(Dettmers et al. 2023).",
        per_kernel=False,
        live=False,
        fit=fits.fit_listed(prior_normal),
        round=fits.round_listed,
    ),
    "k-means": Quantizer(
        "k-means codebook",
        "2^b shared values found by clustering (Han et al. 2016, Deep Compression).",
        per_kernel=False,
        live=False,
        fit=fits.fit_listed(fit_codebook),
        round=fits.round_listed,
    ),
}
"""Name -> quantizer."""
