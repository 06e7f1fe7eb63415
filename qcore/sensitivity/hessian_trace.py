"""Hutchinson's estimator of the trace of each block of a Hessian."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def rademacher(leaves: Sequence[Tensor], generator: torch.Generator) -> list[Tensor]:
    """One probe: +1 or -1, equally likely, for every value of every leaf; drawn on the CPU."""
    return [
        torch.randint(2, leaf.shape, generator=generator).mul_(2).sub_(1).to(leaf)
        for leaf in leaves
    ]


class SecondDerivative:
    """The Hessian H of one loss, by double backward; the graph of the gradient is built once.

    ``loss`` is a scalar; ``leaves`` are the tensors that it is differentiated by. Both derivatives
    raise torch's RuntimeError for an operator without one.
    """

    def __init__(self, loss: Tensor, leaves: Sequence[Tensor]) -> None:
        self._leaves = leaves
        self._gradient = torch.autograd.grad(
            loss, leaves, create_graph=True, materialize_grads=True
        )

    def traces(self, probe: Sequence[Tensor]) -> Tensor:
        """(leaves,) float64: v_l · (H v)_l of each leaf l.

        With v a Rademacher probe its mean is the trace of the leaf's own block of H (Hutchinson
        1990): what one leaf does to another averages out. Example: H = (2/3) [[35, 44], [44, 56]]
        has trace 60.6667; the probes (1, 1) and (1, -1) give 119.3333 and 2.
        """
        product = sum((g * v).sum() for g, v in zip(self._gradient, probe, strict=True))
        if not isinstance(product, Tensor) or not product.requires_grad:  # the loss is linear
            return torch.zeros(len(self._leaves), dtype=torch.float64)
        second = torch.autograd.grad(
            product, self._leaves, retain_graph=True, materialize_grads=True
        )
        parts = [(hv * v).sum(dtype=torch.float64) for hv, v in zip(second, probe, strict=True)]
        return torch.stack(parts).cpu()
