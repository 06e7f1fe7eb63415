"""What menus say of the quantizers of ``qcore.quantize.registry``. Free of torch."""

from __future__ import annotations

from dataclasses import dataclass

DEFAULT_QUANTIZER = "symmetric"
"""The one that everything else uses for weights."""


@dataclass(frozen=True)
class QuantizerText:
    """``title`` is for a menu, ``about`` one sentence with the source.

    ``live``: the levels follow from a threshold alone, so that a page may let a person drag it.
    ``nearest``: every value becomes the nearest level.
    """

    title: str
    about: str
    live: bool = False
    nearest: bool = True


QUANTIZER_TEXTS: dict[str, QuantizerText] = {
    "symmetric": QuantizerText(
        "Symmetric, least squared error",
        "2^b - 1 levels around an exact zero, clipped where a search finds the least squared error "
        "(Banner et al. 2019 solve it for assumed distributions).",
        live=True,
    ),
    "symmetric-max": QuantizerText(
        "Symmetric, restricted range",
        "2^b - 1 levels around an exact zero, from minus to plus the largest magnitude "
        "(Wu et al. 2020).",
        live=True,
    ),
    "symmetric-full": QuantizerText(
        "Symmetric, full range",
        "All 2^b signed integers with an exact zero, one step less above it than below "
        "(Krishnamoorthi 2018).",
    ),
    "affine": QuantizerText(
        "Affine, smallest to largest",
        "2^b levels over the range of the values, shifted by a zero point so that zero is exact "
        "(Jacob et al. 2018).",
    ),
    "fixed-point": QuantizerText(
        "Dynamic fixed point",
        "2^b signed integers times the power of two of least absolute error (Qiu et al. 2016).",
    ),
    "mid-rise": QuantizerText(
        "Mid-rise",
        "2^b even levels on both sides of zero, none at zero (Gersho and Gray 1992).",
    ),
    "mid-tread": QuantizerText(
        "Mid-tread",
        "2^b even levels, one of them at zero, the largest value left out (Gersho and Gray 1992).",
    ),
    "stochastic": QuantizerText(
        "Stochastic rounding",
        "2^b even levels from smallest to largest, rounded up or down by chance so that the mean "
        "is kept (Gupta et al. 2015).",
        nearest=False,
    ),
    "uniform-range": QuantizerText(
        "Uniform over the range",
        "2^b even levels from smallest to largest, zero among them only by chance "
        "(Gersho and Gray 1992).",
    ),
    "histogram": QuantizerText(
        "Middles of the histogram",
        "The middles of 2^b equally wide bins over the range (Gersho and Gray 1992).",
    ),
    "prior-normal": QuantizerText(
        "Quantiles of a normal",
        "Levels at equal steps of the normal distribution that fits the values, in the manner of "
        "NF4 (Dettmers et al. 2023).",
    ),
    "k-means": QuantizerText(
        "k-means codebook",
        "2^b shared values found by clustering (Han et al. 2016, Deep Compression).",
    ),
}
"""Name -> text, in the order of the menu."""
