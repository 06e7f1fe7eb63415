"""A layer as the matrix product that an accelerator sees."""

from __future__ import annotations

import math
from dataclasses import dataclass

from qcore.graph.layer import Layer


@dataclass(frozen=True)
class LayerMatrix:
    """``groups`` products of an input (rows, depth) with weights (depth, columns), for one image.

    Rows x depth x columns x groups are the layer's multiply-accumulates, depth x columns x groups
    its weights.
    """

    rows: int
    depth: int
    columns: int
    groups: int

    @property
    def depthwise(self) -> bool:
        """True where every group reads one channel and writes one."""
        return self.groups > 1 and self.columns == 1


def layer_matrix(layer: Layer) -> LayerMatrix:
    """A convolution has one row per output position (of any number of dimensions), a linear layer
    one per position of its sequence, a transposed convolution one per input position, with as many
    columns as an input value touches. A layer that is used several times has the rows of all uses.

    Example: a 3x3 convolution from 16 to 32 channels with an 8x8 output: 64 rows, depth 144, 32
    columns, 1 group; depthwise on 32 channels: 64 rows, depth 9, 1 column, 32 groups.
    """
    rows = max(1, -(-layer.macs // layer.weight_count))  # each weight is used once per row
    inside = math.prod(layer.weight_shape[1:])
    if layer.op.startswith("conv_transpose"):
        return LayerMatrix(rows, layer.weight_shape[0] // layer.groups, inside, layer.groups)
    return LayerMatrix(rows, inside, layer.kernels // layer.groups, layer.groups)


def uses_of_first_size(layer: Layer) -> float:
    """How many inputs as large as the first one all uses of a layer read: no whole number where a
    later one is smaller, since ``input_shape`` is of the first use alone.

    Example: a convolution that is used on 32x32 and on 16x16 pixels: 1.25.
    """
    if layer.op.startswith("conv_transpose"):
        first = math.prod(layer.input_shape) / layer.weight_shape[0]
    else:
        first = math.prod(layer.output_shape) / layer.kernels
    return layer.macs / layer.weight_count / first
