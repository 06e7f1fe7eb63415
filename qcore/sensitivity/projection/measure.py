"""Projections of a whole network, chunk by chunk."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from qcore.data.dataset import Dataset
from qcore.graph.network import Network
from qcore.graph.run import Input
from qcore.sensitivity.objectives import Objective
from qcore.sensitivity.projection.chunk import ChunkProjections, project_chunk
from qcore.sensitivity.projection.errors import InputAt, LayerErrors, WeightAt
from qcore.side_by_side import pieces_at_once, side_by_side

__all__ = ["ChunkProjections", "ProjectionRun", "project", "project_chunk"]

_CHUNK_VALUES = 3 * 2**24  # of all that is kept of a chunk for going back: 192 MB in float32
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
    tasks = _Tasks(data, chunks, done, should_stop)

    def work(task: _Task) -> tuple[_Task, ChunkProjections]:
        return task, project_chunk(
            network,
            runner,
            task.images,
            task.labels,
            objective,
            errors,
            chunk_generator(seed, task.number),
            probes,
            position=task.position,
        )

    total = sum(len(indices) for indices in chunks)
    seconds_per_image: list[float] = []
    if len(done) < len(chunks) and not should_stop():
        errors.prepare()
    with closing(side_by_side(work, tasks, network.device)) as results:
        for task, found in results:
            finished = task.position + task.count
            seconds_per_image.append(found.forward_seconds / task.count)
            on_chunk(task.number, found)
            on_progress(finished / total, f"{finished:,} of {total:,} images projected")
    if tasks.stopped or not seconds_per_image:
        return ProjectionRun(None, not tasks.stopped)
    each = float(np.median(seconds_per_image)) / pieces_at_once(network.device)
    return ProjectionRun(each * total, True)


@dataclass(frozen=True, eq=False)
class _Task:
    """A chunk of ``count`` images, the first of them number ``position`` of all."""

    number: int
    position: int
    count: int
    images: Input
    labels: Tensor | None


class _Tasks:
    """The chunks that are not done, loaded one by one, until asked to stop."""

    def __init__(
        self,
        data: Dataset,
        chunks: Sequence[Tensor],
        done: Collection[int],
        should_stop: Callable[[], bool],
    ) -> None:
        self._data, self._chunks, self._done = data, chunks, done
        self._should_stop, self.stopped = should_stop, False

    def __iter__(self) -> Iterator[_Task]:
        position = 0
        for number, indices in enumerate(self._chunks):
            if number not in self._done:
                if self._should_stop():
                    self.stopped = True
                    return
                labels = None if self._data.labels is None else self._data.labels[indices]
                images = self._data.batch(indices)
                yield _Task(number, position, len(indices), images, labels)
            position += len(indices)


def chunk_generator(seed: int, number: int) -> torch.Generator:
    """What draws the directions of that chunk."""
    (state,) = np.random.SeedSequence([seed, number]).generate_state(1, np.uint64)
    return torch.Generator().manual_seed(int(state >> 1))


def projection_chunk_images(network: Network) -> int:
    """How many images are run at once: a fixed batch, or as many as have up to 3 * 2^24 values of
    what enters and leaves the layers, 256 at most."""
    if network.description.batch is not None:
        return network.description.batch
    shapes = [s for la in network.description.layers for s in (la.input_shape, la.output_shape)]
    each = sum(math.prod(shape) for shape in shapes)
    return max(1, min(_CHUNK_IMAGES, _CHUNK_VALUES // each))
