"""Projected ΔL: the quantizer of a network, the images of a run, and the projections of both."""

from __future__ import annotations

from collections.abc import Callable, Collection

import torch

from qcore.calibrate.average import means_for
from qcore.calibrate.calibration import Calibration
from qcore.calibrate.quantizer import NetworkQuantizer
from qcore.data.dataset import Dataset
from qcore.graph.network import Network
from qcore.sensitivity.config import SensitivityConfig
from qcore.sensitivity.image_chunks import chosen_images
from qcore.sensitivity.projection.chunk import ChunkProjections
from qcore.sensitivity.projection.measure import ProjectionRun, project, projection_chunk_images

_MEANS_SHARE = 0.2
"""Of the whole work: mean inputs, one forward pass of some six."""


def measure_projected(
    network: Network,
    data: Dataset,
    config: SensitivityConfig,
    *,
    calibration: Calibration | None = None,
    done: Collection[int] = (),
    on_chunk: Callable[[int, ChunkProjections], None] = lambda number, chunk: None,
    on_progress: Callable[[float, str], None] = lambda fraction, message: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> ProjectionRun:
    """Project the rounding errors of every layer and kernel at every width, in chunks of images.

    The images are those that ``measure_exact`` takes. Chunks in ``done`` are known already. Inputs
    are clipped at thresholds that are found on ``calibration``; biases are corrected by what enters
    the layers on these very data. Raises BadInput where an output is not finite.
    """
    means, begun = None, 0.0
    if config.corrects_biases:
        begun = _MEANS_SHARE
        found = means_for(
            network,
            data,
            on_progress=lambda fraction, text: on_progress(begun * fraction, text),
            should_stop=should_stop,
        )
        means = {name: torch.from_numpy(patch) for name, patch in found.patches.items()}
    quantizer = NetworkQuantizer(network, config.clipping, calibration)
    return project(
        network,
        data,
        chosen_images(data, config).split(projection_chunk_images(network)),
        config.bits,
        config.objective,
        seed=config.seed,
        probes=config.probes or 1,
        weight_at=None if config.target == "activation" else quantizer.weight,
        input_at=None if config.target == "weight" else quantizer.entering,
        means=means,
        done=done,
        on_chunk=on_chunk,
        on_progress=lambda fraction, text: on_progress(begun + (1 - begun) * fraction, text),
        should_stop=should_stop,
    )
