"""Uniform quantization: real numbers to integers through a scale and a zero point, and back.

One scale for a whole tensor or one per kernel is a matter of shape: a number or a tensor () serves
everything, a tensor (kernels, 1) serves the rows of weights (kernels, weights per kernel).
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from qcore.quantize.limits import full_range, largest_level, unsigned_range


def restricted_scale(threshold: Tensor, bits: int) -> Tensor:
    """threshold / n: the magnitude ``threshold`` (any shape) falls on the last level.

    A threshold so small that the scale would be zero has scale 1. Wu et al. 2020
    (arXiv 2004.09602), section 3.1.2. Example: 1.27 at 8 bits has scale 0.01. Raises ValueError
    outside 2..16 bits.
    """
    return _positive(threshold / largest_level(bits))


def full_scale(threshold: Tensor, bits: int) -> Tensor:
    """threshold / 2^(b-1): -threshold is the lowest level, the highest is one step short of it.

    A threshold so small that the scale would be zero has scale 1. The integers are those to which
    Krishnamoorthi 2018 (arXiv 1806.08342), section 2.2, clamps; this scale is the smallest with
    -threshold among their levels. Example: 2 at 3 bits has scale 0.5 and levels -2 .. 1.5. Raises
    ValueError outside 2..16 bits.
    """
    return _positive(threshold / -full_range(bits)[0])


def affine_parameters(low: Tensor, high: Tensor, bits: int) -> tuple[Tensor, Tensor]:
    """(scale, zero_point) for the integers 0 .. 2^b - 1 over [low, high], widened to hold zero.

    ``low`` and ``high`` have one shape, and so have both results; zero points are whole numbers of
    the same dtype. Zero is a level exactly, so the ends move by up to half a step. For signed
    integers take 2^(b-1) off the zero point. A range of zero has scale 1. Jacob et al. 2018
    (arXiv 1712.05877), section 2.1, and section 3 for the exact zero. Example: [-1, 3] at 8 bits
    has scale 0.0156862745 and zero point 64. Raises ValueError outside 2..16 bits.
    """
    low, high = low.clamp(max=0), high.clamp(min=0)
    largest = unsigned_range(bits)[1]
    scale = _positive((high - low) / largest)
    return scale, (-low / scale).round_().clamp_(0, largest)


def quantize(
    x: Tensor, scale: Tensor | float, zero_point: Tensor | int, low: int, high: int
) -> Tensor:
    """clamp(rint(x / scale) + zero_point, low, high) as int32, of the shape of x.

    Halves round to the even integer before the zero point is added, as in ONNX's QuantizeLinear
    (opset 10 and later) and in PyTorch's fake_quantize, which however multiplies by 1 / scale and
    so may round an exact half differently where the scale is no power of two. Example: 0.5, 1.5,
    2.5, -0.5 with scale 1, zero point 1 and range 0 .. 255 give 1, 3, 3, 1.
    """
    return (x / scale).round_().add_(zero_point).clamp_(low, high).to(torch.int32)


def dequantize(integers: Tensor, scale: Tensor | float, zero_point: Tensor | int) -> Tensor:
    """(q - zero_point) * scale, of the dtype of a scale that is a tensor, otherwise float32.

    Jacob et al. 2018 (arXiv 1712.05877), equation 1. Example: 3 with scale 0.5 and zero point 1
    gives 1.
    """
    return (integers - zero_point) * scale


def fake_quantize(
    x: Tensor, scale: Tensor | float, zero_point: Tensor | int, low: int, high: int
) -> Tensor:
    """The real value that every x becomes: ``quantize`` and ``dequantize`` in one pass.

    Shape and dtype of x; one copy of it is made. Example: 0.34 and 0.5 with scale 0.1, zero point 0
    and range -3 .. 3 give 0.3 and 0.3 (clipped).
    """
    # Clamping before the zero point instead of after it leaves nothing to add and subtract.
    rounded = (x / scale).round_()
    # Any, as clamp_ is declared for two tensors and for two numbers only.
    shift: Any = zero_point.to(x.dtype) if isinstance(zero_point, Tensor) else zero_point
    return rounded.clamp_(low - shift, high - shift).mul_(scale)


def _positive(scale: Tensor) -> Tensor:
    return torch.where(scale > 0, scale, torch.ones_like(scale))
