"""Exact ΔL: quantize one layer, run the rest, compare image by image with full precision."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass

import torch
from torch import Tensor

from qcore.calibrate.calibration import Calibration
from qcore.calibrate.clipping import Target
from qcore.calibrate.quantizer import NetworkQuantizer
from qcore.data.dataset import Dataset
from qcore.errors import BadInput
from qcore.graph.layer import Layer
from qcore.graph.network import Network
from qcore.graph.run import Output, Position, Runner, first_use
from qcore.sensitivity.objective import is_finite, loss_per_image
from qcore.sensitivity.pieces import Piece
from qcore.sensitivity.table import SensitivityConfig

PieceKey = tuple[str, int, int]
"""(layer, bits, chunk)"""

_CHUNK_VALUES = 2**25  # largest activation of a chunk, in values: 128 MB in float32
_CHUNK_IMAGES = 256


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
    """ΔL of every layer (or of those named) at every bit width, in chunks of images.

    For each chunk the network advances layer by layer; at a layer each bit width is tried by
    running only the rest of the network, so the work before the layer is done once per chunk and a
    candidate costs on average half a forward pass. ``done`` names pieces that are known already and
    not computed again. Every piece goes to ``on_piece`` as soon as it exists; after the first chunk
    every cell has a value, and further chunks narrow its interval. Inputs are clipped at
    thresholds that are found on ``calibration``. Raises BadInput where the network's output on the
    data is not finite, or inputs are asked for without calibration.
    """
    runner = network.runner()
    chunks = split_chunks(network, data, config)
    chosen = [la for la in network.description.layers if layers is None or la.name in layers]
    plan = _Plan(network, runner, chunks, config, chosen, set(done))
    quantizer = NetworkQuantizer(network, config.clipping, calibration)
    pieces: list[Piece] = []
    forward_seconds: list[float] = []
    if plan.missing:
        with torch.inference_mode():
            runner(data.batch(chunks[0]))  # the first pass sets up kernels: it is not a measure
    for number, indices in enumerate(chunks):
        if not plan.missing_in(number):
            continue
        with torch.inference_mode():
            images = data.batch(indices)
            labels = None if data.labels is None else data.labels[indices].to(runner.device)
            started = time.perf_counter()
            reference = runner(images)
            _require_finite(reference, data.name)
            forward_seconds.append((time.perf_counter() - started) / len(indices))
            base = loss_per_image(reference, reference, labels, config.objective)
            position = runner.start(images)
            for layer, bits in plan.missing_in(number):
                if should_stop():
                    return ExactRun(tuple(pieces), None, False)
                runner.advance(position, first_use(runner, layer.nodes))
                logits = _with_layer(runner, position, quantizer, config.target, layer, bits)
                _require_finite(logits, f"{data.name} with {layer.name} at {bits} bits")
                loss = loss_per_image(logits, reference, labels, config.objective)
                piece = _piece(layer, bits, number, loss - base)
                pieces.append(piece)
                on_piece(piece)
                on_progress(plan.finish(layer, bits, number), f"{layer.name} at {bits} bits")
    per_image = sum(forward_seconds) / len(forward_seconds) if forward_seconds else None
    total = None if per_image is None else per_image * config.images
    return ExactRun(tuple(pieces), total, True)


def split_chunks(network: Network, data: Dataset, config: SensitivityConfig) -> list[Tensor]:
    """The indices of the images used, in chunks that keep the largest activation small."""
    generator = torch.Generator().manual_seed(config.seed)
    chosen = torch.randperm(len(data), generator=generator)[: config.images]
    return list(chosen.split(chunk_images(network)))


def chunk_images(network: Network) -> int:
    """How many images are run at once: a fixed batch, or as many as keep every activation below
    ``_CHUNK_VALUES`` values."""
    if network.description.batch is not None:
        return network.description.batch
    shapes = [s for la in network.description.layers for s in (la.input_shape, la.output_shape)]
    largest = max(math.prod(shape) for shape in shapes)
    return max(1, min(_CHUNK_IMAGES, _CHUNK_VALUES // largest))


def _with_layer(
    runner: Runner,
    position: Position,
    quantizer: NetworkQuantizer,
    target: Target,
    layer: Layer,
    bits: int,
) -> Output:
    """The output with that layer's weights or input at that many bits, all else as it was."""
    if target == "weight":
        return runner.finish(position, {layer.weight_key: quantizer.weight(layer, bits)})
    return runner.finish(position, entering=quantizer.entering(layer, bits))


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
        self._layers, self._bits, self._chunks, self._done = layers, config.bits, chunks, done
        self._cost = _suffix_costs(network, runner)
        each = sum(self._cost[layer.name] for layer in layers)
        self._total = each * len(config.bits) * config.images
        self._spent = sum(self._cost[layer] * len(chunks[c]) for layer, _, c in done)

    @property
    def missing(self) -> bool:
        return any(self.missing_in(number) for number in range(len(self._chunks)))

    def missing_in(self, chunk: int) -> list[tuple[Layer, int]]:
        cells = [(layer, bits) for layer in self._layers for bits in self._bits]
        return [(la, bits) for la, bits in cells if (la.name, bits, chunk) not in self._done]

    def finish(self, layer: Layer, bits: int, chunk: int) -> float:
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


def _piece(layer: Layer, bits: int, chunk: int, difference: Tensor) -> Piece:
    return Piece(
        layer.name,
        bits,
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
