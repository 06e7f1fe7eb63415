"""The weight quantizer that sensitivity, evaluation and export share."""

from __future__ import annotations

from torch import Tensor

from qcore.graph.kernels import from_kernels, to_kernels
from qcore.graph.layer import Layer
from qcore.quantize.symmetric import mse_scale, quantize


def weight_scale(weight: Tensor, layer: Layer, bits: int) -> Tensor:
    """The MSE scale of each kernel, (kernels, 1)."""
    return mse_scale(to_kernels(weight, layer), bits)


def quantize_weight(weight: Tensor, layer: Layer, bits: int, scale: Tensor | None = None) -> Tensor:
    """The weight rounded to ``bits``, in its stored shape. ``scale`` (kernels, 1) if known."""
    rows = to_kernels(weight, layer)
    if scale is None:
        scale = mse_scale(rows, bits)
    return from_kernels(quantize(rows, scale, bits), layer)
