"""Measure a network on this machine: each layer by itself, and the whole."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

from qcore.errors import BadInput, Stopped
from qcore.graph.network import Network
from qcore.latency.calls import layer_calls
from qcore.latency.layers import time_layer
from qcore.latency.machine import (
    default_threads,
    processor_name,
    runtime_name,
    seconds_of_others,
)
from qcore.latency.measurement import LatencyMeasurement, LayerLatency, NotRun
from qcore.latency.network import time_network

MOST_THREADS = 256
_LAYERS_SHARE = 0.6  # of the time that both parts take

OnProgress = Callable[[float, str], None]


def measure_latency(
    network: Network,
    *,
    batch: int | None = None,
    threads: int | None = None,
    on_progress: OnProgress = lambda fraction, message: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> LatencyMeasurement:
    """Times of ``network`` with ONNX Runtime on this machine's processor.

    ``batch`` images at a time (default: the network's own batch, else 1) and ``threads`` threads
    inside an operator (default: one for each core). Every layer is timed alone at full precision,
    at 8/8 bits and, if it is linear, with 4-bit weights, in turns; then the whole network at full
    precision and quantized to 8/8 bits. Where one cannot be, ``not_run`` says why. Inputs are
    random. Raises BadInput for a batch that the network does not take, and where nothing runs;
    Stopped where it was asked to stop.
    """
    started, others = time.perf_counter(), seconds_of_others()
    images, workers = _batch_of(network, batch), _threads_of(threads)
    on_progress(0.0, "running the network once")
    calls = layer_calls(network, images)
    layers: list[LayerLatency] = []
    not_run: list[NotRun] = []
    count = len(network.description.layers)

    def check(fraction: float, message: str) -> None:
        on_progress(fraction, message)
        if should_stop():
            raise Stopped

    for number, layer in enumerate(network.description.layers):
        here = partial(check, _LAYERS_SHARE * number / count, f"layer {layer.name}")
        here()
        timed, refused = time_layer(network, layer, calls[layer.name], workers, here)
        layers += timed
        not_run += refused
    if not layers:
        raise BadInput(f"no layer of this network can be timed: {not_run[0].reason}")
    networks, refused = time_network(
        network, images, workers, lambda part, text: check(_whole(part), text)
    )
    seconds = time.perf_counter() - started
    on_progress(1.0, "done")
    return LatencyMeasurement(
        network_fingerprint=network.description.fingerprint,
        network_name=network.description.name,
        processor=processor_name(),
        threads=workers,
        batch=images,
        runtime=runtime_name(),
        layers=tuple(layers),
        networks=tuple(networks),
        not_run=(*not_run, *refused),
        seconds=seconds,
        other_cores=_other_cores(others, seconds),
    )


def _batch_of(network: Network, batch: int | None) -> int:
    fixed = network.description.batch
    images = batch if batch is not None else fixed or 1
    if images < 1:
        raise BadInput(f"a batch of {images} makes no sense; give a whole number from 1 on")
    if fixed is not None and images != fixed:
        raise BadInput(
            f"this network takes {fixed} image(s) at a time, not {images}; measure it with {fixed}"
        )
    return images


def _threads_of(threads: int | None) -> int:
    workers = default_threads() if threads is None else threads
    if not 1 <= workers <= MOST_THREADS:
        raise BadInput(f"{workers} threads make no sense; give 1 to {MOST_THREADS}")
    return workers


def _whole(part: float) -> float:
    """The share of all work where the second part has come that far."""
    return _LAYERS_SHARE + (1 - _LAYERS_SHARE) * part


def _other_cores(before: float | None, seconds: float) -> float | None:
    """How many cores others kept busy on average in these seconds."""
    now = seconds_of_others()
    return None if before is None or now is None else max(0.0, (now - before) / seconds)
