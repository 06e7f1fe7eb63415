"""Random directions at the network's output whose second moment is the curvature of the loss."""

from __future__ import annotations

import torch
from torch import Tensor

from qcore.graph.run import Output, as_tuple
from qcore.sensitivity.objectives import Objective

Direction = tuple[Tensor, ...]
"""For each output of the network a tensor of its shape."""


def draw_directions(
    output: Output, objective: Objective, probes: int, generator: torch.Generator
) -> list[Direction]:
    """``probes`` draws u with E[u u'] = F for every image, each drawn by itself.

    Signs v of +1 and -1 (Hutchinson 1989: least variance among such draws) are multiplied with a
    root of F. Losses of class probabilities p have F = diag(p) - p p' at the logits and
    u = sqrt(p) v - p (sqrt(p)'v), Fisher's matrix (Martens 2020, arXiv 1412.1193, section 9). The
    relative squared error of O outputs has F = 2 I / (O energy) at each. Example: p = (1/2, 1/2)
    and v = (1, -1): u = (0.707, -0.707); v = (1, 1): u = 0.
    """
    outputs = tuple(value.detach() for value in as_tuple(output))
    sizes = [value[0].numel() for value in outputs]
    shape = (len(outputs[0]), probes, sum(sizes))  # image by image: the same draws for any chunk
    signs = 2 * torch.randint(0, 2, shape, generator=generator, dtype=torch.int8) - 1
    parts = signs.to(outputs[0]).split(sizes, 2)
    drawn = [
        tuple(v[:, probe].reshape(y.shape) for y, v in zip(outputs, parts, strict=True))
        for probe in range(probes)
    ]
    return [_direction(outputs, each, objective) for each in drawn]


def label_direction(output: Output, labels: Tensor) -> Direction:
    """The gradient of each image's cross-entropy at its logits: p - one-hot."""
    (logits,) = as_tuple(output)
    gradient = logits.detach().softmax(1)
    rows = torch.arange(len(labels), device=gradient.device)
    gradient[rows, labels.to(gradient.device)] -= 1
    return (gradient,)


def _direction(outputs: Direction, signs: Direction, objective: Objective) -> Direction:
    """The root of F times the signs."""
    if objective == "mse":
        pairs = zip(outputs, signs, strict=True)
        return tuple(_mse_root(value, len(outputs)) * v for value, v in pairs)
    (logits,), (v,) = outputs, signs
    p = logits.softmax(1)
    root = p.sqrt()
    return (root * v - p * (root * v).sum(1, keepdim=True),)


def _mse_root(value: Tensor, outputs: int) -> Tensor:
    """The root of F of each image, shaped to multiply it; nothing is relative to zeros."""
    energy = value.flatten(1).double().square().sum(1)
    energy = torch.where(energy > 0, energy, 1.0)
    root = (2 / (outputs * energy)).sqrt().to(value.dtype)
    return root.reshape(-1, *[1] * (value.dim() - 1))
