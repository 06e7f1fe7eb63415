"""Weight gradients of single images, for blocks of images at a time."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from qcore.sensitivity.projection.geometry import Geometry, geometry_of, pad, patches
from qcore.sensitivity.projection.use import Use

_BLOCK_VALUES = 2**21  # patches and gradients of as many images as stay in cache: 8 MB
_SIDE_BY_SIDE_VALUES = 2**19  # larger maps keep both cores busy by themselves
_WIDEST = 3  # oneDNN's kernel for weight gradients of one channel; wider ones are ten times slower


def is_depthwise(use: Use) -> bool:
    return use.layer.groups > 1 and use.layer.weight_shape[1] == 1


def block_images(use: Use, gradient: Tensor) -> int:
    """How many images are worked on at once."""
    if is_depthwise(use):
        return max(1, _SIDE_BY_SIDE_VALUES * use.samples // use.x.numel())
    positions = use.positions(gradient)
    each = use.weights_per_kernel * (positions * use.layer.groups + use.layer.kernels)
    return max(1, _BLOCK_VALUES // each)


def weight_gradients(use: Use, gradients: list[Tensor], block: slice) -> list[Tensor]:
    """For each gradient at the output (samples in the block, kernels, weights per kernel), the
    weights in patch order; not for transposed convolutions."""
    found = _by_backward if is_depthwise(use) else _by_patches
    return found(use, gradients, block)


def _by_patches(use: Use, gradients: list[Tensor], block: slice) -> list[Tensor]:
    """One matrix product per image and group."""
    seen = _patches(use, block)
    samples, groups, positions, weights = seen.shape
    flat = seen.reshape(samples * groups, positions, weights)
    found = []
    for gradient in gradients:
        values = use.positions_first(gradient)[block]
        values = values.reshape(samples, positions, groups, -1).transpose(1, 2)
        values = values.reshape(samples * groups, positions, -1)
        product = torch.bmm(values.transpose(1, 2), flat)
        found.append(product.reshape(samples, use.layer.kernels, weights))
    return found


def _patches(use: Use, block: slice) -> Tensor:
    """(samples, groups, positions, weights per kernel) in patch order."""
    if use.linear:
        rows = use.x.reshape(use.samples, -1, use.x.shape[-1])
        return rows[block].unsqueeze(1)
    geometry, x = _geometry(use), use.batched(use.x)
    if use.samples == len(x):
        return patches(x[block], geometry)
    every = patches(x, geometry).transpose(0, 1)  # all rows belong to one image
    return every.reshape(1, geometry.groups, -1, every.shape[-1])


def _by_backward(use: Use, gradients: list[Tensor], block: slice) -> list[Tensor]:
    """The channels of all images side by side, as one image of many channels."""
    geometry, kernels = _geometry(use), use.layer.kernels
    x = pad(use.batched(use.x), geometry)
    size = len(x) // use.samples  # more than one where all rows belong to one image
    rows = slice(block.start * size, block.stop * size)
    images = _side_by_side(x[rows])
    found = []
    for gradient in gradients:
        values = _side_by_side(use.batched(gradient)[rows])
        pieces = _in_pieces(geometry, images, values)
        stored = torch.cat(pieces, -1).reshape(-1, size, kernels, use.weights_per_kernel)
        found.append(stored.sum(1) if size > 1 else stored[:, 0])
    return found


def _side_by_side(values: Tensor) -> Tensor:
    """(1, N * channels, ...) of (N, channels, ...), the channels last in memory."""
    last = values.movedim((0, 1), (-2, -1))
    return last.reshape(1, *last.shape[:-2], -1).movedim(-1, 1)


def _in_pieces(geometry: Geometry, x: Tensor, gradient: Tensor) -> list[Tensor]:
    """Gradients (channels, 1, ..., width) of pieces of the kernel along its last axis."""
    width, stride, dilation = geometry.kernel[-1], geometry.stride[-1], geometry.dilation[-1]
    found = []
    for start in range(0, width, _WIDEST):
        piece = min(_WIDEST, width - start)
        length = stride * (gradient.shape[-1] - 1) + dilation * (piece - 1) + 1
        part = x.narrow(-1, start * dilation, length)
        kernel = (*geometry.kernel[:-1], piece)
        found.append(_backward(replace(geometry, kernel=kernel), part, gradient))
    return found


def _backward(geometry: Geometry, x: Tensor, gradient: Tensor) -> Tensor:
    """The weight gradient of a convolution in which each channel is its own group."""
    zeros = (0,) * len(geometry.kernel)
    shape = (gradient.shape[1], 1, *geometry.kernel)
    found: Tensor = torch.ops.aten.convolution_backward.default(
        gradient,
        x,
        torch.empty(shape, dtype=x.dtype, device=x.device),
        None,
        geometry.stride,
        zeros,
        geometry.dilation,
        False,
        zeros,
        x.shape[1],
        (False, True, False),
    )[1]
    return found


def _geometry(use: Use) -> Geometry:
    return geometry_of(use.target, use.rest, use.kwargs, use.layer.weight_shape[2:])
