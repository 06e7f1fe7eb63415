"""Exact sensitivity: seconds, and how they compare with a whole forward pass per cell."""

from __future__ import annotations

import copy
import functools
import resource
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace

import torch
from scipy.stats import spearmanr
from torch import nn

from benchmarks.figure import Figure
from qcore.calibrate.clipping import Clipping
from qcore.data.dataset import Dataset
from qcore.data.load import load_data
from qcore.data.source import DataSource
from qcore.graph.chunks import chunk_images
from qcore.graph.load import load_network
from qcore.graph.network import Network
from qcore.graph.run import Changes
from qcore.memory import keep_freed_memory
from qcore.quantize.layer_weights import quantize_weight
from qcore.quantize.limits import DEFAULT_BITS
from qcore.samples import build_sample
from qcore.sensitivity.config import SensitivityConfig
from qcore.sensitivity.exact import measure_exact
from qcore.sensitivity.objective import loss_per_image
from qcore.sensitivity.pieces import rows_from_pieces
from qcore.sensitivity.projected import measure_projected
from qcore.sensitivity.projected_rows import rows_from_projections
from qcore.sensitivity.projection.chunk import ChunkProjections
from qcore.sensitivity.row import SensitivityRow


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
    plain = Clipping(bias_correction=False)  # the naive baseline rounds weights alone
    config = SensitivityConfig(DEFAULT_BITS, objective, images, clipping=plain)
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


def bench_projected() -> Iterator[Figure]:
    """EfficientNet-Lite0, six bit widths: projected against exact, both bias-corrected."""
    keep_freed_memory()
    network = load_network("sample:efficientnet-lite0")
    data = load_data(DataSource("sample:efficientnet-lite0"), network, "calibration")
    exact = SensitivityConfig(DEFAULT_BITS, "kl", len(data))
    config = replace(exact, method="projected")
    forward = _forward_seconds(network, data)
    found: list[ChunkProjections] = []
    started = time.perf_counter()
    measure_projected(network, data, config, on_chunk=lambda _, chunk: found.append(chunk))
    seconds = time.perf_counter() - started
    whole = functools.reduce(ChunkProjections.joined, found)
    layers, kernels = len(network.description.layers), network.description.kernels
    yield Figure(
        f"efficientnet-lite0: projected, {layers} layers and {kernels:,} kernels x 6 widths",
        f"{seconds:.1f} s",
        f"{seconds / forward:.1f} forward passes of {forward:.2f} s; {_peak_gb():.1f} GB at most",
    )
    run = measure_exact(network, data, exact)
    names = [layer.name for layer in network.description.layers]
    truth = rows_from_pieces(run.pieces, names, exact)
    estimate = rows_from_projections(whole.projections, config)
    widths = ", ".join(f"{_rank_correlation(estimate, truth, b):.3f}" for b in DEFAULT_BITS)
    yield Figure(
        "efficientnet-lite0: rank correlation of projected with exact, 300 cells",
        f"{_rank_correlation(estimate, truth):.3f}",
        f"at {', '.join(map(str, DEFAULT_BITS))} bits: {widths}",
    )


def _forward_seconds(network: Network, data: Dataset) -> float:
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


def _rank_correlation(
    one: Sequence[SensitivityRow], other: Sequence[SensitivityRow], bits: int | None = None
) -> float:
    pairs = zip(one, other, strict=True)
    chosen = [(a.delta_loss, b.delta_loss) for a, b in pairs if bits in (None, a.bits)]
    return float(spearmanr(*zip(*chosen, strict=True)).statistic)


def _peak_gb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


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
