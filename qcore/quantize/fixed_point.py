"""Dynamic fixed point Qm.n: signed integers times a power of two, chosen for each tensor."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from qcore.quantize.limits import checked_bits, full_range
from qcore.quantize.uniform import fake_quantize

# Beyond it the step 2^-fl is no normal number of float32.
_LONGEST = 126


def quantize(x: Tensor, bits: int, fractional_length: int) -> Tensor:
    """clamp(rint(x * 2^fl), -2^(b-1), 2^(b-1) - 1) * 2^-fl, of the shape and dtype of x.

    Qm.n has n = ``fractional_length`` and m = bits - n bits before the binary point, the sign among
    them; either may be negative. Qiu et al. 2016 (Going Deeper with Embedded FPGA Platform for
    Convolutional Neural Network), dynamic-precision data quantization. Example: 0.9 and 1.2 with
    8 bits and fl = 7 give 0.8984375 (115/128) and 0.9921875 (127/128, clipped). Raises ValueError
    outside 2..16 bits.
    """
    return fake_quantize(x, 2.0**-fractional_length, 0, *full_range(bits))


def fractional_length(x: Tensor, bits: int, reference: Tensor | None = None) -> int:
    """The fl that minimises sum |reference - quantize(x, bits, fl)|; the smallest one of equals.

    Weights: give the weights alone, and they are their own reference. Features, the output of a
    layer: ``reference`` is the float layer's output and ``x``, of the same shape, the output of the
    layer computed with what is quantized already, before its own rounding; the output alone
    chooses fl by its own rounding only. Zeros, and values that are all too small for a step of
    2^-126, have fl = bits - 1. Qiu et al. 2016, data quantization flow, the equations of the weight
    and of the data phase. Example: 0.9, -0.41, 0.13, 0.03, -0.77, 0.26 with 8 bits: fl = 7 with
    error 0.015. Raises ValueError outside 2..16 bits.
    """
    checked_bits(bits)  # also where x is zero
    target = x if reference is None else reference
    largest = float(x.abs().max())
    # One below: everything rounds to zero, as it does for every smaller fl.
    fl = -math.frexp(largest)[1] - 1
    best, lowest = bits - 1, math.inf
    while largest > 0 and fl <= _LONGEST:
        error = _distance(target, quantize(x, bits, fl))
        if error < lowest:
            best, lowest = fl, error
        # What lies beyond the reach is lost at the least, and the reach only shrinks from here.
        reach = 2.0 ** (bits - 1 - fl)
        if float((target.abs() - reach).clamp_(min=0).sum(dtype=torch.float64)) >= lowest:
            break
        fl += 1
    return best


def _distance(a: Tensor, b: Tensor) -> float:
    return float((a - b).abs_().sum(dtype=torch.float64))
