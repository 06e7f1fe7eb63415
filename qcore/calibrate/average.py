"""The mean input patch of every layer, in one pass over the images."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, fx

from qcore.calibrate.means import InputMeans, known_means
from qcore.data.dataset import Dataset
from qcore.errors import BadInput, Stopped
from qcore.graph.chunks import chunk_images
from qcore.graph.kernels import to_kernels
from qcore.graph.layer import Layer
from qcore.graph.network import Network
from qcore.graph.run import Input, Runner
from qcore.side_by_side import side_by_side

Listener = Callable[[float, str], None]

_PARTS = 4  # of the images that are otherwise run at once
_MOST_IMAGES = 512  # a mean needs no more, and bias correction should not cost more than it gives


def input_means(
    network: Network,
    data: Dataset,
    *,
    on_progress: Listener = lambda fraction, message: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> InputMeans:
    """Run up to 512 images, evenly spread over the data, and average what enters each layer.

    A layer's output is linear in its input, so the mean over images is taken of the input itself,
    and its patches are looked at once. A layer that is used several times has the mean over all its
    uses. Raises BadInput where what enters a layer is not finite, and Stopped when ``should_stop``
    says so. Example: a linear layer that gets (1, 3) and (3, 5) has the patch (2, 4).
    """
    chosen = _spread(len(data))
    runner = network.runner()
    sums = {node: _Sum() for layer in network.description.layers for node in layer.nodes}
    done = 0

    def work(batch: tuple[int, Input]) -> tuple[int, dict[str, _Sum]]:
        return batch[0], _sums_of(network, runner, *batch)

    batches = _batches(data, chosen.split(_at_once(network)), should_stop)
    with closing(side_by_side(work, batches, network.device)) as results:
        for images, found in results:
            for node, part in found.items():
                sums[node].join(part)
            done += images
            on_progress(
                done / len(chosen), f"{done:,} of {len(chosen):,} images, for bias correction"
            )
    return InputMeans(
        network.description.fingerprint,
        data.fingerprint(),
        len(chosen),
        {layer.name: _patch(network, layer, sums) for layer in network.description.layers},
        frozenset(data.chosen(chosen).digests()),
    )


def means_for(
    network: Network,
    data: Dataset,
    *,
    on_progress: Listener = lambda fraction, message: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> InputMeans:
    """``input_means``, or what it found before."""
    known = known_means(network.description.fingerprint, data.fingerprint())
    if known is None:
        known = input_means(network, data, on_progress=on_progress, should_stop=should_stop)
        known.keep()
    return known


def _spread(images: int) -> Tensor:
    return torch.linspace(0, images - 1, min(images, _MOST_IMAGES)).round().long()


class _Sum:
    """Of what entered one node: its sum over the first axis, the rows added, how it was used."""

    total: Tensor | None = None
    rows: int = 0
    node: fx.Node
    rest: tuple[Any, ...]
    kwargs: dict[str, Any]

    def add(self, node: fx.Node, args: tuple[Any, ...], entering: Tensor) -> None:
        # Channels last, as the values lie in memory: the other way torch takes ten times as long.
        part = entering.movedim(1, -1).sum(0, keepdim=True).movedim(-1, 1)
        self.total = part.double() if self.total is None else self.total.add_(part)
        self.rows += len(entering)
        self.node, self.rest = node, args[3:]
        self.kwargs = {name: value for name, value in node.kwargs.items() if name != "bias"}

    def join(self, other: _Sum) -> None:
        assert other.total is not None
        with torch.inference_mode():  # as they were made: only so can they be added in place
            self.total = other.total if self.total is None else self.total.add_(other.total)
        self.rows += other.rows
        self.node, self.rest, self.kwargs = other.node, other.rest, other.kwargs


def _at_once(network: Network) -> int:
    """Images of one run: few, as what enters a layer is still in cache when it is added up."""
    if network.description.batch is not None:
        return network.description.batch
    return max(1, chunk_images(network) // _PARTS)


def _batches(
    data: Dataset, chunks: Sequence[Tensor], should_stop: Callable[[], bool]
) -> Iterator[tuple[int, Input]]:
    """The number of images, and the images, of each chunk. Raises Stopped when told so."""
    for indices in chunks:
        if should_stop():
            raise Stopped
        yield len(indices), data.batch(indices)


def _sums_of(network: Network, runner: Runner, count: int, images: Input) -> dict[str, _Sum]:
    """Of what entered each node in one run of ``count`` images."""
    weights = {node: la for la in network.description.layers for node in la.nodes}
    batch, sums = network.description.batch, dict[str, _Sum]()

    def observe(node: fx.Node, args: tuple[Any, ...], value: Any) -> None:
        layer = weights.get(node.name)
        if layer is None:
            return
        entering = args[0]
        if batch is not None and len(entering) == batch:
            entering = entering[:count]  # copies that fill up a fixed batch do not count
        if layer.op != "linear" and entering.dim() < len(layer.weight_shape):
            entering = entering[None]  # a convolution of a single image without a batch axis
        if layer.op == "linear":
            entering = entering.reshape(-1, entering.shape[-1])
        sums.setdefault(node.name, _Sum()).add(node, args, entering)

    with torch.inference_mode():
        runner.advance(runner.start(images), len(runner.nodes), observe=observe)
    return sums


def _patch(network: Network, layer: Layer, sums: dict[str, _Sum]) -> npt.NDArray[np.float32]:
    """(groups, weights per kernel): the gradient of the mean output with respect to a kernel."""
    total, positions = torch.zeros(1), 0
    for name in layer.nodes:
        used = sums[name]
        if used.total is None:
            continue
        mean = (used.total / used.rows).float()
        weight = torch.zeros_like(network.weight(layer), device=mean.device, requires_grad=True)
        with torch.inference_mode(False), torch.enable_grad():
            output = used.node.target(mean.clone(), weight, None, *used.rest, **used.kwargs)  # type: ignore[operator]
            (gradient,) = torch.autograd.grad(output.sum(), weight)
        each = output.numel() // layer.kernels
        total = total.to(gradient.device) + gradient * used.rows
        positions += used.rows * each
    rows = to_kernels(total, layer)[:: layer.kernels // layer.groups] / positions
    if not bool(torch.isfinite(rows).all()):
        raise BadInput(
            f"what enters layer {layer.name} is NaN or infinite on these data; "
            "check their normalisation"
        )
    return rows.float().cpu().numpy()
