"""One chunk of images at a time, and the network stopped where a layer is to be tried."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from qcore.calibrate.quantizer import NetworkQuantizer
from qcore.data.dataset import Dataset
from qcore.errors import BadInput, Stopped
from qcore.graph.layer import Layer
from qcore.graph.network import Network
from qcore.graph.run import NO_CHANGES, Changes, Input, Output, Runner, as_tuple, first_use
from qcore.sensitivity.config import SensitivityConfig, Width
from qcore.sensitivity.objective import is_finite, loss_per_image
from qcore.sensitivity.pieces import Piece
from qcore.sensitivity.width_text import width_text


class Bench:
    """One chunk of images at a time, and the network stopped where a layer is to be tried."""

    def __init__(
        self, network: Network, config: SensitivityConfig, quantizer: NetworkQuantizer
    ) -> None:
        self.runner, self._config, self._quantizer = network.runner(), config, quantizer
        self._base = NO_CHANGES
        if config.base is not None:
            for layer in network.description.layers:
                changes = quantizer.changes(layer, config.base, config.base)
                self._base = self._base.joined(changes)
        self._kept: dict[int, Tensor] = {}

    def look(
        self,
        data: Dataset,
        chunks: Iterable[Tensor],
        on_progress: Callable[[str], None],
        should_stop: Callable[[], bool],
    ) -> tuple[NDArray[np.float64], float]:
        """How much each image's loss is about to move, (N,), and the seconds of a forward pass.

        It is ``1 - sum p²`` of a classifier's full-precision probabilities: the trace of the matrix
        F = diag(p) - p pᵀ in the second-order expansion ½ δzᵀ F δz of a change δz of the logits.
        Example: p = [0.9, 0.1] gives 0.18, a certain class 0. The outputs are kept, so that later
        no chunk is run for them: 4 kB for each image of 1,000 classes. Raises Stopped, and BadInput
        where the output is not finite.
        """
        sizes, seconds = [], 0.0
        for indices in chunks:
            if should_stop():
                raise Stopped
            images = data.batch(indices)
            started = time.perf_counter()
            (output,) = as_tuple(self.runner(images))
            _require_finite(output, data.name)
            seconds += time.perf_counter() - started
            self._kept.update(zip(indices.tolist(), output, strict=True))
            on_progress(f"{len(self._kept):,} images looked at")
            sizes.append(1 - output.double().softmax(1).square().sum(1))
        return torch.cat(sizes).cpu().numpy(), seconds

    def load(self, data: Dataset, indices: Tensor) -> float | None:
        """Begin with these images; returns the seconds of a full-precision forward pass, None where
        ``look`` has done it."""
        self._images: Input = data.batch(indices)
        self._labels = None if data.labels is None else data.labels[indices].to(self.runner.device)
        self._name = data.name
        seconds = None
        if self._kept:
            self._reference: Output = torch.stack([self._kept[i] for i in indices.tolist()])
        else:
            started = time.perf_counter()
            self._reference = self.runner(self._images)
            _require_finite(self._reference, data.name)
            seconds = time.perf_counter() - started
        output = self._reference
        if self._config.base is not None:
            output = self.runner(self._images, self._base)
            _require_finite(output, f"{data.name} with all at {self._config.base} bits")
        self._base_loss = self._loss(output)
        self._position = self.runner.start(self._images)
        return seconds

    def added_loss(self, layer: Layer, width: Width) -> Tensor:
        """(N,): loss with that layer at that width, minus the base's. Layers come in order."""
        self.runner.advance(self._position, first_use(self.runner, layer.nodes), self._base)
        changes = self._base.joined(self._changes(layer, width))
        output = self.runner.finish(self._position, changes)
        return self._added(output, f"{layer.name} at {width_text(width)} bits")

    def added_loss_together(self, cells: Iterable[tuple[Layer, Width]]) -> Tensor:
        """(N,): the same of a whole configuration, in a run of the whole network."""
        changes = self._base
        for layer, width in cells:
            changes = changes.joined(self._changes(layer, width))
        return self._added(self.runner(self._images, changes), "a configuration")

    def _added(self, output: Output, what: str) -> Tensor:
        _require_finite(output, f"{self._name} with {what}")
        return self._loss(output) - self._base_loss

    def _changes(self, layer: Layer, width: Width) -> Changes:
        target = self._config.target
        if target == "activation":
            return self._quantizer.changes(layer, None, width.bits)
        return self._quantizer.changes(layer, width.bits, width.activation_bits)

    def _loss(self, output: Output) -> Tensor:
        return loss_per_image(output, self._reference, self._labels, self._config.objective)


def suffix_costs(network: Network, runner: Runner) -> dict[str, float]:
    """Multiply-accumulates per image from each layer to the end (plus one: never zero)."""
    layers = network.description.layers
    start = {layer.name: first_use(runner, layer.nodes) for layer in layers}
    return {
        layer.name: 1.0 + sum(la.macs for la in layers if start[la.name] >= start[layer.name])
        for layer in layers
    }


def piece_of(layer: Layer, width: Width, chunk: int, difference: Tensor) -> Piece:
    """The sums over ``difference`` (N,), the added loss of each image of a chunk."""
    return Piece(
        layer.name,
        width.bits,
        width.activation_bits,
        chunk,
        difference.numel(),
        float(difference.sum()),
        float(difference.square().sum()),
    )


def _require_finite(output: Output, data_name: str) -> None:
    if not is_finite(output):
        raise BadInput(
            f"the network's output on {data_name} is NaN or infinite; check its normalisation"
        )
