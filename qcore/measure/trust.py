"""Measure configurations on the very images that a sensitivity table was made on."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

import torch
from torch import Tensor

from qcore.allocate.bits import BitAllocation
from qcore.calibrate.calibration import Calibration
from qcore.calibrate.quantizer import NetworkQuantizer
from qcore.data.dataset import Dataset
from qcore.errors import BadInput, Stopped
from qcore.graph.network import Network
from qcore.graph.run import NO_CHANGES, Changes, Input, Output, Runner
from qcore.measure.evaluate import quantized
from qcore.measure.trust_draw import Configuration
from qcore.measure.trust_point import TrustPiece, TrustPieceKey
from qcore.sensitivity.config import SensitivityConfig
from qcore.sensitivity.image_chunks import split_chunks
from qcore.sensitivity.objective import is_finite, loss_per_image
from qcore.sensitivity.quantizer import quantizer_for


def measure_trust(
    network: Network,
    data: Dataset,
    config: SensitivityConfig,
    configurations: Sequence[Configuration],
    *,
    calibration: Calibration | None = None,
    done: Collection[TrustPieceKey] = (),
    on_piece: Callable[[TrustPiece], None] = lambda piece: None,
    on_progress: Callable[[float, str], None] = lambda fraction, message: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> tuple[TrustPiece, ...]:
    """ΔL of whole configurations, image by image against the base, in chunks of images.

    Images, loss, base and quantizer (thresholds and bias corrections too) are those of a table that
    was made with ``config``, so what is left between its prediction and this is the estimate's
    error. Each chunk costs a forward pass for each configuration, one in full precision, and one
    more at the base where that is another. ``done`` names pieces that are known; every new one goes
    to ``on_piece`` at once. Raises BadInput where an output is not finite or inputs are rounded
    without calibration; Stopped when ``should_stop`` says so.
    """
    quantizer = quantizer_for(
        network, data, config, calibration, on_progress=on_progress, should_stop=should_stop
    )
    chunks = split_chunks(network, data, config)
    found: list[TrustPiece] = []
    with torch.inference_mode():
        bench = _Bench(network, data, config, quantizer)
        for chunk, indices in enumerate(chunks):
            missing = [n for n in range(len(configurations)) if (n, chunk) not in done]
            if missing:
                bench.load(indices)
            for number in missing:
                if should_stop():
                    raise Stopped
                added = bench.added_loss(configurations[number])
                sums = float(added.sum()), float(added.square().sum())
                found.append(TrustPiece(number, chunk, len(added), *sums))
                on_piece(found[-1])
                known, all_pieces = len(done) + len(found), len(chunks) * len(configurations)
                on_progress(known / all_pieces, f"step {known} of {all_pieces}")
    return tuple(found)


class _Bench:
    """One chunk of images at a time, and whole networks run on it."""

    def __init__(
        self,
        network: Network,
        data: Dataset,
        config: SensitivityConfig,
        quantizer: NetworkQuantizer,
    ) -> None:
        self._network, self._data, self._config = network, data, config
        self._quantizer, self._runner = quantizer, network.runner()
        self._base = NO_CHANGES
        if config.base is not None:
            names = [layer.name for layer in network.description.layers]
            every = dict.fromkeys(names, config.base)
            self._base = quantized(network, BitAllocation(every, activations=every), quantizer)

    def load(self, indices: Tensor) -> None:
        """Begin with these images."""
        runner: Runner = self._runner
        self._images: Input = self._data.batch(indices)
        labels = self._data.labels
        self._labels = None if labels is None else labels[indices].to(runner.device)
        self._reference = runner(self._images)
        output = self._reference
        if self._config.base is not None:
            output = runner(self._images, self._base)
        self._base_loss = self._loss(output)

    def added_loss(self, configuration: Configuration) -> Tensor:
        """(N,): loss of the configuration minus that of the base."""
        changes = self._base.joined(self._changes(configuration))
        return self._loss(self._runner(self._images, changes)) - self._base_loss

    def _changes(self, configuration: Configuration) -> Changes:
        names = [layer.name for layer in self._network.description.layers]
        bits: dict[str, int | None] = dict.fromkeys(names)
        inputs = dict(bits)
        for name, width in zip(names, configuration.widths, strict=True):
            if self._config.target == "activation":
                inputs[name] = width.bits
            else:
                bits[name], inputs[name] = width.bits, width.activation_bits
        allocation = BitAllocation(bits, activations=inputs)
        return quantized(self._network, allocation, self._quantizer)

    def _loss(self, output: Output) -> Tensor:
        if not (is_finite(self._reference) and is_finite(output)):
            raise BadInput(
                f"the network's output on {self._data.name} is NaN or infinite; "
                "check its normalisation"
            )
        return loss_per_image(output, self._reference, self._labels, self._config.objective)
