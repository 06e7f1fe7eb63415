"""Slope and bias: unsigned integers times a slope, plus a bias that need not be a multiple of it.

The slope-bias scaling of fixed-point tools (MathWorks, Fixed-Point Designer, "Scaling"). The bias
-slope * zero_point makes it the affine quantizer of Jacob et al. 2018 (arXiv 1712.05877),
equation 1, but that one rounds before it shifts, this one after.
"""

from __future__ import annotations

import torch
from torch import Tensor

from qcore.quantize.limits import unsigned_range


def quantize(x: Tensor, slope: Tensor | float, bias: Tensor | float, bits: int) -> Tensor:
    """clamp(rint((x - bias) / slope), 0, 2^b - 1) as int32, of the shape of x.

    ``slope``, positive, and ``bias`` are numbers, tensors (), or (rows, 1) for x (rows, n). Halves
    round to the even integer. Example: 14 and 30 with slope 1.5, bias 10 and 3 bits give 3 and 7
    (clipped). Raises ValueError outside 2..16 bits.
    """
    return ((x - bias) / slope).round_().clamp_(*unsigned_range(bits)).to(torch.int32)


def dequantize(integers: Tensor, slope: Tensor | float, bias: Tensor | float) -> Tensor:
    """slope * q + bias, of the shape of the integers. Example: 7, slope 1.5, bias 10 gives 20.5."""
    return integers * slope + bias
