"""From the integers of one scale to the integers of another, with integer arithmetic alone."""

from __future__ import annotations

import torch
from torch import Tensor

from qcore.quantize.multiplier import Multiplier


def requantize(accumulators: Tensor, multiplier: Multiplier) -> Tensor:
    """accumulator * mantissa / 2^shift, rounded, as int64: a product and a rounding shift.

    ``accumulators`` of any shape are int32, or int64 whose values fit in int32; the multiplier
    comes from ``integer_multiplier``. Halves round away from zero, so that negated accumulators
    give negated integers. Add the zero point and clamp to the new integers yourself. Raises
    ValueError for larger accumulators, whose product would overflow 64 bits. Jacob et al. 2018
    (arXiv 1712.05877), section 2.2, equations 5 and 6. Example: -5222 and -3413 with mantissa
    1442928645 and shift 38 give -27 and -18.
    """
    wide = accumulators.to(torch.int64)
    if wide.numel() and not -(2**31) <= int(wide.min()) <= int(wide.max()) < 2**31:
        raise ValueError("an accumulator does not fit in 32 bits")
    half = 1 << (multiplier.shift - 1)
    product = wide.abs().mul_(multiplier.mantissa).add_(half)
    return product.bitwise_right_shift_(multiplier.shift).mul_(wide.sign())
