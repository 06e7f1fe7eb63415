"""Exact ΔL: quantize one layer, run the rest, compare image by image with the base."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass

import torch
from torch import Tensor

from qcore.calibrate.average import means_for
from qcore.calibrate.calibration import Calibration
from qcore.calibrate.quantizer import NetworkQuantizer
from qcore.data.dataset import Dataset
from qcore.errors import BadInput
from qcore.graph.chunks import chunk_images
from qcore.graph.layer import Layer
from qcore.graph.network import Network
from qcore.graph.run import NO_CHANGES, Changes, Input, Output, Runner, first_use
from qcore.sensitivity.config import SensitivityConfig, Width
from qcore.sensitivity.objective import is_finite, loss_per_image
from qcore.sensitivity.pieces import Piece

PieceKey = tuple[str, Width, int]
"""(layer, width, chunk)"""


@dataclass(frozen=True)
class ExactRun:
    """The pieces that a run added, and the time one forward pass over all the images takes."""

    pieces: tuple[Piece, ...]
    one_forward_seconds: float | None
    finished: bool


def measure_exact(
    network: Network,
    data: Dataset,
    config: SensitivityConfig,
    *,
    calibration: Calibration | None = None,
    layers: Collection[str] | None = None,
    done: Collection[PieceKey] = (),
    on_piece: Callable[[Piece], None] = lambda piece: None,
    on_progress: Callable[[float, str], None] = lambda fraction, message: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> ExactRun:
    """ΔL of every layer (or of those named) at every width, in chunks of images.

    For each chunk the network advances layer by layer; at a layer each width is tried by running
    only the rest of the network, so the work before the layer is done once per chunk and a
    candidate costs on average half a forward pass. All that is not tried stays at
    ``config.base``: full precision, or (Hubara et al. 2020, CalibTIP, section 3.4) uniform 8 bit.
    ``done`` names pieces that are known already and not computed again. Every piece goes to
    ``on_piece`` as soon as it exists; after the first chunk every cell has a value, and further
    chunks narrow its interval. Inputs are clipped at thresholds that are found on ``calibration``;
    biases are corrected by what enters the layers on these very data. Raises BadInput where the
    network's output on the data is not finite, or inputs are asked for without calibration.
    """
    chunks = split_chunks(network, data, config)
    chosen = [la for la in network.description.layers if layers is None or la.name in layers]
    means = None
    if config.corrects_biases:
        means = means_for(
            network,
            data,
            on_progress=lambda _, text: on_progress(0.0, text),
            should_stop=should_stop,
        )
    bench = _Bench(network, config, NetworkQuantizer(network, config.clipping, calibration, means))
    plan = _Plan(network, bench.runner, chunks, config, chosen, set(done))
    pieces: list[Piece] = []
    forward_seconds: list[float] = []
    if plan.missing:
        with torch.inference_mode():
            bench.runner(data.batch(chunks[0]))  # sets up kernels: it is not a measure
    for number, indices in enumerate(chunks):
        if not plan.missing_in(number):
            continue
        with torch.inference_mode():
            forward_seconds.append(bench.load(data, indices) / len(indices))
            for layer, width in plan.missing_in(number):
                if should_stop():
                    return ExactRun(tuple(pieces), None, False)
                piece = _piece(layer, width, number, bench.added_loss(layer, width))
                pieces.append(piece)
                on_piece(piece)
                on_progress(plan.finish(layer, number), f"{layer.name} at {width_text(width)}")
    per_image = sum(forward_seconds) / len(forward_seconds) if forward_seconds else None
    total = None if per_image is None else per_image * config.images
    return ExactRun(tuple(pieces), total, True)


def width_text(width: Width) -> str:
    """Example: ``4 bits``, and ``4/8 bits`` of weights and inputs."""
    inputs = "" if width.activation_bits is None else f"/{width.activation_bits}"
    return f"{width.bits}{inputs} bits"


def split_chunks(network: Network, data: Dataset, config: SensitivityConfig) -> list[Tensor]:
    """The indices of the images used, in chunks that keep the largest activation small."""
    return list(chosen_images(data, config).split(chunk_images(network)))


def chosen_images(data: Dataset, config: SensitivityConfig) -> Tensor:
    """The indices of the images used, in the order that the seed gives."""
    generator = torch.Generator().manual_seed(config.seed)
    return torch.randperm(len(data), generator=generator)[: config.images]


class _Bench:
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

    def load(self, data: Dataset, indices: Tensor) -> float:
        """Begin with these images; returns the seconds of a full-precision forward pass."""
        images: Input = data.batch(indices)
        self._labels = None if data.labels is None else data.labels[indices].to(self.runner.device)
        self._name = data.name
        started = time.perf_counter()
        self._reference = self.runner(images)
        _require_finite(self._reference, data.name)
        seconds = time.perf_counter() - started
        output = self._reference
        if self._config.base is not None:
            output = self.runner(images, self._base)
            _require_finite(output, f"{data.name} with all at {self._config.base} bits")
        self._base_loss = self._loss(output)
        self._position = self.runner.start(images)
        return seconds

    def added_loss(self, layer: Layer, width: Width) -> Tensor:
        """(N,): loss with that layer at that width, minus the base's. Layers come in order."""
        self.runner.advance(self._position, first_use(self.runner, layer.nodes), self._base)
        changes = self._base.joined(self._changes(layer, width))
        output = self.runner.finish(self._position, changes)
        _require_finite(output, f"{self._name} with {layer.name} at {width_text(width)}")
        return self._loss(output) - self._base_loss

    def _changes(self, layer: Layer, width: Width) -> Changes:
        target = self._config.target
        if target == "activation":
            return self._quantizer.changes(layer, None, width.bits)
        return self._quantizer.changes(layer, width.bits, width.activation_bits)

    def _loss(self, output: Output) -> Tensor:
        return loss_per_image(output, self._reference, self._labels, self._config.objective)


class _Plan:
    """Which pieces are left, and what they cost."""

    def __init__(
        self,
        network: Network,
        runner: Runner,
        chunks: list[Tensor],
        config: SensitivityConfig,
        layers: list[Layer],
        done: set[PieceKey],
    ) -> None:
        self._layers, self._widths, self._chunks, self._done = layers, config.widths, chunks, done
        self._cost = _suffix_costs(network, runner)
        each = sum(self._cost[layer.name] for layer in layers)
        self._total = each * len(config.widths) * config.images
        self._spent = sum(self._cost[layer] * len(chunks[c]) for layer, _, c in done)

    @property
    def missing(self) -> bool:
        return any(self.missing_in(number) for number in range(len(self._chunks)))

    def missing_in(self, chunk: int) -> list[tuple[Layer, Width]]:
        cells = [(layer, width) for layer in self._layers for width in self._widths]
        return [(la, width) for la, width in cells if (la.name, width, chunk) not in self._done]

    def finish(self, layer: Layer, chunk: int) -> float:
        """Note a piece as done; returns the fraction of all the work that is."""
        self._spent += self._cost[layer.name] * len(self._chunks[chunk])
        return self._spent / self._total


def _suffix_costs(network: Network, runner: Runner) -> dict[str, float]:
    """Multiply-accumulates per image from each layer to the end (plus one: never zero)."""
    layers = network.description.layers
    start = {layer.name: first_use(runner, layer.nodes) for layer in layers}
    return {
        layer.name: 1.0 + sum(la.macs for la in layers if start[la.name] >= start[layer.name])
        for layer in layers
    }


def _piece(layer: Layer, width: Width, chunk: int, difference: Tensor) -> Piece:
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
