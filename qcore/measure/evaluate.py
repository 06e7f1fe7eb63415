"""Measure a bit allocation: the quantized network against full precision, on held-out images."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection

import torch

from qcore.allocate.bits import BitAllocation
from qcore.calibrate.calibration import Calibration
from qcore.calibrate.means import InputMeans
from qcore.calibrate.quantizer import NetworkQuantizer
from qcore.data.dataset import Dataset
from qcore.errors import BadInput, Stopped
from qcore.graph.chunks import chunk_images
from qcore.graph.network import Network
from qcore.graph.run import NO_CHANGES, Changes
from qcore.measure.evaluation import Evaluation
from qcore.measure.tally import Tally
from qcore.sensitivity.objectives import Objective, check_objective, objectives_for

_MOST_KNOWN = 0.1


def evaluate(
    network: Network,
    data: Dataset,
    allocation: BitAllocation,
    objective: Objective | None = None,
    *,
    calibration: Calibration | None = None,
    means: InputMeans | None = None,
    on_progress: Callable[[float, str], None] = lambda fraction, message: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Evaluation:
    """Run both networks over all the images and compare them image by image.

    Weights and layer inputs are rounded as ``allocation.clipping`` says: inputs at thresholds that
    are found on ``calibration``, biases corrected by ``means`` (not at all without), both of other
    images than these. ``objective`` None means cross-entropy
    where there are labels, KL divergence from full precision where there are none, and relative
    squared error where the network is no classifier. Raises BadInput where the allocation does not
    fit the network, the objective does not fit network and data, inputs have bits without
    calibration, what was calibrated is these very images, or an output is not finite; Stopped when
    ``should_stop`` says so.
    """
    allocation.check_fits(network.description)
    labelled = data.labels is not None
    objective = objective or objectives_for(network.description, labelled)[0]
    check_objective(objective, network.description, labelled, data.name)
    if allocation.quantizes_inputs and calibration is not None:
        check_held_out("thresholds of layer inputs", calibration.digests, data)
    if allocation.corrects_biases and means is not None:
        check_held_out("corrections of biases", means.digests, data)
    started = time.perf_counter()
    runner = network.runner()
    quantizer = NetworkQuantizer(network, allocation.clipping, calibration, means)
    tally = Tally(network.description.classes is not None)
    with torch.inference_mode():
        changes = quantized(network, allocation, quantizer)
        for indices in torch.arange(len(data)).split(chunk_images(network)):
            if should_stop():
                raise Stopped
            images = data.batch(indices)
            labels = None if data.labels is None else data.labels[indices].to(runner.device)
            output = runner(images, changes)
            tally.add(runner(images), output, labels, objective)
            on_progress(tally.delta.samples / len(data), f"{tally.delta.samples:,} images")
    return tally.result(objective, labelled, time.perf_counter() - started)


def check_held_out(what: str, digests: Collection[bytes], data: Dataset) -> None:
    """BadInput where ``what`` would come from the images that are measured on.

    ``digests`` are those of the images that were calibrated on. An image is the same with another
    label or in another file. Up to a tenth of them may be: large sets hold a few images twice, and
    dividing a set leaves one in each half.
    """
    known = sum(digest in digests for digest in data.digests())
    if known > _MOST_KNOWN * len(data):
        raise BadInput(
            f"{what} would come from {known:,} of the {len(data):,} images "
            "that are measured on; give other images with --calibration, or make the allocation "
            "on one half of the images and measure the other, both with --halved; or give "
            "--no-bias-correction where inputs are not quantized"
        )


def quantized(network: Network, allocation: BitAllocation, quantizer: NetworkQuantizer) -> Changes:
    """The network with every layer's weights and input at the widths it was given."""
    changes = NO_CHANGES
    for layer in network.description.layers:
        inputs = allocation.activations.get(layer.name)
        own = quantizer.changes(layer, allocation.bits[layer.name], inputs)
        changes = changes.joined(own)
    return changes
