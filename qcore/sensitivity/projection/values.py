"""What one chunk of images adds up to."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from qcore.errors import BadInput
from qcore.graph.layer import Layer
from qcore.sensitivity.projection.contract import kernel_values
from qcore.sensitivity.projection.errors import LayerErrors
from qcore.sensitivity.projection.kernel_sums import KernelSums
from qcore.sensitivity.projection.projections import Projections
from qcore.sensitivity.projection.use import Use


class ChunkValues:
    """Projections of ``samples`` images on ``directions`` directions, use by use.

    With ``first`` the last direction is the gradient of the loss and not a random one.
    """

    def __init__(
        self, layers: tuple[Layer, ...], errors: LayerErrors, directions: int, samples: int
    ) -> None:
        self._layers, self._errors, self._samples = layers, errors, samples
        self._number = {layer.name: number for number, layer in enumerate(layers)}
        cells = (directions, samples, len(layers), len(errors.bits))
        self._weights: dict[str, Tensor] = {}
        self._inputs = torch.zeros(cells, dtype=torch.float64) if errors.of_inputs else None
        self._shape = cells

    def at_output(self, use: Use, gradients: list[Tensor]) -> None:
        """Add what the errors of the layer's weights do in this use."""
        found = kernel_values(use, gradients, self._errors)[:, : self._samples].cpu()
        name = use.layer.name
        self._weights[name] = self._weights[name] + found if name in self._weights else found

    def at_input(self, use: Use, gradients: list[Tensor]) -> None:
        """Add what the errors of what enters the layer do in this use."""
        assert self._inputs is not None
        number = self._number[use.layer.name]
        for width, error in enumerate(self._errors.inputs(use.layer, use.x)):
            for direction, gradient in enumerate(gradients):
                each = use.sums(error * gradient)[: self._samples].cpu()
                self._inputs[direction, :, number, width] += each

    def projections(self, first: bool) -> Projections:
        """Of each layer: the sum over its kernels."""
        weights = None
        if self._errors.of_weights:
            zero = torch.zeros(*self._shape[:2], self._shape[3], dtype=torch.float64)
            sums = [
                self._weights[la.name].double().sum(2) if la.name in self._weights else zero
                for la in self._layers
            ]
            weights = torch.stack(sums, 2)
        names = tuple(layer.name for layer in self._layers)
        return Projections(
            self._errors.bits,
            names,
            _array(_probes(weights, first), names),
            _array(_probes(self._inputs, first), names),
            _array(_last(weights, first), names),
            _array(_last(self._inputs, first), names),
        )

    def kernel_sums(self, first: bool, position: int) -> KernelSums:
        """Over this chunk, whose first image is number ``position`` of all."""
        half = torch.arange(position, position + self._samples) % 2
        totals, squares, energies = [], [], []
        for layer in self._layers:
            losses = self._losses(layer, first)
            parts = [losses[half == which] for which in (0, 1)]
            totals.append(torch.stack([part.sum(0) for part in parts]))
            squares.append(torch.stack([part.square().sum(0) for part in parts]))
            energies.append(self._errors.energies(layer).cpu())
        return KernelSums(
            self._errors.bits,
            tuple(layer.name for layer in self._layers),
            tuple(layer.kernels for layer in self._layers),
            torch.bincount(half, minlength=2).numpy(),
            torch.cat(totals, 1).numpy(),
            torch.cat(squares, 1).numpy(),
            torch.cat(energies).numpy(),
        )

    def _losses(self, layer: Layer, first: bool) -> Tensor:
        """(samples, kernels, bits), float64: what each kernel's errors alone add to the loss."""
        values = self._weights.get(layer.name)
        if values is None:
            shape = (self._samples, layer.kernels, len(self._errors.bits))
            return torch.zeros(shape, dtype=torch.float64)
        random = values[:-1] if first else values
        losses = 0.5 * random.double().square().mean(0)
        return losses + values[-1] if first else losses


def _probes(values: Tensor | None, first: bool) -> Tensor | None:
    return values[:-1] if values is not None and first else values


def _last(values: Tensor | None, first: bool) -> Tensor | None:
    return values[-1] if values is not None and first else None


def _array(values: Tensor | None, layers: tuple[str, ...]) -> npt.NDArray[np.float32] | None:
    """float32 (..., layers, bits). Raises BadInput unless all values are finite."""
    if values is None:
        return None
    for number, layer in enumerate(layers):
        if not bool(torch.isfinite(values[..., number, :]).all()):
            raise BadInput(
                f"the gradient at layer {layer} is NaN or infinite on these data; "
                "use --method exact"
            )
    return values.float().numpy()
