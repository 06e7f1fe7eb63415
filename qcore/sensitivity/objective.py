"""The loss of one image, with labels or against the full-precision output."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from qcore.graph.run import Output, as_tuple
from qcore.sensitivity.objectives import Objective


def loss_per_image(
    output: Output, reference: Output, labels: Tensor | None, objective: Objective
) -> Tensor:
    """(N,) float64. output and reference: (N, classes), or what the network gives; labels (N,).

    ``kl`` is KL(p || q) in nats with p of the reference and q of the output. Example: logits [0, 0]
    against a reference of [ln 3, 0], so p = [0.75, 0.25]: 0.1308. ``cross_entropy`` is in nats too
    and needs labels (ValueError without). ``mse`` is the squared error of each output relative to
    the energy of the reference, averaged over outputs. Example: [1, 2] against [1, 3]: 0.1.
    """
    if objective == "mse":
        pairs = zip(as_tuple(output), as_tuple(reference), strict=True)
        return torch.stack([_relative_error(y, r) for y, r in pairs]).mean(0)
    (logits,), (target,) = as_tuple(output), as_tuple(reference)
    if objective == "kl":
        p, q = target.double().log_softmax(1), logits.double().log_softmax(1)
        return functional.kl_div(q, p, reduction="none", log_target=True).sum(1)
    if labels is None:
        raise ValueError("cross-entropy needs labels")
    return functional.cross_entropy(logits.double(), labels, reduction="none")


def _relative_error(output: Tensor, reference: Tensor) -> Tensor:
    error = (output.double() - reference.double()).flatten(1).square().sum(1)
    energy = reference.double().flatten(1).square().sum(1)
    # Nothing can be relative to an output of zeros: then the squared error itself.
    return error / torch.where(energy > 0, energy, 1.0)


def agreement_per_image(output: Output, reference: Output) -> Tensor:
    """(N,) bool: the same class comes first in both; both (N, classes)."""
    (logits,), (target,) = as_tuple(output), as_tuple(reference)
    return torch.eq(logits.argmax(1), target.argmax(1))


def is_finite(output: Output) -> bool:
    """True where no output holds NaN or infinity."""
    return all(bool(torch.isfinite(value).all()) for value in as_tuple(output))
