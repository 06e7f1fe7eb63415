"""From the gradient at a layer's output to what each kernel's errors do to the loss."""

from __future__ import annotations

import torch
from torch import Tensor

from qcore.sensitivity.projection.errors import LayerErrors, to_stored
from qcore.sensitivity.projection.use import Use
from qcore.sensitivity.projection.weight_gradients import block_images, weight_gradients


def kernel_values(use: Use, gradients: list[Tensor], errors: LayerErrors) -> Tensor:
    """(gradients, samples, kernels, bits): the inner product of each gradient at the layer's output
    with the change there that the errors of each kernel's weights make.

    It is the inner product of the errors and the image's own weight gradient, whose cost does not
    depend on the number of widths; or, where that gradient has more values than the outputs of all
    widths, the layer is run with the errors for its weights. With bias correction the mean change
    is taken away. Example: a linear layer of one weight, input 2, gradient 3, error 0.1: 0.6.
    """
    transposed = use.layer.op.startswith("conv_transpose")
    by_output = transposed or use.positions(gradients[0]) <= len(errors.bits)
    values = (_by_output if by_output else _by_gradient)(use, gradients, errors)
    shifts = errors.shifts(use.layer)
    if shifts is not None:
        sums = torch.stack([use.positions_first(gradient).sum(1) for gradient in gradients])
        values -= sums[..., None] * shifts
    return values


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
    found = _empty(use, gradients, errors)
    step = block_images(use, gradients[0])
    for start in range(0, use.samples, step):
        block = slice(start, min(start + step, use.samples))
        products = weight_gradients(use, gradients, block)
        for widths, rows in errors.weights(use.layer):
            for probe, weight_gradient in enumerate(products):
                # (kernels, widths, weights) @ (kernels, weights, samples)
                product = torch.bmm(rows, weight_gradient.permute(1, 2, 0))
                found[probe, block, :, widths] = product.permute(2, 0, 1)
    return found


def _empty(use: Use, gradients: list[Tensor], errors: LayerErrors) -> Tensor:
    shape = (len(gradients), use.samples, use.layer.kernels, len(errors.bits))
    return torch.empty(shape, dtype=gradients[0].dtype, device=gradients[0].device)
