"""Mid-rise and mid-tread: uniform levels around zero without, and with, a level at zero.

The plain formulas have no bounds. The range max - min is 2^p steps wide, so they give 2^p + 1
different values over it, one too many for p bits, and mid-rise sends the maximum beyond the range.
With bounds, the 2^p levels that lie in [min, max) remain and values beyond the last one become it.
Between the first and the last level the error is at most half a step, beyond them one step.

Gersho and Gray 1992 (Vector Quantization and Signal Compression), chapter 5.
"""

from __future__ import annotations

import torch
from torch import Tensor

from qcore.quantize.limits import checked_bits

Bounds = tuple[Tensor, Tensor]
"""The first and the last index k, whole numbers in tensors ()."""

# Of a tensor whose values are all the same: small against the value, and no less than what
# float32 still divides by.
_STEP_OF_NO_RANGE, _LEAST_STEP = 2.0**-20, 2.0**-60


def step_size(x: Tensor, bits: int) -> Tensor:
    """delta = (max - min) / 2^p of all values of x, a tensor ().

    Values that are all the same have no range; their step is 2^-20 of the magnitude, at least
    2^-60. Example: values from -1 to 1 at 2 bits: 0.5. Raises ValueError outside 2..16 bits.
    """
    low, high = x.aminmax()
    step = (high - low) / 2 ** checked_bits(bits)
    flat = (high.abs() * _STEP_OF_NO_RANGE).clamp(min=_LEAST_STEP)
    return torch.where(step > 0, step, flat)


def mid_rise(x: Tensor, step: Tensor | float, bounds: Bounds | None = None) -> Tensor:
    """step * (k + 1/2) with k = floor(x / step), of the shape and dtype of x. Zero is no level.

    ``bounds`` of k come from ``mid_rise_bounds``; without them this is the plain formula. Example:
    -1, 0.3, 1 with step 0.5 become -0.75, 0.25, 1.25; with k from -2 to 1: -0.75, 0.25, 0.75.
    """
    index = (x / step).floor_()
    return (index if bounds is None else index.clamp_(*bounds)).add_(0.5).mul_(step)


def mid_tread(x: Tensor, step: Tensor | float, bounds: Bounds | None = None) -> Tensor:
    """step * k with k = floor(x / step + 1/2), of the shape and dtype of x. Zero is a level.

    ``bounds`` of k come from ``mid_tread_bounds``; without them this is the plain formula. Example:
    -1, 0.3, 1 with step 0.5 become -1, 0.5, 1; with k from -2 to 1: -1, 0.5, 0.5.
    """
    index = (x / step).add_(0.5).floor_()
    return (index if bounds is None else index.clamp_(*bounds)).mul_(step)


def mid_rise_bounds(x: Tensor, step: Tensor, bits: int) -> Bounds:
    """2^p indices from the smallest k with step * (k + 1/2) >= min. [-1, 1], step 0.5: -2, 1.

    Raises ValueError outside 2..16 bits.
    """
    first = (x.amin() / step - 0.5).ceil()
    return first, first + 2 ** checked_bits(bits) - 1


def mid_tread_bounds(x: Tensor, step: Tensor, bits: int) -> Bounds:
    """2^p indices from the smallest k with step * k >= min. [-0.9, 1.1], step 0.5: -1, 2.

    Raises ValueError outside 2..16 bits.
    """
    first = (x.amin() / step).ceil()
    return first, first + 2 ** checked_bits(bits) - 1
