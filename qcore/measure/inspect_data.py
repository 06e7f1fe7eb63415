"""Look at calibration data through the full-precision network."""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, fx

from qcore.data.dataset import Dataset
from qcore.data.preprocess import reads_images
from qcore.errors import BadInput
from qcore.graph.network import Network
from qcore.graph.run import Runner, as_tuple
from qcore.measure.data_report import DataReport, LayerEvidence, images_needed
from qcore.measure.trials import AS_ASKED, labels_of, trial_of, try_presets
from qcore.sensitivity.exact import chunk_images

_MOST_IMAGES = 512
_BINS = 2048
_QUANTILE = 0.999

Listener = Callable[[float, str], None]


def inspect_data(
    network: Network,
    data: Dataset,
    held_out: Dataset | None = None,
    *,
    on_progress: Listener = lambda fraction, message: None,
) -> DataReport:
    """Run up to 512 of the images in full precision and say what they are worth.

    A pass for outputs and largest inputs, one for histograms of every layer's input in the even and
    the odd images, and one over up to 64 of them for each preset. ``held_out`` are the images that
    will be measured on: copies among them and classes that only they have are counted.
    """
    started = time.perf_counter()
    runner = network.runner()
    used = torch.arange(len(data))[:: max(1, -(-len(data) // _MOST_IMAGES))]
    with torch.inference_mode():
        first = _FirstPass(network, runner, data, used, on_progress)
        on_progress(0.4, "thresholds in both halves")
        layers = _evidence(network, runner, data, used, first.largest)
        on_progress(0.8, "presets")
        trials = try_presets(network, runner, data, used)
    values, digests = first.values, _digests(data)
    return DataReport(
        images=len(data),
        classes=network.description.classes,
        class_counts=_counts(data.labels),
        mean=values[0],
        std=values[1],
        low=first.low,
        high=first.high,
        copies=len(data) - len(set(digests)),
        commonest=_commonest(first.choices),
        own=trial_of(AS_ASKED, first.outputs, labels_of(data, used)),
        trials=trials,
        layers=layers,
        notes=data.notes,
        seconds=time.perf_counter() - started,
        shared=0 if held_out is None else _shared(digests, held_out),
        unmet_classes=0 if held_out is None else _unmet(data.labels, held_out.labels),
    )


class _FirstPass:
    """Outputs, the largest input of every layer, and moments of what enters the network."""

    def __init__(
        self,
        network: Network,
        runner: Runner,
        data: Dataset,
        used: Tensor,
        on_progress: Listener,
    ) -> None:
        self.largest: dict[str, float] = {}
        self.low, self.high = float("inf"), float("-inf")
        sums: list[Tensor] = []
        outputs, done = [], 0
        for indices in used.split(chunk_images(network)):
            inputs = data.batch(indices)
            images = as_tuple(inputs)[0].double()
            self.low = min(self.low, float(images.min()))
            self.high = max(self.high, float(images.max()))
            pixels = reads_images(network.description.input_shape)
            channels = images.transpose(0, 1).flatten(1) if pixels else images.reshape(1, -1)
            sums.append(torch.stack([channels.sum(1), channels.square().sum(1)]))
            values = channels.shape[1] // len(indices)
            output = _run(network, runner, inputs, len(indices), self._note)
            _require_finite(output, "the network's output")
            if network.description.classes is not None:  # maps of pixels would fill the memory
                outputs.append(output)
            done += len(indices)
            on_progress(0.4 * done / len(used), f"{done:,} images")
        self.outputs = torch.cat(outputs) if outputs else None
        total = torch.stack(sums).sum(0) / (values * len(used))
        spread = (total[1] - total[0].square()).clamp_min(0).sqrt()
        self.values = (tuple(total[0].tolist()), tuple(spread.tolist()))
        self.choices = None if self.outputs is None else self.outputs.argmax(1)

    def _note(self, layer: str, entering: Tensor) -> None:
        _require_finite(entering, f"what enters layer {layer}")
        self.largest[layer] = max(self.largest.get(layer, 0.0), float(entering.abs().max()))


def _require_finite(values: Tensor, what: str) -> None:
    if not torch.isfinite(values).all():
        raise BadInput(f"{what} is NaN or infinite on these data; check their normalisation")


def _run(
    network: Network,
    runner: Runner,
    inputs: Any,
    count: int,
    note: Callable[[str, Tensor], None],
) -> Tensor:
    """The first output for one chunk; ``note`` hears what enters each layer, without filling."""
    names = {node: la.name for la in network.description.layers for node in la.nodes}
    batch = network.description.batch

    def observe(node: fx.Node, args: tuple[Any, ...], value: Any) -> None:
        if node.name in names:
            whole = batch is None or args[0].shape[0] != batch
            note(names[node.name], args[0] if whole else args[0][:count])

    position = runner.start(inputs)
    runner.advance(position, len(runner.nodes), observe)
    return as_tuple(runner.finish(position))[0]


def _evidence(
    network: Network, runner: Runner, data: Dataset, used: Tensor, largest: dict[str, float]
) -> tuple[LayerEvidence, ...]:
    counts: list[dict[str, Tensor]] = [{}, {}]
    for half in (0, 1):

        def note(layer: str, entering: Tensor, into: dict[str, Tensor] = counts[half]) -> None:
            top = largest[layer] or 1.0
            found = torch.histc(entering.abs(), bins=_BINS, min=0, max=top).double()
            into[layer] = into[layer] + found if layer in into else found

        for indices in used[half::2].split(chunk_images(network)):
            if len(indices):
                _run(network, runner, data.batch(indices), len(indices), note)
    return tuple(
        LayerEvidence(
            layer.name,
            images_needed(layer),
            _quantile(counts[0].get(layer.name), largest[layer.name]),
            _quantile(counts[1].get(layer.name), largest[layer.name]),
        )
        for layer in network.description.layers
    )


def _quantile(counts: Tensor | None, top: float) -> float | None:
    """The upper edge of the bin in which the 99.9 % of all values are reached."""
    if counts is None:
        return None
    reached = counts.cumsum(0) >= _QUANTILE * counts.sum()
    return float((int(reached.nonzero()[0, 0]) + 1) * top / _BINS)


def _counts(labels: Tensor | None) -> tuple[tuple[int, int], ...]:
    return () if labels is None else tuple(sorted(Counter(labels.tolist()).items()))


def _commonest(choices: Tensor | None) -> float | None:
    if choices is None:
        return None
    return max(Counter(choices.tolist()).values()) / len(choices)


def _digests(data: Dataset) -> list[bytes]:
    """One for each image, of all its bytes, further inputs included."""
    found = []
    for parts in zip(data.images, *data.extras, strict=True):
        digest = hashlib.sha256()
        for part in parts:
            digest.update(part.contiguous().numpy().data)
        found.append(digest.digest())
    return found


def _shared(digests: list[bytes], held_out: Dataset) -> int:
    others = set(_digests(held_out))
    return sum(digest in others for digest in digests)


def _unmet(labels: Tensor | None, held_out: Tensor | None) -> int:
    if labels is None or held_out is None:
        return 0
    return len(set(held_out.tolist()) - set(labels.tolist()))
