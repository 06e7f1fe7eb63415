"""Noise: how far each layer's own output moves when the layer alone is quantized."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, fx

from qcore.calibrate.calibration import Calibration
from qcore.calibrate.quantizer import NetworkQuantizer
from qcore.data.dataset import Dataset
from qcore.errors import BadInput, Stopped
from qcore.graph.layer import Layer
from qcore.graph.network import Network
from qcore.graph.run import arrange
from qcore.sensitivity.config import SensitivityConfig, Width
from qcore.sensitivity.image_chunks import split_chunks
from qcore.sensitivity.noise_images import (
    CellNoise,
    ImageSums,
    squares_per_image,
    values_per_image,
)
from qcore.sensitivity.pieces import row_of
from qcore.sensitivity.quantizer import quantizer_for
from qcore.sensitivity.row import SensitivityRow


def measure_noise(
    network: Network,
    data: Dataset,
    config: SensitivityConfig,
    *,
    calibration: Calibration | None = None,
    on_rows: Callable[[tuple[SensitivityRow, ...]], None] = lambda rows: None,
    on_progress: Callable[[float, str], None] = lambda fraction, message: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> tuple[SensitivityRow, ...]:
    """One row for every layer and width: the error of the layer's output relative to its energy.

    The network runs once in full precision; each layer's operator is applied again, at each width,
    to the very input it had, with its weight, its input or both rounded and its bias corrected. So
    a width costs about one forward pass for all layers together, and memory does not grow with the
    number of images. ``delta_loss`` is the mean over images of |y_q - y|² / |y|² (of an output of
    zeros: of |y_q - y|²) with Student's interval; a layer that is used several times has the sum of
    its uses on either side. SQNR is -10 log10 of that mean. Example: an output (3, 4) that becomes
    (3, 3.5) has 0.01, 20 dB, a mean squared error of 0.125 and a cosine of 0.9979.

    Rows over the images so far go to ``on_rows`` after every chunk of them. Raises BadInput where a
    layer's output is not finite, or inputs are asked for without calibration, and Stopped when
    ``should_stop`` says so.
    """
    quantizer = quantizer_for(
        network, data, config, calibration, on_progress=on_progress, should_stop=should_stop
    )
    bench = _Bench(network, config, quantizer)
    chunks = split_chunks(network, data, config)
    total = sum(map(len, chunks))
    done = 0

    for indices in chunks:
        images, before = len(indices), done

        def report(fraction: float, layer: str, images: int = images, before: int = before) -> None:
            if should_stop():
                raise Stopped
            on_progress((before + images * fraction) / total, f"{layer}: noise of its output")

        with torch.inference_mode():
            bench.add(data, indices, report)
        done += images
        on_rows(bench.rows())
    return bench.rows()


class _Bench:
    """Runs chunks of images and sums, cell by cell, what the images say."""

    def __init__(
        self, network: Network, config: SensitivityConfig, quantizer: NetworkQuantizer
    ) -> None:
        self._network, self._config, self._quantizer = network, config, quantizer
        self._runner = network.runner()
        self._layers = {node: la for la in network.description.layers for node in la.nodes}
        self._cells: dict[tuple[str, Width], CellNoise] = {}
        self._shifts: dict[tuple[str, int], Tensor | None] = {}

    def add(self, data: Dataset, indices: Tensor, report: Callable[[float, str], None]) -> None:
        """Every layer at every width on these images; ``report`` hears the fraction done."""
        sums: dict[tuple[str, Width], ImageSums] = {}
        nodes = len(self._runner.nodes)

        def observe(node: fx.Node, args: tuple[Any, ...], output: Any) -> None:
            layer = self._layers.get(node.name)
            if layer is None:
                return
            report(self._runner.index[node.name] / nodes, layer.name)
            for width, found in self._sums(layer, node, args, output, len(indices)):
                cell = (layer.name, width)
                sums[cell] = sums[cell].plus(found) if cell in sums else found

        self._runner.advance(self._runner.start(data.batch(indices)), nodes, observe=observe)
        for (layer, width), found in sums.items():
            if not found.finite:
                raise BadInput(
                    f"the output of layer {layer} on {data.name} is NaN or infinite; "
                    "check its normalisation"
                )
            self._cells.setdefault((layer, width), CellNoise()).add(found)

    def rows(self) -> tuple[SensitivityRow, ...]:
        """In the order of layers, then of widths."""
        return tuple(
            replace(row_of(layer.name, width, self._config, cell.noise_to_signal), noise=cell.noise)
            for layer in self._network.description.layers
            for width in self._config.widths
            if (cell := self._cells.get((layer.name, width))) is not None
        )

    def _sums(
        self, layer: Layer, node: fx.Node, args: tuple[Any, ...], output: Tensor, images: int
    ) -> Iterator[tuple[Width, ImageSums]]:
        run = self._network.description.batch or images
        energy = squares_per_image(output, layer, run, images)
        values = values_per_image(output, layer, run)
        others = {name: value for name, value in node.kwargs.items() if name != "bias"}
        for width in self._config.widths:
            noisy = node.target(*self._operands(layer, node, args, width), **others)  # type: ignore[operator]
            noisy_energy = squares_per_image(noisy, layer, run, images)
            error = squares_per_image(noisy.sub_(output), layer, run, images)
            yield width, ImageSums(error, energy, noisy_energy, values)

    def _operands(
        self, layer: Layer, node: fx.Node, args: tuple[Any, ...], width: Width
    ) -> tuple[Any, ...]:
        """The layer's (input, weight, bias, ...) with the target rounded."""
        x, weight, *rest = args
        bias, *rest = rest or [self._named_bias(layer, node)]
        target = self._config.target
        inputs = width.bits if target == "activation" else width.activation_bits
        if inputs is not None:
            x = self._quantizer.entering(layer, inputs)(x)
        if target != "activation":
            weight = self._quantizer.weight(layer, width.bits)
            shift = self._shift(layer, width.bits)
            bias = bias if shift is None else shift if bias is None else bias + shift
        return (x, weight, bias, *rest)

    def _named_bias(self, layer: Layer, node: fx.Node) -> Tensor | None:
        """A bias that is no positional operand."""
        if node.kwargs.get("bias") is None or layer.bias_key is None:
            return None
        return arrange(self._network.tensors[layer.bias_key], self._runner.device)

    def _shift(self, layer: Layer, bits: int) -> Tensor | None:
        key = (layer.name, bits)
        if key not in self._shifts:
            self._shifts[key] = self._quantizer.shift(layer, bits)
        return self._shifts[key]
