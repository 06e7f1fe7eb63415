"""Look at calibration data through the full-precision network."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable

import torch
from torch import Tensor

from qcore.calibrate.calibration import Calibration
from qcore.calibrate.histogram import Histogram
from qcore.calibrate.observe import calibrate, calibration_for
from qcore.calibrate.percentile import percentile_threshold
from qcore.data.dataset import Dataset
from qcore.data.preprocess import reads_images
from qcore.errors import BadInput
from qcore.graph.chunks import chunk_images
from qcore.graph.network import Network
from qcore.graph.run import Runner, as_tuple
from qcore.measure.data_report import DataReport, LayerEvidence, images_needed
from qcore.measure.trials import AS_ASKED, labels_of, trial_of, try_presets

_MOST_IMAGES = 512
_PERCENTILE = 99.9

Listener = Callable[[float, str], None]


def inspect_data(
    network: Network,
    data: Dataset,
    held_out: Dataset | None = None,
    *,
    on_progress: Listener = lambda fraction, message: None,
) -> DataReport:
    """Run up to 512 of the images in full precision and say what they are worth.

    A pass for outputs, one for histograms of every layer's input in the even and the odd images,
    and one over up to 64 of them for each preset. ``held_out`` are the images that will be measured
    on: copies among them and classes that only they have are counted.
    """
    started = time.perf_counter()
    runner = network.runner()
    used = torch.arange(len(data))[:: max(1, -(-len(data) // _MOST_IMAGES))]
    with torch.inference_mode():
        first = _FirstPass(network, runner, data, used, on_progress)
    calibration = _calibration(network, data, used, on_progress)
    on_progress(0.8, "presets")
    with torch.inference_mode():
        trials = try_presets(network, runner, data, used)
    values, digests = first.values, data.digests()
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
        layers=_evidence(network, calibration),
        notes=data.notes,
        seconds=time.perf_counter() - started,
        shared=0 if held_out is None else _shared(digests, held_out),
        unmet_classes=0 if held_out is None else _unmet(data.labels, held_out.labels),
    )


def _calibration(
    network: Network, data: Dataset, used: Tensor, on_progress: Listener
) -> Calibration:
    """What enters the layers; kept for later where it is of all the images."""

    def listen(fraction: float, message: str) -> None:
        on_progress(0.4 + 0.4 * fraction, message)

    if len(used) == len(data):
        return calibration_for(network, data, on_progress=listen)
    return calibrate(network, data.chosen(used), on_progress=listen)


class _FirstPass:
    """Outputs, and moments of what enters the network."""

    def __init__(
        self,
        network: Network,
        runner: Runner,
        data: Dataset,
        used: Tensor,
        on_progress: Listener,
    ) -> None:
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
            output = as_tuple(runner(inputs))[0]
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


def _require_finite(values: Tensor, what: str) -> None:
    if not torch.isfinite(values).all():
        raise BadInput(f"{what} is NaN or infinite on these data; check their normalisation")


def _evidence(network: Network, calibration: Calibration) -> tuple[LayerEvidence, ...]:
    layers = zip(network.description.layers, calibration.layers, strict=True)
    return tuple(
        LayerEvidence(layer.name, images_needed(layer), _edge(found.even), _edge(found.odd))
        for layer, found in layers
    )


def _edge(half: Histogram) -> float | None:
    """Where the percentile is reached; None for a half without images."""
    if half.total == 0:
        return None
    return min(percentile_threshold(half, _PERCENTILE).value, half.amax)


def _counts(labels: Tensor | None) -> tuple[tuple[int, int], ...]:
    return () if labels is None else tuple(sorted(Counter(labels.tolist()).items()))


def _commonest(choices: Tensor | None) -> float | None:
    if choices is None:
        return None
    return max(Counter(choices.tolist()).values()) / len(choices)


def _shared(digests: list[bytes], held_out: Dataset) -> int:
    others = set(held_out.digests())
    return sum(digest in others for digest in digests)


def _unmet(labels: Tensor | None, held_out: Tensor | None) -> int:
    if labels is None or held_out is None:
        return 0
    return len(set(held_out.tolist()) - set(labels.tolist()))
