"""What rounding changes in each layer: weights, biases and inputs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import torch
from torch import Tensor

from qcore.graph.kernels import from_kernels, to_kernels
from qcore.graph.layer import Layer
from qcore.graph.network import Network
from qcore.side_by_side import side_by_side

WeightAt = Callable[[Layer, int], Tensor]
"""(layer, bits) -> the rounded weight in its stored shape."""

InputAt = Callable[[Layer, int], Callable[[Tensor], Tensor]]
"""(layer, bits) -> the rounding of what enters the layer."""

_MOST_AT_ONCE = 2**25  # values of one layer's errors at all widths: 128 MB
_MOST_KEPT = 96 * 2**20  # values of all layers' errors together: 384 MB


class LayerErrors:
    """Rounding errors of the layers of a network at some bit widths.

    Errors of weights are made once and kept while there is room. ``means``: layer name -> mean
    input patch (groups, weights per kernel), for what bias correction takes away; None: biases
    stay as they are.
    """

    def __init__(
        self,
        network: Network,
        bits: tuple[int, ...],
        weight_at: WeightAt | None = None,
        input_at: InputAt | None = None,
        means: Mapping[str, Tensor] | None = None,
    ) -> None:
        self.bits = bits
        self._network, self._weight_at, self._input_at = network, weight_at, input_at
        self._means = means
        self._kept: dict[str, Tensor] = {}
        self._shifts: dict[tuple[str, int], Tensor] = {}
        self._energies: dict[tuple[str, int], Tensor] = {}
        self._room = _MOST_KEPT

    @property
    def of_weights(self) -> bool:
        return self._weight_at is not None

    @property
    def of_inputs(self) -> bool:
        return self._input_at is not None

    def prepare(self) -> None:
        """Find the errors of all weights now, with every core."""
        if self._weight_at is None:
            return

        def find(layer: Layer) -> None:
            with torch.inference_mode(False):
                for _ in self.weights(layer):
                    pass

        for _ in side_by_side(find, self._network.description.layers, self._network.device):
            pass

    def weights(self, layer: Layer) -> Iterator[tuple[slice, Tensor]]:
        """Bit widths, as a slice of ``bits``, and (kernels, those widths, weights per kernel): the
        errors of the layer's weights in patch order (see ``geometry``)."""
        every = layer.weight_count * len(self.bits)
        if every > _MOST_AT_ONCE:
            for number in range(len(self.bits)):
                yield slice(number, number + 1), self._rows(layer, [number])
            return
        if layer.name in self._kept:
            rows = self._kept[layer.name]
        else:
            rows = self._rows(layer, list(range(len(self.bits))))
            if every <= self._room:
                self._kept[layer.name] = rows
                self._room -= every
        yield slice(0, len(self.bits)), rows

    def shifts(self, layer: Layer) -> Tensor | None:
        """(kernels, bits): the mean error of each kernel's output, which bias correction takes
        away; None where it does not."""
        if self._means is None:
            return None
        if (layer.name, 0) not in self._shifts:
            for _ in self.weights(layer):
                pass
        shifts = [self._shifts[layer.name, number] for number in range(len(self.bits))]
        return torch.stack(shifts, 1)

    def energies(self, layer: Layer) -> Tensor:
        """(kernels, bits), float64: the sum of squares of the errors of each kernel's weights."""
        if (layer.name, 0) not in self._energies:
            for _ in self.weights(layer):
                pass
        return torch.stack([self._energies[layer.name, i] for i in range(len(self.bits))], 1)

    def inputs(self, layer: Layer, x: Tensor) -> Iterator[Tensor]:
        """The error of what enters the layer, x, at each bit width."""
        assert self._input_at is not None
        for bits in self.bits:
            yield self._input_at(layer, bits)(x) - x

    def _rows(self, layer: Layer, numbers: list[int]) -> Tensor:
        assert self._weight_at is not None
        full = self._network.weight(layer).to(self._network.device)
        errors = []
        for number in numbers:
            rounded = self._weight_at(layer, self.bits[number])
            rows = to_kernels(rounded - full, layer)
            self._note_shift(layer, number, rows)
            if (layer.name, number) not in self._energies:
                norms = torch.linalg.vector_norm(rows, dim=1, dtype=torch.float64)
                self._energies[layer.name, number] = norms.square()
            errors.append(to_patch_order(rows, layer))
        return torch.stack(errors, 1)

    def _note_shift(self, layer: Layer, number: int, rows: Tensor) -> None:
        if self._means is None or (layer.name, number) in self._shifts:
            return
        patch = self._means[layer.name].to(rows)
        grouped = rows.reshape(layer.groups, -1, rows.shape[1])
        self._shifts[layer.name, number] = (grouped @ patch[:, :, None]).flatten()


def to_patch_order(rows: Tensor, layer: Layer) -> Tensor:
    """(kernels, weights per kernel) with the input channel last instead of first."""
    inputs = _inputs(layer)
    return rows.reshape(len(rows), inputs, -1).transpose(1, 2).reshape(len(rows), -1)


def to_stored(rows: Tensor, layer: Layer) -> Tensor:
    """The stored shape of (kernels, weights per kernel) in patch order."""
    inputs = _inputs(layer)
    swapped = rows.reshape(len(rows), -1, inputs).transpose(1, 2)
    return from_kernels(swapped.reshape(len(rows), -1), layer)


def _inputs(layer: Layer) -> int:
    """Input channels of one kernel."""
    shape = layer.weight_shape
    return shape[0] // layer.groups if layer.op.startswith("conv_transpose") else shape[1]
