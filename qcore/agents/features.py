"""What agents see of a layer: its shape in numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from qcore.allocate.problem import FloatArray
from qcore.graph.layer import Layer

FEATURES = ("depthwise", "c_in", "c_out", "stride", "kernel", "weights", "feature_size")
"""The columns of ``layer_features``."""


def layer_features(layers: Sequence[Layer]) -> FloatArray:
    """(layers, 7): ``FEATURES`` of each layer, as HAQ's equation 1 has them.

    ``kernel`` and ``stride`` are those of the widest axis; the stride is told from the sizes on
    both sides, and too large where a large kernel has no padding. ``feature_size`` are the
    positions of the input. A matrix product has kernel 1, stride 0 and size 1. Example: a depthwise
    3x3 convolution of 32 channels on 112 x 112: 1, 32, 32, 1, 3, 288, 12544.
    """
    return np.array([_of(layer) for layer in layers], dtype=np.float64)


def normalised(columns: FloatArray) -> FloatArray:
    """Each column from 0 to 1 over its rows; a column of equal values becomes 0.

    HAQ's code leaves such a column as it is; a parameter count would then drown all others.
    Example: 2, 4, 6 becomes 0, 0.5, 1.
    """
    low, high = columns.min(0), columns.max(0)
    spread = np.where(high > low, high - low, 1.0)
    found: FloatArray = (columns - low) / spread
    return found


def _of(layer: Layer) -> tuple[float, ...]:
    channels_in = _channels_in(layer)
    depthwise = layer.groups > 1 and layer.groups == channels_in
    spatial = layer.weight_shape[2:]
    kernel, stride = (max(spatial), _stride(layer)) if spatial else (1, 0)
    size = math.prod(layer.input_shape[2:]) if spatial else 1
    return (depthwise, channels_in, layer.kernels, stride, kernel, layer.weight_count, size)


def _channels_in(layer: Layer) -> int:
    if layer.op.startswith("conv_transpose"):
        return layer.weight_shape[0]
    return layer.weight_shape[1] * layer.groups


def _stride(layer: Layer) -> int:
    """From the sizes on both sides: a step of 2 halves them, or doubles them where transposed."""
    sides = list(zip(layer.input_shape[2:], layer.output_shape[2:], strict=False))
    ratios = [max(before, after) / max(1, min(before, after)) for before, after in sides]
    return max(1, round(max(ratios, default=1.0)))
