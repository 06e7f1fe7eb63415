"""Weights and layer inputs of a network, quantized at the thresholds that were chosen."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from qcore.calibrate.calibration import Calibration
from qcore.calibrate.clipping import Clipping
from qcore.calibrate.inputs import input_parameters
from qcore.calibrate.means import InputMeans
from qcore.calibrate.methods import find_threshold
from qcore.calibrate.streaming import count_values
from qcore.errors import BadInput
from qcore.graph.kernels import from_kernels, to_kernels
from qcore.graph.layer import Layer
from qcore.graph.network import Network
from qcore.graph.run import NO_CHANGES, Changes, arrange
from qcore.quantize.layer_weights import (
    KernelClipping,
    layer_search,
    quantize_weight,
    weight_scale,
)
from qcore.quantize.limits import PRUNED, WeightBits, unsigned_range
from qcore.quantize.scale_search import ScaleSearch
from qcore.quantize.uniform import fake_quantize


class NetworkQuantizer:
    """What ``clipping`` makes of each layer at any bit width; scales are found once.

    ``calibration`` holds what entered the layers; without it inputs cannot be quantized. ``means``
    are what biases are corrected by; without them they stay as they are.
    """

    def __init__(
        self,
        network: Network,
        clipping: Clipping,
        calibration: Calibration | None = None,
        means: InputMeans | None = None,
    ) -> None:
        self._network, self._clipping, self._calibration = network, clipping, calibration
        self._means = means if clipping.bias_correction else None
        self._scales: dict[tuple[str, int], Tensor] = {}
        self._search: tuple[str, ScaleSearch] | None = None  # of the layer asked for last
        self._inputs: dict[tuple[str, int], tuple[float, int]] = {}

    def changes(
        self, layer: Layer, weight_bits: WeightBits | None, activation_bits: int | None
    ) -> Changes:
        """A layer with its weights and what enters it at those widths (None: full precision).

        ``weight_bits`` may be one width for each kernel; a kernel then has the weights and the
        shift that it would have were the whole layer at its width. Raises BadInput for activation
        bits without calibration data.
        """
        inputs = NO_CHANGES
        if activation_bits is not None:
            entering = self.entering(layer, activation_bits)
            inputs = Changes(entering=dict.fromkeys(layer.nodes, entering))
        if weight_bits is None:
            return inputs
        weight, shift = self.weight(layer, weight_bits), self.shift(layer, weight_bits)
        shifts = {} if shift is None else dict.fromkeys(layer.nodes, shift)
        return inputs.joined(Changes({layer.weight_key: weight}, shifts=shifts))

    def weight(self, layer: Layer, bits: WeightBits) -> Tensor:
        """The rounded weight on the network's device, in its stored shape; a pruned kernel's is
        zero.

        With bits for each kernel and one scale for a layer, there is one scale for each width: that
        of the whole layer at that width. Example: bits (0, 3) of the kernels (0.34, -0.5) and
        (0.34, -0.5) with scale 0.1 at 3 bits give (0, 0) and (0.3, -0.3).
        """
        if isinstance(bits, int):
            return arrange(self._rounded(layer, bits), self._network.device)
        widths = torch.tensor(bits)
        rows = torch.zeros_like(to_kernels(self._network.weight(layer), layer))
        for width in sorted(set(bits) - {PRUNED}):
            kernels = (widths == width).to(rows.device)
            rows[kernels] = to_kernels(self._rounded(layer, width), layer)[kernels]
        return arrange(from_kernels(rows, layer), self._network.device)

    def shift(self, layer: Layer, bits: WeightBits) -> Tensor | None:
        """What bias correction adds to each bias, (kernels,); None where nothing is corrected.

        Nagel et al. 2019 (arXiv 1906.04721), section 4.2, with means of calibration data. Example:
        a kernel rounded from 0.34, -0.5 to 0.3, -0.3 on inputs of mean 1, 2 outputs 0.36 more on
        average; its bias is shifted by -0.36. That of a pruned one is shifted by -0.66, the
        kernel's mean output.
        """
        if self._means is None:
            return None
        rows = to_kernels(self.weight(layer, bits) - self._stored(layer), layer)
        patch = torch.from_numpy(self._means.patches[layer.name]).to(rows.device)
        return -(rows.reshape(layer.groups, -1, rows.shape[1]) @ patch[:, :, None]).flatten()

    def entering(self, layer: Layer, bits: int) -> Callable[[Tensor], Tensor]:
        """The rounding of what enters a layer. Raises BadInput without calibration data."""
        scale, zero_point = self.input_scale(layer, bits)

        def rounded(values: Tensor) -> Tensor:
            return fake_quantize(values, scale, zero_point, *unsigned_range(bits))

        return rounded

    def scale(self, layer: Layer, bits: int) -> Tensor:
        """(kernels, 1): the scales of the weights at a width of 2 to 16 bits."""
        key = (layer.name, bits)
        if key not in self._scales:
            weight, clipping = self._network.weight(layer), self._kernel_clipping(layer, bits)
            self._scales[key] = weight_scale(
                weight, layer, bits, clipping, self._clipping.per_kernel, self._search_of(layer)
            )
        return self._scales[key]

    def input_scale(self, layer: Layer, bits: int) -> tuple[float, int]:
        """(scale, zero_point) of what enters a layer. Raises BadInput without calibration data."""
        if self._calibration is None:
            raise BadInput(
                f"the input of {layer.name} is to have {bits} bits, but there are no calibration "
                "data to find its threshold on; give --calibration DATA"
            )
        key = (layer.name, bits)
        if key not in self._inputs:
            histogram = self._calibration.layer(layer.name).inputs
            choice = self._clipping.choice(layer.name, "activation")
            percentile = self._clipping.percentile("activation")
            found = find_threshold(histogram, choice, bits, "activation", percentile)
            self._inputs[key] = input_parameters(histogram, found.value, bits)
        return self._inputs[key]

    def _rounded(self, layer: Layer, bits: int) -> Tensor:
        """All kernels at one width."""
        scale = None if bits == PRUNED else self.scale(layer, bits)
        return quantize_weight(self._network.weight(layer), layer, bits, scale)

    def _stored(self, layer: Layer) -> Tensor:
        return arrange(self._network.weight(layer), self._network.device)

    def _search_of(self, layer: Layer) -> ScaleSearch:
        known = self._search  # another thread may put its own there
        if known is None or known[0] != layer.name:
            weight = self._network.weight(layer)
            known = layer.name, layer_search(weight, layer, self._clipping.per_kernel)
            self._search = known
        return known[1]

    def _kernel_clipping(self, layer: Layer, bits: int) -> KernelClipping:
        choice = self._clipping.choice(layer.name, "weight")
        if choice == "max" or choice == "mse":
            return choice
        if isinstance(choice, float):
            return choice
        histogram = count_values(self._network.weight(layer))
        percentile = self._clipping.percentile("weight")
        return find_threshold(histogram, choice, bits, "weight", percentile).value
