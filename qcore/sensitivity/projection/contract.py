"""From the gradient at a layer's output to what each kernel's errors do to the loss."""

from __future__ import annotations

import torch
from torch import Tensor

from qcore.graph.kernels import to_kernels
from qcore.sensitivity.projection.errors import LayerErrors, to_patch_order, to_stored
from qcore.sensitivity.projection.geometry import Geometry, geometry_of, pad, patches
from qcore.sensitivity.projection.use import Use

_BLOCK_VALUES = 2**21  # patches and gradients of as many images as stay in cache: 8 MB
_FEW_WEIGHTS, _MANY_POSITIONS = 9, 400


def kernel_values(use: Use, gradients: list[Tensor], errors: LayerErrors) -> Tensor:
    """(gradients, samples, kernels, bits): the inner product of each gradient at the layer's output
    with the change there that the errors of each kernel's weights make.

    It is the inner product of the errors and the image's own weight gradient, whose cost does not
    depend on the number of widths; or, where that gradient has more values than the outputs of all
    widths, the layer is run with the errors for its weights. With bias correction the mean change
    is taken away.
    """
    found = _by_output if _is_small(use, gradients[0], len(errors.bits)) else _by_gradient
    values = found(use, gradients, errors)
    shifts = errors.shifts(use.layer)
    if shifts is not None:
        sums = torch.stack([use.positions_first(gradient).sum(1) for gradient in gradients])
        values -= sums[..., None] * shifts
    return values


def _is_small(use: Use, gradient: Tensor, widths: int) -> bool:
    """True where running the layer once for each width is the cheaper way."""
    positions = use.positions(gradient)
    if use.layer.op.startswith("conv_transpose") or positions <= widths:
        return True
    # A kernel of one channel has few weights, and their gradients pay only on large maps.
    few = use.weights_per_kernel <= _FEW_WEIGHTS and positions >= _MANY_POSITIONS
    return _is_depthwise(use) and not few


def _is_depthwise(use: Use) -> bool:
    return use.layer.groups > 1 and use.layer.weight_shape[1] == 1


def _by_output(use: Use, gradients: list[Tensor], errors: LayerErrors) -> Tensor:
    """Right for every operator, by its linearity in the weight."""
    found = _empty(use, gradients, errors)
    for widths, rows in errors.weights(use.layer):
        for number in range(rows.shape[1]):
            change = use.output(to_stored(rows[:, number], use.layer))
            for probe, gradient in enumerate(gradients):
                summed = use.positions_first(change * gradient).sum(1)
                found[probe, :, :, widths.start + number] = summed
    return found


def _by_gradient(use: Use, gradients: list[Tensor], errors: LayerErrors) -> Tensor:
    """By weight gradients of single images, blocks of images at a time."""
    found = _empty(use, gradients, errors)
    per_sample = _separate_gradients if _is_depthwise(use) else _patch_gradients
    each = _values_per_sample(use, gradients[0])
    step = max(1, _BLOCK_VALUES // each)
    for widths, rows in errors.weights(use.layer):
        for start in range(0, use.samples, step):
            block = slice(start, start + step)
            for probe, weight_gradient in enumerate(per_sample(use, gradients, block)):
                # (kernels, widths, weights) @ (kernels, weights, samples)
                product = torch.bmm(rows, weight_gradient.permute(1, 2, 0))
                found[probe, block, :, widths] = product.permute(2, 0, 1)
    return found


def _patch_gradients(use: Use, gradients: list[Tensor], block: slice) -> list[Tensor]:
    """For each gradient (samples, kernels, weights per kernel), from patches of the input."""
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
    x = _batched(use, use.x)
    geometry = geometry_of(use.target, use.rest, use.kwargs, use.layer.weight_shape[2:])
    if use.samples == len(x):
        return patches(x[block], geometry)
    every = patches(x, geometry).transpose(0, 1)  # all rows belong to one image
    return every.reshape(1, geometry.groups, -1, every.shape[-1])


def _separate_gradients(use: Use, gradients: list[Tensor], block: slice) -> list[Tensor]:
    """The same by the convolution's own backward, image by image."""
    x = _batched(use, use.x)
    geometry = geometry_of(use.target, use.rest, use.kwargs, use.layer.weight_shape[2:])
    x = pad(x, geometry)
    size = len(x) // use.samples  # more than one where all rows belong to one image
    found = []
    for gradient in gradients:
        pairs = zip(x.split(size)[block], _batched(use, gradient).split(size)[block], strict=True)
        each = [_weight_gradient(use, geometry, image, values) for image, values in pairs]
        found.append(torch.stack(each))
    return found


def _weight_gradient(use: Use, geometry: Geometry, x: Tensor, gradient: Tensor) -> Tensor:
    """(kernels, weights per kernel) in patch order, for padded x."""
    axes = len(geometry.kernel)
    stored: Tensor = torch.ops.aten.convolution_backward.default(
        gradient,
        x,
        torch.empty(use.layer.weight_shape, dtype=x.dtype, device=x.device),
        None,
        geometry.stride,
        (0,) * axes,
        geometry.dilation,
        False,
        (0,) * axes,
        geometry.groups,
        (False, True, False),
    )[1]
    return to_patch_order(to_kernels(stored, use.layer), use.layer)


def _batched(use: Use, values: Tensor) -> Tensor:
    """With an axis of images."""
    return values if values.dim() == len(use.layer.weight_shape) else values[None]


def _values_per_sample(use: Use, gradient: Tensor) -> int:
    """Of patches and of the weight gradient."""
    positions = use.positions(gradient)
    return use.weights_per_kernel * (positions * use.layer.groups + use.layer.kernels)


def _empty(use: Use, gradients: list[Tensor], errors: LayerErrors) -> Tensor:
    shape = (len(gradients), use.samples, use.layer.kernels, len(errors.bits))
    return torch.empty(shape, dtype=gradients[0].dtype, device=gradients[0].device)
