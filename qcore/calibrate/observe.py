"""Histograms of every layer's weights and inputs, in one pass over the images."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, fx

from qcore.calibrate.calibration import Calibration, LayerCalibration, known_calibration
from qcore.calibrate.histogram import Histogram, no_values
from qcore.calibrate.merge import merged
from qcore.calibrate.streaming import count_values
from qcore.data.dataset import Dataset
from qcore.errors import BadInput, Stopped
from qcore.graph.chunks import chunk_images
from qcore.graph.network import Network
from qcore.graph.run import Input, Runner
from qcore.store.disk import MOST_BYTES, keep_newest
from qcore.store.home import calibration_file

Listener = Callable[[float, str], None]


def calibrate(
    network: Network,
    data: Dataset,
    *,
    on_progress: Listener = lambda fraction, message: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Calibration:
    """Run every image once in full precision and count what enters each layer.

    Even and odd numbers of images are apart. A layer that is used several times counts what enters
    it each time; copies that fill up a fixed batch do not count where the first axis of what enters
    is the batch. The result does not depend on how
    the images are divided into chunks. Raises BadInput where what enters a layer is not finite, and
    Stopped when ``should_stop`` says so.
    """
    layers = network.description.layers
    weights = {la.name: _weights(network.weight(la), la.name) for la in layers}
    halves = tuple({layer.name: no_values() for layer in layers} for _ in (0, 1))
    runner, done = network.runner(), 0
    with torch.inference_mode():
        for half, indices in _chunks(len(data), chunk_images(network)):
            if should_stop():
                raise Stopped
            _count_inputs(network, runner, data.batch(indices), len(indices), halves[half])
            done += len(indices)
            on_progress(done / len(data), f"{done:,} images counted")
    found = (
        LayerCalibration(la.name, weights[la.name], halves[0][la.name], halves[1][la.name])
        for la in layers
    )
    return Calibration(
        network.description.fingerprint,
        data.fingerprint(),
        len(data),
        tuple(found),
        frozenset(data.digests()),
    )


def calibration_for(
    network: Network,
    data: Dataset,
    *,
    on_progress: Listener = lambda fraction, message: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Calibration:
    """``calibrate``, or what it found before; the file appears whole or not at all."""
    fingerprints = network.description.fingerprint, data.fingerprint()
    known = known_calibration(*fingerprints)
    if known is not None:
        return known
    path = calibration_file(*fingerprints)
    found = calibrate(network, data, on_progress=on_progress, should_stop=should_stop)
    draft = path.with_suffix(f".{os.getpid()}.draft")
    found.write(draft)
    draft.replace(path)
    keep_newest(path.parent, MOST_BYTES)
    return found


def _chunks(images: int, size: int) -> Iterator[tuple[int, Tensor]]:
    """(half, numbers of images): the halves never share a chunk, as not every layer's input can be
    told apart by images."""
    for half in (0, 1):
        for indices in torch.arange(half, images, 2).split(size):
            if len(indices):
                yield half, indices


def _count_inputs(
    network: Network, runner: Runner, inputs: Input, images: int, into: dict[str, Histogram]
) -> None:
    """Add what enters every layer to its histogram."""
    names = {node: la.name for la in network.description.layers for node in la.nodes}
    batch = network.description.batch

    def observe(node: fx.Node, args: tuple[Any, ...], value: Any) -> None:
        name = names.get(node.name)
        if name is not None:
            entering = _without_filling(args[0], images, batch)
            into[name] = merged(into[name], _inputs(entering, name))

    runner.advance(runner.start(inputs), len(runner.nodes), observe=observe)


def _without_filling(entering: Tensor, images: int, batch: int | None) -> Tensor:
    """The part that belongs to real images, where the first axis is the batch.

    Elsewhere nobody knows which values are of which image, and copies of a real one count too: they
    change no range.
    """
    return entering[:images] if batch is not None and len(entering) == batch else entering


def _weights(weight: Tensor, layer: str) -> Histogram:
    try:
        return count_values(weight)
    except BadInput as error:
        raise BadInput(
            f"the weight of {layer} is NaN or infinite; give a network whose weights are finite"
        ) from error


def _inputs(entering: Tensor, layer: str) -> Histogram:
    try:
        return count_values(entering)
    except BadInput as error:
        raise BadInput(
            f"what enters layer {layer} is NaN or infinite on these data; check their normalisation"
        ) from error
