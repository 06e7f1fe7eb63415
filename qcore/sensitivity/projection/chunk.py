"""Projections of one chunk of images: one forward run, and one backward run per direction."""

from __future__ import annotations

import time
from dataclasses import dataclass

import torch
from torch import Tensor

from qcore.errors import BadInput
from qcore.graph.network import Network
from qcore.graph.run import Input, Runner, as_tuple
from qcore.sensitivity.objective import is_finite
from qcore.sensitivity.objectives import Objective
from qcore.sensitivity.projection.directions import draw_directions, label_direction
from qcore.sensitivity.projection.errors import LayerErrors
from qcore.sensitivity.projection.kernel_sums import KernelSums
from qcore.sensitivity.projection.projections import Projections
from qcore.sensitivity.projection.record import Record, may_come_first
from qcore.sensitivity.projection.values import ChunkValues


@dataclass(frozen=True, eq=False)
class ChunkProjections:
    """What some images give, and the time that their forward run took.

    ``kernels`` is None where weights were not looked at.
    """

    projections: Projections
    kernels: KernelSums | None
    forward_seconds: float

    def joined(self, other: ChunkProjections) -> ChunkProjections:
        """Both chunks together, this one's images first."""
        kernels = self.kernels
        if kernels is not None and other.kernels is not None:
            kernels = kernels.joined(other.kernels)
        return ChunkProjections(
            self.projections.joined(other.projections),
            kernels,
            self.forward_seconds + other.forward_seconds,
        )


def project_chunk(
    network: Network,
    runner: Runner,
    images: Input,
    labels: Tensor | None,
    objective: Objective,
    errors: LayerErrors,
    generator: torch.Generator,
    probes: int = 2,
    *,
    position: int = 0,
) -> ChunkProjections:
    """Projections of the errors of weights, inputs or both, on ``probes`` random directions.

    images (N, ...) and labels (N,), which cross-entropy needs; ``position`` is the number of the
    first image among all that are measured. ``generator`` draws the same for images one by one as
    for all at once. Raises BadInput where an output or a gradient is not finite.
    """
    count = len(as_tuple(images)[0])
    with torch.inference_mode(False), torch.enable_grad():
        if count == 1 or may_come_first(network.description):
            started = time.perf_counter()
            record = Record(network, runner, images, inputs=errors.of_inputs)
            seconds = time.perf_counter() - started
            if count == 1 or record.images_come_first():
                values = _run_back(network, record, labels, objective, errors, generator, probes)
                first = objective == "cross_entropy"
                kernels = values.kernel_sums(first, position) if errors.of_weights else None
                return ChunkProjections(values.projections(first), kernels, seconds)
            del record
    # The rows of the images cannot be told apart: one image at a time.
    singles = [
        project_chunk(
            network,
            runner,
            tuple(part[i : i + 1] for part in as_tuple(images)),
            None if labels is None else labels[i : i + 1],
            objective,
            errors,
            generator,
            probes,
            position=position + i,
        )
        for i in range(count)
    ]
    return _joined(singles)


def _run_back(
    network: Network,
    record: Record,
    labels: Tensor | None,
    objective: Objective,
    errors: LayerErrors,
    generator: torch.Generator,
    probes: int,
) -> ChunkValues:
    if not is_finite(record.output):
        raise BadInput(
            "the network's output on these data is NaN or infinite; check their normalisation"
        )
    directions = draw_directions(record.output, objective, probes, generator)
    if objective == "cross_entropy":
        if labels is None:
            raise ValueError("cross-entropy needs labels")
        directions.append(label_direction(record.output, labels))
    values = ChunkValues(network.description.layers, errors, len(directions), record.images)
    record.back(
        directions,
        values.at_output if errors.of_weights else None,
        values.at_input if errors.of_inputs else None,
    )
    return values


def _joined(chunks: list[ChunkProjections]) -> ChunkProjections:
    whole = chunks[0]
    for chunk in chunks[1:]:
        whole = whole.joined(chunk)
    return whole
