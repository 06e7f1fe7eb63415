"""Sensitivity measures of EfficientNet-Lite0's weights: what they cost, and how well they agree."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from scipy.stats import spearmanr

from benchmarks.apart import apart
from benchmarks.exact import forward_seconds, largest_difference, module_seconds, timed
from benchmarks.figure import Figure
from benchmarks.photographs import Photographs, photographs
from qcore.allocate import AllocationProblem, solve_ilp
from qcore.allocate.bits import BitAllocation
from qcore.calibrate.average import means_for
from qcore.data.dataset import Dataset
from qcore.graph.load import load_network
from qcore.graph.network import Network
from qcore.measure.evaluate import evaluate
from qcore.measure.refine import refine
from qcore.memory import keep_freed_memory
from qcore.quantize.limits import DEFAULT_BITS
from qcore.sensitivity.config import SensitivityConfig
from qcore.sensitivity.exact import measure_exact
from qcore.sensitivity.pieces import rows_from_pieces
from qcore.sensitivity.projected import measure_projected
from qcore.sensitivity.projected_rows import rows_from_projections
from qcore.sensitivity.projection.chunk import ChunkProjections
from qcore.sensitivity.refined import refined_rows
from qcore.sensitivity.row import SensitivityRow

Rows = tuple[SensitivityRow, ...]
_REFINE, _TOLERANCE = 30, 0.1
_BUDGETS = (4.0, 4.5, 5.0, 6.0)


def bench_measures() -> Iterator[Figure]:
    """Projected, refined and exact, with and without tolerance; photographs of BITDIAL_DATA where
    it is set."""
    keep_freed_memory()
    data = photographs()
    projected, peak = apart(_projected)
    yield _cost_figure(
        f"projected, {_size(data.network)} x 6 widths, {data.title}", projected, peak
    )
    twice, more = apart(_projected, 2)
    yield Figure(f"the same of twice as many images: {twice.images}", f"{more:.2f} GB at most")
    resnet, peak = apart(_resnet)
    yield _cost_figure(f"projected, {resnet.what}", resnet, peak)
    yield from _exact_figures(data, projected.rows)


@dataclass(frozen=True)
class _Cost:
    """What a projected run took, beside one forward pass, and what it found."""

    what: str
    images: int
    seconds: float
    forward_seconds: float
    rows: Rows


def _cost(network: Network, data: Dataset) -> _Cost:
    config = SensitivityConfig(DEFAULT_BITS, "kl", len(data), method="projected")
    found: list[ChunkProjections] = []
    before = forward_seconds(network, data)
    _, seconds = timed(
        lambda: measure_projected(
            network, data, config, on_chunk=lambda _, chunk: found.append(chunk)
        )
    )
    forward = min(before, forward_seconds(network, data))
    whole = functools.reduce(ChunkProjections.joined, found)
    rows = rows_from_projections(whole.projections, config)
    what = f"{network.description.name}, {_size(network)}"
    return _Cost(what, len(data), seconds, forward, rows)


def _projected(times: int = 1) -> _Cost:
    data = photographs()
    images = data.calibration
    if times > 1:
        images = replace(images, images=torch.cat([images.images, data.held_out.images[:64]]))
    return _cost(data.network, images)


def _resnet() -> _Cost:
    network = load_network("torchvision:resnet18")
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(64, 3, 224, 224, generator=generator)
    return _cost(network, Dataset("noise", noise, None, None))


def _exact_figures(data: Photographs, estimate: Rows) -> Iterator[Figure]:
    network, images = data.network, data.calibration
    exact = SensitivityConfig(DEFAULT_BITS, "kl", len(images))
    forward = forward_seconds(network, images)
    cells = len(estimate)
    truth, seconds = timed(lambda: _exact(network, images, exact))
    yield Figure(
        f"exact, {cells} cells on {len(images)} images",
        f"{seconds:.1f} s",
        f"{seconds / forward / cells:.2f} of {cells} forward passes, {cells * forward:.1f} s",
    )
    yield Figure(
        "largest difference from whole forward passes, 6 cells",
        f"{largest_difference(network, images, exact, truth):.1e}",
        "nats per image",
    )
    part, short = timed(lambda: _exact(network, images, replace(exact, tolerance=_TOLERANCE)))
    pairs = list(zip(part, truth, strict=True))
    held = np.mean([row.ci_low <= t.delta_loss <= row.ci_high for row, t in pairs])
    yield Figure(
        f"exact, tolerance {_TOLERANCE:.0%}",
        f"{short:.1f} s",
        f"{short / seconds:.2f} of it; {held:.1%} of intervals hold the value of all images",
    )
    widths = ", ".join(f"{_rank(estimate, truth, b):.3f}" for b in DEFAULT_BITS)
    yield Figure(
        f"rank correlation of projected with exact, {cells} cells",
        f"{_rank(estimate, truth):.3f}",
        f"at {', '.join(map(str, DEFAULT_BITS))} bits: {widths}",
    )
    yield from _refine_figures(data, estimate, truth)
    yield Figure(
        f"one forward pass, {len(images)} images, folded graph",
        f"{forward:.2f} s",
        f"{module_seconds('efficientnet-lite0', network, images):.2f} s for the module in torch",
    )


def _refine_figures(data: Photographs, estimate: Rows, truth: Rows) -> Iterator[Figure]:
    network, images = data.network, data.calibration
    config = SensitivityConfig(DEFAULT_BITS, "kl", len(images), method="projected", refine=_REFINE)
    forward = forward_seconds(network, images)
    run, seconds = timed(lambda: refine(network, images, config, estimate))
    refined = refined_rows(estimate, run.pieces, config)
    yield Figure(
        f"refined, {run.cells} cells exact",
        f"{seconds:.1f} s",
        f"{seconds / forward:.1f} forward passes ({run.passes:.1f} counted)",
    )
    for budget in _BUDGETS:
        before, after, best = (
            _held_out_loss(data, rows, budget) for rows in (estimate, refined, truth)
        )
        yield Figure(
            f"KL of the ILP at {budget} bits on {len(data.held_out)} others, refined",
            f"{after:.4f}",
            f"{after / best:.3f} of the exact table's; {before / best:.3f} before refining",
        )


def _exact(network: Network, data: Dataset, config: SensitivityConfig) -> Rows:
    names = [layer.name for layer in network.description.layers]
    return rows_from_pieces(measure_exact(network, data, config).pieces, names, config)


def _held_out_loss(data: Photographs, rows: Rows, budget: float) -> float:
    """Measured KL of the best allocation of a table within that many average bits."""
    layers = data.network.description.layers
    known = {(row.layer, row.bits): row.delta_loss for row in rows}
    loss = np.array([[known[layer.name, b] for b in DEFAULT_BITS] for layer in layers])
    weights = sum(layer.weight_count for layer in layers)
    cost = np.array([[layer.weight_count * b / weights for b in DEFAULT_BITS] for layer in layers])
    best = solve_ilp(AllocationProblem(loss, {"bits": cost}, {"bits": budget}))
    names = [layer.name for layer in layers]
    chosen = {n: DEFAULT_BITS[o] for n, o in zip(names, best.choice, strict=True)}
    means = means_for(data.network, data.calibration)
    measured = evaluate(data.network, data.held_out, BitAllocation(chosen), "kl", means=means)
    return measured.loss


def _cost_figure(what: str, cost: _Cost, peak: float) -> Figure:
    passes = (
        f"{cost.seconds / cost.forward_seconds:.1f} forward passes of {cost.forward_seconds:.2f} s"
    )
    return Figure(what, f"{cost.seconds:.1f} s", f"{passes}; {peak:.2f} GB at most")


def _size(network: Network) -> str:
    layers, kernels = len(network.description.layers), network.description.kernels
    return f"{layers} layers and {kernels:,} kernels"


def _rank(one: Sequence[SensitivityRow], other: Rows, bits: int | None = None) -> float:
    pairs = zip(one, other, strict=True)
    chosen = [(a.delta_loss, b.delta_loss) for a, b in pairs if bits in (None, a.bits)]
    return float(spearmanr(*zip(*chosen, strict=True)).statistic)
