"""Projections of a whole network, chunk by chunk."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from qcore.data.dataset import Dataset
from qcore.graph.network import Network
from qcore.sensitivity.objectives import Objective
from qcore.sensitivity.projection.chunk import ChunkProjections, project_chunk
from qcore.sensitivity.projection.errors import InputAt, LayerErrors, WeightAt

__all__ = ["ChunkProjections", "ProjectionRun", "project", "project_chunk"]

_CHUNK_VALUES = 2**27  # of all that is kept of a chunk for going back: 512 MB in float32
_CHUNK_IMAGES = 256


@dataclass(frozen=True)
class ProjectionRun:
    """``one_forward_seconds``: what a forward pass of all the images takes, None where none was
    run. ``finished`` is False where the run was asked to stop."""

    one_forward_seconds: float | None
    finished: bool


def project(
    network: Network,
    data: Dataset,
    chunks: Sequence[Tensor],
    bits: tuple[int, ...],
    objective: Objective,
    *,
    seed: int = 0,
    probes: int = 2,
    weight_at: WeightAt | None = None,
    input_at: InputAt | None = None,
    means: Mapping[str, Tensor] | None = None,
    done: Collection[int] = (),
    on_chunk: Callable[[int, ChunkProjections], None] = lambda number, chunk: None,
    on_progress: Callable[[float, str], None] = lambda fraction, message: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> ProjectionRun:
    """Projections of the weights, of the inputs or of both of every layer, chunk by chunk.

    ``chunks`` are indices into the data. Numbers in ``done`` are left out: what a chunk draws
    depends on ``seed`` and its number alone, so chunks can be made at different times.
    ``weight_at`` and ``input_at``: the rounding; ``means``: see ``LayerErrors``. Raises BadInput
    where an output or a gradient is not finite.
    """
    with torch.inference_mode(False):
        runner = network.runner()
        errors = LayerErrors(network, bits, weight_at, input_at, means)
    total = sum(len(indices) for indices in chunks)
    seconds_per_image: list[float] = []
    position = 0
    for number, indices in enumerate(chunks):
        start, position = position, position + len(indices)
        if number not in done:
            if should_stop():
                return ProjectionRun(None, False)
            found = project_chunk(
                network,
                runner,
                data.batch(indices),
                None if data.labels is None else data.labels[indices],
                objective,
                errors,
                chunk_generator(seed, number),
                probes,
                position=start,
            )
            seconds_per_image.append(found.forward_seconds / len(indices))
            on_chunk(number, found)
        on_progress(position / total, f"{position:,} of {total:,} images")
    each = float(np.median(seconds_per_image)) if seconds_per_image else None
    return ProjectionRun(None if each is None else each * total, True)


def chunk_generator(seed: int, number: int) -> torch.Generator:
    """What draws the directions of that chunk."""
    (state,) = np.random.SeedSequence([seed, number]).generate_state(1, np.uint64)
    return torch.Generator().manual_seed(int(state >> 1))


def projection_chunk_images(network: Network) -> int:
    """How many images are run at once: a fixed batch, or as many as have up to 2^27 values of what
    enters and leaves the layers, 256 at most."""
    if network.description.batch is not None:
        return network.description.batch
    shapes = [s for la in network.description.layers for s in (la.input_shape, la.output_shape)]
    each = sum(math.prod(shape) for shape in shapes)
    return max(1, min(_CHUNK_IMAGES, _CHUNK_VALUES // each))
