"""Entropy thresholds beside a plain loop, and counting beside forward passes."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
import torch
from scipy.stats import norm

from benchmarks.figure import Figure
from qcore.calibrate.entropy import entropy_threshold
from qcore.calibrate.histogram import BINS
from qcore.calibrate.observe import calibrate
from qcore.data.load import load_data
from qcore.data.source import DataSource
from qcore.graph.chunks import chunk_images
from qcore.graph.load import load_network
from qcore.memory import keep_freed_memory

_LEVELS = 128


def bench_calibration() -> Iterator[Figure]:
    """Thresholds of three tensors; histograms of EfficientNet-Lite0 on its 64 photographs."""
    yield from _bench_entropy()
    yield _bench_counting("efficientnet-lite0")


def _bench_entropy() -> Iterator[Figure]:
    """On one core: numpy adds and takes logarithms in one thread."""
    quantile = (np.arange(100_000) + 0.5) / 100_000
    half_normal = norm.ppf(0.5 + quantile / 2)
    samples = {
        "half normal": half_normal,
        "ReLU": np.concatenate([np.zeros(100_000), half_normal]),
        "log-normal": np.exp(norm.ppf(quantile)),
    }
    for name, values in samples.items():
        counts, edges = np.histogram(values, BINS, (0, values.max()))
        times = []
        for _ in range(5):
            started = time.perf_counter()
            found = entropy_threshold(counts, float(edges[1]), _LEVELS)
            times.append(time.perf_counter() - started)
        started = time.perf_counter()
        plain = _plain_loop(counts)
        plain_seconds = time.perf_counter() - started
        assert found.index == plain, f"thresholds differ: {found.index} and {plain} bins"
        yield Figure(
            f"entropy threshold, {BINS - _LEVELS + 1:,} candidates, {name} (worst of 5)",
            f"{1000 * max(times):.1f} ms",
            f"{1000 * plain_seconds:.0f} ms for a plain loop, {plain_seconds / max(times):.0f} "
            f"times as long; both keep {plain} bins",
        )


def _plain_loop(counts: np.ndarray) -> int:
    """The bins kept, where every candidate is binned again."""
    neutral = counts.astype(np.float64)
    neutral[0] = neutral[1]
    best, lowest = 0, np.inf
    for kept in range(_LEVELS, BINS + 1):
        inside = neutral[:kept]
        filled = inside > 0
        level = np.arange(kept) * _LEVELS // kept
        sums = np.bincount(level, inside, _LEVELS)
        shared = np.bincount(level, filled, _LEVELS)
        q = np.where(filled, sums[level] / np.maximum(shared, 1)[level], 0.0)
        p = inside.copy()
        p[-1] += neutral[kept:].sum()
        if p[-1] > 0 and q[-1] == 0:
            continue
        p, q = p[filled] / p.sum(), q[filled] / q.sum()
        divergence = float((p * np.log(p / q)).sum())
        if divergence <= lowest:
            best, lowest = kept, divergence
    return best


def _bench_counting(name: str) -> Figure:
    keep_freed_memory()
    network = load_network(f"sample:{name}")
    data = load_data(DataSource(f"sample:{name}"), network, "calibration")
    runner = network.runner()
    chunks = torch.arange(len(data)).split(chunk_images(network))
    with torch.inference_mode():
        runner(data.batch(chunks[0]))  # the first pass sets up kernels: it is not a measure
        started = time.perf_counter()
        for indices in chunks:
            runner(data.batch(indices))
        forward = time.perf_counter() - started
    started = time.perf_counter()
    found = calibrate(network, data)
    seconds = time.perf_counter() - started
    values = sum(layer.inputs.total for layer in found.layers)
    return Figure(
        f"{name}: histograms of {len(found.layers)} layers' inputs and weights, {len(data)} images",
        f"{seconds:.2f} s",
        f"{forward:.2f} s for forward passes alone; {values / 1e6:.0f} million values counted",
    )
