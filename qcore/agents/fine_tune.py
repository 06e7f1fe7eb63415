"""A short fine-tune of a quantized network: gradients go straight through the rounding."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import reduce
from typing import Any

import torch
from torch import Tensor

from qcore.allocate.bits import BitAllocation
from qcore.calibrate.quantizer import NetworkQuantizer
from qcore.data.dataset import Dataset
from qcore.errors import Stopped
from qcore.graph.kernels import from_kernels, to_kernels
from qcore.graph.layer import Layer
from qcore.graph.network import Network
from qcore.graph.run import NO_CHANGES, Changes, Runner, arrange
from qcore.quantize.limits import PRUNED, WeightBits, largest_level, unsigned_range
from qcore.sensitivity.objective import is_finite, loss_per_image
from qcore.sensitivity.objectives import objectives_for
from qcore.sensitivity.projection.measure import projection_chunk_images

_BATCH, _RATE, _MOMENTUM, _DECAY = 64, 1e-3, 0.9, 4e-5  # of HAQ's repository, as its search has it


def fine_tuned(
    network: Network,
    quantizer: NetworkQuantizer,
    allocation: BitAllocation,
    data: Dataset,
    indices: Tensor,
    *,
    steps: int,
    seed: int = 0,
    should_stop: Callable[[], bool] = lambda: False,
) -> Changes:
    """The quantized network after ``steps`` of SGD on the images at ``indices``.

    Every layer of ``allocation`` has bits. It starts from full precision, as HAQ does before each
    evaluation (Wang et al. 2019, arXiv 1811.08886; batch 64, rate 0.001, momentum 0.9, decay 4e-5,
    as its repository has them): rounded weights are used, and gradients pass the rounding unchanged
    where nothing is clipped (Bengio et al. 2013, arXiv 1308.3432). Weights and biases move. The
    scales stay, which the paper leaves to the quantizer; so a trained weight has no other levels
    than before, and a pruned kernel stays pruned. The loss is cross-entropy with labels, KL
    divergence from full precision without, relative squared error where the network is no
    classifier. Where it runs off to infinity or NaN, the untrained network is what comes back. The
    same ``seed`` gives the same batches. ``network`` stays as it is. Stopped when ``should_stop``
    says so. Example: fashion-cnn at 3 bits on 256 labelled images, 40 steps: the cross-entropy of
    500 other images falls from 0.638 to 0.303, full precision's being 0.249.
    """
    layers = [_layer(network, quantizer, layer, allocation) for layer in network.description.layers]
    start = _stored(layers)
    if not _descend(network, data, layers, _batches(indices, steps, seed), should_stop):
        return start
    after = _stored(layers)
    return after if is_finite((*after.tensors.values(), *after.shifts.values())) else start


@dataclass(frozen=True, eq=False)
class _Trained:
    """A layer whose full-precision ``weight`` (in its stored shape) and ``shift`` (kernels,) move.

    ``scale`` and ``largest`` (kernels, 1): w is rounded to scale * (-largest .. largest).
    ``entering`` rounds what enters the layer, None where nothing does.
    """

    layer: Layer
    weight: Tensor
    shift: Tensor
    scale: Tensor
    largest: Tensor
    entering: Callable[[Tensor], Tensor] | None

    def changes(self) -> Changes:
        levels = to_kernels(self.weight, self.layer) / self.scale
        inside = torch.minimum(torch.maximum(levels, -self.largest), self.largest)
        rows = _straight(inside, inside.round()) * self.scale
        weight = arrange(from_kernels(rows, self.layer), rows.device)
        nodes = self.layer.nodes
        return Changes(
            {self.layer.weight_key: weight},
            {} if self.entering is None else dict.fromkeys(nodes, self.entering),
            dict.fromkeys(nodes, self.shift),
        )


def _descend(
    network: Network,
    data: Dataset,
    layers: list[_Trained],
    batches: Iterator[Tensor],
    should_stop: Callable[[], bool],
) -> bool:
    """A step of SGD for each batch; False where a loss is infinite or NaN, and no step follows."""
    weights: dict[str, Any] = {"params": [one.weight for one in layers], "weight_decay": _DECAY}
    shifts: dict[str, Any] = {"params": [one.shift for one in layers]}
    optimizer = torch.optim.SGD([weights, shifts], lr=_RATE, momentum=_MOMENTUM)
    runner, finite = network.runner(), True
    with torch.enable_grad():
        for batch in batches:
            optimizer.zero_grad()
            for part in batch.split(projection_chunk_images(network)):
                if should_stop():
                    raise Stopped
                loss = _loss(network, runner, data, part, _joined(layers)) / len(batch)
                finite = finite and bool(torch.isfinite(loss))
                loss.backward()
            if not finite:
                return False
            optimizer.step()
    return True


def _layer(
    network: Network, quantizer: NetworkQuantizer, layer: Layer, allocation: BitAllocation
) -> _Trained:
    bits, inputs = allocation.bits[layer.name], allocation.activations.get(layer.name)
    assert bits is not None
    weight = arrange(network.weight(layer), network.device).detach().clone()
    shift = quantizer.shift(layer, bits)
    if shift is None:
        shift = weight.new_zeros(layer.kernels)
    scale, largest = (part.to(weight) for part in _levels(quantizer, layer, bits))
    return _Trained(
        layer,
        weight.requires_grad_(),
        shift.detach().clone().requires_grad_(),
        scale,
        largest,
        None if inputs is None else _entering(*quantizer.input_scale(layer, inputs), inputs),
    )


def _levels(quantizer: NetworkQuantizer, layer: Layer, bits: WeightBits) -> tuple[Tensor, Tensor]:
    """(kernels, 1) each: the scale, and the largest integer; 1 and 0 of a pruned kernel."""
    widths = torch.tensor([bits] * layer.kernels if isinstance(bits, int) else bits)
    scale, largest = torch.ones(layer.kernels, 1), torch.zeros(layer.kernels, 1)
    for width in set(widths.tolist()) - {PRUNED}:
        rows = widths == width
        scale[rows] = quantizer.scale(layer, width).to(scale)[rows]
        largest[rows] = largest_level(width)
    return scale, largest


def _entering(scale: float, zero_point: int, bits: int) -> Callable[[Tensor], Tensor]:
    low, high = (end - zero_point for end in unsigned_range(bits))

    def rounded(values: Tensor) -> Tensor:
        inside = (values / scale).clamp(low, high)
        return _straight(inside, inside.round()) * scale

    return rounded


def _straight(values: Tensor, rounded: Tensor) -> Tensor:
    """``rounded``, with the gradient of ``values``."""
    return values + (rounded - values).detach()


def _joined(layers: list[_Trained]) -> Changes:
    return reduce(Changes.joined, (one.changes() for one in layers), NO_CHANGES)


def _stored(layers: list[_Trained]) -> Changes:
    """The layers as they are now, without what gradients need."""
    with torch.no_grad():
        found = _joined(layers)
    shifts = {node: shift.detach().clone() for node, shift in found.shifts.items()}
    return Changes(found.tensors, found.entering, shifts)


def _loss(
    network: Network, runner: Runner, data: Dataset, indices: Tensor, changes: Changes
) -> Tensor:
    """The sum over these images."""
    objective = objectives_for(network.description, data.labels is not None)[0]
    images = data.batch(indices)
    output = runner(images, changes)
    if objective == "cross_entropy" and data.labels is not None:
        labels = data.labels[indices].to(runner.device)
        return loss_per_image(output, output, labels, objective).sum()
    with torch.no_grad():
        reference = runner(images)
    return loss_per_image(output, reference, None, objective).sum()


def _batches(indices: Tensor, steps: int, seed: int) -> Iterator[Tensor]:
    """All images in random order, again and again; each batch as large as there are images for."""
    generator = torch.Generator().manual_seed(seed)
    size, left = min(_BATCH, len(indices)), indices[:0]
    for _ in range(steps):
        if len(left) < size:
            left = torch.cat([left, indices[torch.randperm(len(indices), generator=generator)]])
        yield left[:size]
        left = left[size:]
