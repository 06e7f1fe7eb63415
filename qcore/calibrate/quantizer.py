"""Weights and layer inputs of a network, quantized at the thresholds that were chosen."""

from __future__ import annotations

from torch import Tensor

from qcore.calibrate.calibration import Calibration
from qcore.calibrate.clipping import Clipping
from qcore.calibrate.inputs import input_parameters
from qcore.calibrate.methods import find_threshold
from qcore.calibrate.streaming import count_values
from qcore.errors import BadInput
from qcore.graph.layer import Layer
from qcore.graph.network import Network
from qcore.graph.run import Entering, arrange
from qcore.quantize.layer_weights import KernelClipping, quantize_weight, weight_scale
from qcore.quantize.limits import unsigned_range
from qcore.quantize.uniform import fake_quantize


class NetworkQuantizer:
    """What ``clipping`` makes of each layer at any bit width; scales are found once.

    ``calibration`` holds what entered the layers; without it inputs cannot be quantized.
    """

    def __init__(
        self, network: Network, clipping: Clipping, calibration: Calibration | None = None
    ) -> None:
        self._network, self._clipping, self._calibration = network, clipping, calibration
        self._scales: dict[tuple[str, int], Tensor] = {}
        self._inputs: dict[tuple[str, int], tuple[float, int]] = {}

    def weight(self, layer: Layer, bits: int) -> Tensor:
        """The rounded weight on the network's device, in its stored shape."""
        weight, key = self._network.weight(layer), (layer.name, bits)
        if key not in self._scales:
            clipping = self._kernel_clipping(layer, bits)
            self._scales[key] = weight_scale(weight, layer, bits, clipping)
        rounded = quantize_weight(weight, layer, bits, self._scales[key])
        return arrange(rounded, self._network.device)

    def entering(self, layer: Layer, bits: int) -> Entering:
        """Node name -> the rounding of what enters it, for every node of the layer.

        Raises BadInput without calibration data.
        """
        scale, zero_point = self._input_parameters(layer, bits)

        def rounded(values: Tensor) -> Tensor:
            return fake_quantize(values, scale, zero_point, *unsigned_range(bits))

        return dict.fromkeys(layer.nodes, rounded)

    def _input_parameters(self, layer: Layer, bits: int) -> tuple[float, int]:
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

    def _kernel_clipping(self, layer: Layer, bits: int) -> KernelClipping:
        choice = self._clipping.choice(layer.name, "weight")
        if choice == "max" or choice == "mse":
            return choice
        if isinstance(choice, float):
            return choice
        histogram = count_values(self._network.weight(layer))
        percentile = self._clipping.percentile("weight")
        return find_threshold(histogram, choice, bits, "weight", percentile).value
