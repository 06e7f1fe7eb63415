"""A layer as the dense convolutions that BitFusion runs one after another."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from qcore.graph.layer import Layer
from qcore.hardware.matrix import LayerMatrix, layer_matrix

DEPTHWISE_CHANNELS = 8
"""Channels of a depthwise layer that run as one dense block, times ``lanes``."""


@dataclass(frozen=True)
class Block:
    """A dense convolution of one image: channels, and (rows, columns) of kernel, output and stride.

    A matrix product is one with a 1x1 kernel and an output of one row.
    """

    inputs: int
    outputs: int
    kernel: tuple[int, int]
    size: tuple[int, int]
    stride: tuple[int, int] = (1, 1)


@dataclass(frozen=True)
class Blocks:
    """``times`` times the same block; no whole number where a layer is used at several sizes."""

    block: Block
    times: float


def layer_blocks(layer: Layer, lanes: int, batch: int) -> Blocks:
    """What a layer is to the machine; ``lanes`` are the products that a fusion unit does at once.

    Images of a convolution follow one another and so do groups, but channels of a depthwise layer
    run as dense blocks of 8 x ``lanes`` channels, the last one filled up. Positions and images of a
    linear layer are pixels of one row. Other layers are the matrix products of ``layer_matrix``.
    Example: 96 channels of 3x3 depthwise at 8/8 bits: 12 blocks of 8 channels.
    """
    matrix = layer_matrix(layer)
    if layer.op != "conv2d":
        return _products(layer.op, matrix, lanes, batch)
    rows, columns = layer.output_shape[-2:]
    down, across = layer.weight_shape[-2:]
    kernel, size = (down, across), (rows, columns)
    stride = _stride(layer.input_shape[-2], rows), _stride(layer.input_shape[-1], columns)
    uses = matrix.rows / (rows * columns)
    inputs, outputs, count = matrix.depth // math.prod(kernel), matrix.columns, matrix.groups
    if matrix.depthwise:
        inputs = outputs = DEPTHWISE_CHANNELS * lanes
        count = -(-matrix.groups // inputs)
    return Blocks(Block(inputs, outputs, kernel, size, stride), count * uses * batch)


def unrolled(block: Block) -> Block:
    """The block as a matrix product, with each input repeated for every weight that meets it."""
    return replace(
        block,
        inputs=block.inputs * math.prod(block.kernel),
        kernel=(1, 1),
        size=(1, math.prod(block.size)),
        stride=(1, 1),
    )


def _products(op: str, matrix: LayerMatrix, lanes: int, batch: int) -> Blocks:
    pixels, images = (matrix.rows * batch, 1) if op == "linear" else (matrix.rows, batch)
    inputs, outputs, count = matrix.depth, matrix.columns, matrix.groups
    if matrix.depthwise:
        outputs = DEPTHWISE_CHANNELS * lanes
        inputs, count = inputs * outputs, -(-matrix.groups // outputs)
    return Blocks(Block(inputs, outputs, (1, 1), (1, pixels)), count * images)


def _stride(before: int, after: int) -> int:
    """Inputs per output, to the nearest whole number: a layer's padding is not known. Example: 7
    rows to 4: 2."""
    return max(1, round(before / after))
