"""Exact sensitivity: seconds, and how they compare with a whole forward pass per cell."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TypeVar

import torch
from torch import nn

from benchmarks.figure import Figure
from qcore.calibrate.average import means_for
from qcore.calibrate.quantizer import NetworkQuantizer
from qcore.data.dataset import Dataset
from qcore.data.load import load_data
from qcore.data.source import DataSource
from qcore.graph.chunks import chunk_images
from qcore.graph.load import load_network
from qcore.graph.network import Network
from qcore.memory import keep_freed_memory
from qcore.quantize.limits import DEFAULT_BITS
from qcore.samples import build_sample
from qcore.sensitivity.config import SensitivityConfig
from qcore.sensitivity.exact import measure_exact
from qcore.sensitivity.image_chunks import chosen_images
from qcore.sensitivity.objective import loss_per_image
from qcore.sensitivity.pieces import rows_from_pieces
from qcore.sensitivity.projected import measure_projected
from qcore.sensitivity.row import SensitivityRow


def bench_fashion() -> Iterator[Figure]:
    """fashion-cnn, all layers, six bit widths, 1,000 images, cross-entropy."""
    keep_freed_memory()
    network = load_network("sample:fashion-cnn")
    data = load_data(DataSource("sample:fashion-cnn"), network, "calibration")
    config = SensitivityConfig(DEFAULT_BITS, "cross_entropy", 1000)
    names = [layer.name for layer in network.description.layers]
    cells = len(names) * len(config.bits)
    forward = forward_seconds(network, data)
    run, seconds = timed(lambda: measure_exact(network, data, config))
    rows = rows_from_pieces(run.pieces, names, config)
    yield Figure(
        f"fashion-cnn: {cells} cells exact on 1,000 images",
        f"{seconds:.1f} s",
        f"{seconds / cells / forward:.2f} of {cells} forward passes, {cells * forward:.1f} s",
    )
    yield Figure(
        "fashion-cnn: largest difference from whole forward passes, 6 cells",
        f"{largest_difference(network, data, config, rows):.1e}",
        "nats per image",
    )
    estimate = replace(config, method="projected")
    _, seconds = timed(lambda: measure_projected(network, data, estimate))
    yield Figure(
        f"fashion-cnn: projected, {network.description.kernels} kernels x 6 widths",
        f"{seconds:.1f} s",
        f"{seconds / forward:.1f} forward passes",
    )
    yield Figure(
        "fashion-cnn: one forward pass, 1,000 images, folded graph",
        f"{forward:.2f} s",
        f"{module_seconds('fashion-cnn', network, data):.2f} s for the module in torch",
    )


Result = TypeVar("Result")


def timed(work: Callable[[], Result]) -> tuple[Result, float]:
    """What the function returns, and the seconds it took."""
    started = time.perf_counter()
    found = work()
    return found, time.perf_counter() - started


def forward_seconds(network: Network, data: Dataset) -> float:
    """The fastest of three passes over all the images."""
    runner, times = network.runner(), []
    batches = [data.batch(i) for i in torch.arange(len(data)).split(chunk_images(network))]
    with torch.inference_mode():
        for _ in range(4):  # the first pass sets up kernels: it is not a measure
            started = time.perf_counter()
            for batch in batches:
                runner(batch)
            times.append(time.perf_counter() - started)
    return min(times[1:])


def largest_difference(
    network: Network, data: Dataset, config: SensitivityConfig, rows: Sequence[SensitivityRow]
) -> float:
    """Of ΔL in the table from that of whole runs of the rounded network, six cells."""
    layers = network.description.layers
    known = {(row.layer, row.bits): row.delta_loss for row in rows}
    runner = network.runner()
    means = means_for(network, data) if config.corrects_biases else None
    quantizer = NetworkQuantizer(network, config.clipping, None, means)
    chosen = chosen_images(data, config)
    worst = 0.0
    for layer, bits in [(layers[i], b) for i in (0, len(layers) // 2, -1) for b in (3, 8)]:
        changes = quantizer.changes(layer, bits, None)
        total = 0.0
        with torch.inference_mode():
            for indices in chosen.split(chunk_images(network)):
                images = data.batch(indices)
                labels = None if data.labels is None else data.labels[indices]
                reference = runner(images)
                parts = (runner(images, changes), reference)
                loss, base = (
                    loss_per_image(output, reference, labels, config.objective) for output in parts
                )
                total += float((loss - base).sum())
        worst = max(worst, abs(total / len(chosen) - known[layer.name, bits]))
    return worst


def module_seconds(name: str, network: Network, data: Dataset) -> float:
    """A pass of the sample's module as torch runs it."""
    module: nn.Module = copy.deepcopy(build_sample(name))
    batches = [data.batch(i) for i in torch.arange(len(data)).split(chunk_images(network))]
    with torch.inference_mode():
        module(batches[0])
        started = time.perf_counter()
        for batch in batches:
            module(batch)
        return time.perf_counter() - started
