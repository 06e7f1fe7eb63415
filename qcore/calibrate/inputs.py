"""From a clipping threshold of a layer's input to its grid. Free of torch."""

from __future__ import annotations

from qcore.calibrate.histogram import Histogram
from qcore.quantize.grid import Grid, affine_grid, affine_parameters


def input_range(histogram: Histogram, threshold: float) -> tuple[float, float]:
    """(low, high) of what an input's levels span: its own range, clipped to +-threshold.

    It always holds zero. Example: inputs from -0.3 to 8 with threshold 6 have (-0.3, 6).
    """
    return max(min(histogram.low, 0.0), -threshold), min(max(histogram.high, 0.0), threshold)


def input_parameters(histogram: Histogram, threshold: float, bits: int) -> tuple[float, int]:
    """(scale, zero_point) of 2^b levels over ``input_range``; see ``affine_parameters``.

    Example: inputs from 0 to 8 with threshold 6 at 2 bits have 2 and 0. Raises ValueError outside
    2..16 bits.
    """
    return affine_parameters(*input_range(histogram, threshold), bits)


def input_grid(histogram: Histogram, threshold: float, bits: int) -> Grid:
    """The 2^b levels over ``input_range``, zero among them.

    Example: inputs from 0 to 8 with threshold 6 at 2 bits have 0, 2, 4, 6. Raises ValueError
    outside 2..16 bits.
    """
    return affine_grid(*input_parameters(histogram, threshold, bits), bits)
