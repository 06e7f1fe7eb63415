"""A weight tensor as rows, one row per kernel (per output channel), and back."""

from __future__ import annotations

from torch import Tensor

from qcore.graph.layer import Layer


def kernel_count(op: str, weight_shape: tuple[int, ...], groups: int) -> int:
    """Output channels of a layer. Transposed convolutions store (in, out / groups, ...).

    Example: conv2d (32, 16, 3, 3) has 32; conv_transpose2d (16, 4, 3, 3) with 2 groups has 8.
    """
    return weight_shape[1] * groups if op.startswith("conv_transpose") else weight_shape[0]


def to_kernels(weight: Tensor, layer: Layer) -> Tensor:
    """(kernels, weights per kernel), contiguous; row k holds the weights of output channel k."""
    if not layer.op.startswith("conv_transpose"):
        return weight.reshape(layer.kernels, -1)
    grouped = weight.reshape(layer.groups, -1, layer.weight_shape[1], *layer.weight_shape[2:])
    return grouped.transpose(1, 2).reshape(layer.kernels, -1)


def from_kernels(rows: Tensor, layer: Layer) -> Tensor:
    """The inverse of ``to_kernels``: (kernels, weights per kernel) -> the stored shape."""
    if not layer.op.startswith("conv_transpose"):
        return rows.reshape(layer.weight_shape)
    inputs = layer.weight_shape[0] // layer.groups
    shape = (layer.groups, layer.weight_shape[1], inputs, *layer.weight_shape[2:])
    return rows.reshape(shape).transpose(1, 2).reshape(layer.weight_shape)
