"""Exact sensitivity: seconds, and how they compare with a whole forward pass per cell."""

from __future__ import annotations

import copy
import time
from collections.abc import Iterator

import torch
from torch import nn

from benchmarks.figure import Figure
from qcore.data.load import load_data
from qcore.data.source import DataSource
from qcore.graph.chunks import chunk_images
from qcore.graph.load import load_network
from qcore.graph.run import Changes
from qcore.memory import keep_freed_memory
from qcore.quantize.layer_weights import quantize_weight
from qcore.quantize.limits import DEFAULT_BITS
from qcore.samples import build_sample
from qcore.sensitivity.config import SensitivityConfig
from qcore.sensitivity.exact import measure_exact
from qcore.sensitivity.objective import loss_per_image
from qcore.sensitivity.pieces import rows_from_pieces


def bench_fashion() -> Iterator[Figure]:
    """fashion-cnn, all layers, six bit widths, 1,000 images."""
    yield from _bench("fashion-cnn", 1000)


def bench_efficientnet() -> Iterator[Figure]:
    """EfficientNet-Lite0, all layers, six bit widths, its 64 photographs."""
    yield from _bench("efficientnet-lite0", 64)


def _bench(name: str, images: int) -> Iterator[Figure]:
    keep_freed_memory()
    network = load_network(f"sample:{name}")
    data = load_data(DataSource(f"sample:{name}"), network, "calibration")
    objective = "kl" if data.labels is None else "cross_entropy"
    config = SensitivityConfig(DEFAULT_BITS, objective, images)
    cells = len(network.description.layers) * len(config.bits)
    started = time.perf_counter()
    run = measure_exact(network, data, config)
    seconds = time.perf_counter() - started
    assert run.one_forward_seconds is not None
    naive = cells * run.one_forward_seconds
    what = f"{name}: {cells} cells exact on {images:,} images"
    yield Figure(
        what, f"{seconds:.1f} s", f"{seconds / naive:.2f} of {cells} forward passes, {naive:.1f} s"
    )
    yield Figure(
        f"{name}: largest difference from whole forward passes, 6 cells",
        f"{_difference(name, network, data, config, run):.1e}",
        "nats per image",
    )
    yield Figure(
        f"{name}: one forward pass, {images:,} images, folded graph",
        f"{run.one_forward_seconds:.2f} s",
        f"{_module_seconds(name, network, data, images):.2f} s for the module in torch",
    )


def _difference(name, network, data, config, run) -> float:  # type: ignore[no-untyped-def]
    layers = network.description.layers
    rows = rows_from_pieces(run.pieces, [la.name for la in layers], config)
    known = {(row.layer, row.bits): row.delta_loss for row in rows}
    runner = network.runner()
    generator = torch.Generator().manual_seed(config.seed)
    chosen = torch.randperm(len(data), generator=generator)[: config.images]
    worst = 0.0
    for layer, bits in [(layers[i], b) for i in (0, len(layers) // 2, -1) for b in (3, 8)]:
        weight = quantize_weight(network.weight(layer), layer, bits)
        total = 0.0
        with torch.inference_mode():
            for indices in chosen.split(chunk_images(network)):
                images = data.batch(indices)
                labels = None if data.labels is None else data.labels[indices]
                reference = runner(images)
                loss = loss_per_image(
                    runner(images, Changes({layer.weight_key: weight})),
                    reference,
                    labels,
                    config.objective,
                )
                base = loss_per_image(reference, reference, labels, config.objective)
                total += float((loss - base).sum())
        worst = max(worst, abs(total / len(chosen) - known[layer.name, bits]))
    return worst


def _module_seconds(name, network, data, images) -> float:  # type: ignore[no-untyped-def]
    module: nn.Module = copy.deepcopy(build_sample(name))
    batches = [data.batch(i) for i in torch.arange(images).split(chunk_images(network))]
    with torch.inference_mode():
        module(batches[0])
        started = time.perf_counter()
        for batch in batches:
            module(batch)
        return time.perf_counter() - started
