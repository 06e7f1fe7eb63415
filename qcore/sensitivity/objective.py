"""The loss of one image, with labels or against the full-precision output."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from qcore.sensitivity.table import Objective


def loss_per_image(
    logits: Tensor, reference: Tensor, labels: Tensor | None, objective: Objective
) -> Tensor:
    """(N,) float64, nats. logits and reference (N, classes); labels (N,) for cross-entropy.

    ``kl`` is KL(p || q) with p of the reference and q of the logits. Example: logits [0, 0] against
    a reference of [ln 3, 0], so p = [0.75, 0.25]: 0.1308. Raises ValueError for cross-entropy
    without labels.
    """
    if objective == "kl":
        p, q = reference.double().log_softmax(1), logits.double().log_softmax(1)
        return functional.kl_div(q, p, reduction="none", log_target=True).sum(1)
    if labels is None:
        raise ValueError("cross-entropy needs labels")
    return functional.cross_entropy(logits.double(), labels, reduction="none")


def agreement_per_image(logits: Tensor, reference: Tensor) -> Tensor:
    """(N,) bool: the same class comes first in both."""
    return torch.eq(logits.argmax(1), reference.argmax(1))
