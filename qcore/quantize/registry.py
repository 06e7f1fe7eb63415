"""The quantizers that a user picks from by name; ``quantizer_texts`` says what they are."""

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

    ``per_kernel``: ``fit`` finds levels for each row, otherwise one group of levels for all rows.
    ``fit(rows, bits)`` raises ValueError outside 2..16 bits. ``round(rows, levels)`` has the shape
    and dtype of rows and holds a few copies of them; the levels may come from other rows, as many
    or a single group.
    Example: ``QUANTIZERS["symmetric-max"]`` at 2 bits finds -1, 0, 1 for the row 0.3, -1 and rounds
    it to 0, -1.
    """

    per_kernel: bool
    fit: Callable[[Tensor, int], Levels]
    round: Callable[[Tensor, Levels], Tensor]


QUANTIZERS: dict[str, Quantizer] = {
    "symmetric": Quantizer(True, fits.fit_symmetric, fits.round_uniform),
    "symmetric-max": Quantizer(True, fits.fit_symmetric_max, fits.round_uniform),
    "symmetric-full": Quantizer(True, fits.fit_symmetric_full, fits.round_uniform),
    "affine": Quantizer(True, fits.fit_affine, fits.round_uniform),
    "fixed-point": Quantizer(False, fits.fit_fixed_point, fits.round_uniform),
    "mid-rise": Quantizer(False, fits.fit_mid_rise, fits.round_mid_rise),
    "mid-tread": Quantizer(False, fits.fit_mid_tread, fits.round_mid_tread),
    "stochastic": Quantizer(False, fits.fit_listed(uniform_range), fits.round_stochastic),
    "uniform-range": Quantizer(False, fits.fit_listed(uniform_range), fits.round_listed),
    "histogram": Quantizer(False, fits.fit_listed(histogram_levels), fits.round_listed),
    "prior-normal": Quantizer(False, fits.fit_listed(prior_normal), fits.round_listed),
    "k-means": Quantizer(False, fits.fit_listed(fit_codebook), fits.round_listed),
}
"""Name -> quantizer."""
