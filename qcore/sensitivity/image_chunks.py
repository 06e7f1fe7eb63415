"""The images of a run, in chunks that are run at once and in groups that a cell sees whole."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from qcore.data.dataset import Dataset
from qcore.graph.chunks import chunk_images
from qcore.graph.network import Network
from qcore.sensitivity.config import SensitivityConfig
from qcore.sensitivity.sampling import group_count


def split_chunks(network: Network, data: Dataset, config: SensitivityConfig) -> list[Tensor]:
    """The indices of the images used, in chunks that keep the largest activation small."""
    return list(chosen_images(data, config).split(chunk_images(network)))


def chosen_images(data: Dataset, config: SensitivityConfig) -> Tensor:
    """The indices of the images used, in the order that the seed gives."""
    generator = torch.Generator().manual_seed(config.seed)
    return torch.randperm(len(data), generator=generator)[: config.images]


@dataclass(frozen=True, eq=False)
class ImageChunks:
    """``indices``: the images of each chunk. ``groups``: the numbers of each group's chunks."""

    indices: list[Tensor]
    groups: list[list[int]]


def image_chunks(
    network: Network, data: Dataset, config: SensitivityConfig, order: Tensor | None = None
) -> ImageChunks:
    """All images in one group, or with a tolerance in several of nearly the same size.

    ``order`` (N,) are the chosen images otherwise arranged; it changes neither numbers nor sizes.
    """
    batch = network.description.batch
    count = 1 if config.tolerance is None else group_count(config, batch)
    if count == 1:
        chunks = split_chunks(network, data, config)
        return ImageChunks(chunks, [list(range(len(chunks)))])
    indices: list[Tensor] = []
    groups: list[list[int]] = []
    for part in (chosen_images(data, config) if order is None else order).tensor_split(count):
        chunks = list(part.split(chunk_images(network)))
        groups.append(list(range(len(indices), len(indices) + len(chunks))))
        indices += chunks
    return ImageChunks(indices, groups)
