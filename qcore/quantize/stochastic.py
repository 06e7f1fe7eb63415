"""Stochastic rounding: up or down by chance, so that the mean over many draws is the value."""

from __future__ import annotations

import torch
from torch import Tensor


def neighbours(x: Tensor, levels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """(lower level, upper level, probability of the upper one), each of the shape of x.

    ``levels`` (levels,), at least two, rising, of the dtype of x. With w between the neighbours lo
    and up, P(up) = (w - lo) / (up - lo); then the mean is w and the variance (up - w)(w - lo).
    Beyond the ends the last level is certain. Gupta et al. 2015 (arXiv 1502.02551), section 3.
    Example: 0.1 between -1/3 and 1/3 goes down with probability 0.35, variance 0.10111.
    """
    index = torch.searchsorted(levels, x.contiguous()).clamp_(1, len(levels) - 1)
    upper, lower = levels[index], levels[index.sub_(1)]
    gap = upper - lower
    # Repeated levels leave nothing to choose.
    gap.masked_fill_(gap == 0, 1)
    return lower, upper, (x - lower).div_(gap).clamp_(0, 1)


def stochastic_round(x: Tensor, levels: Tensor, generator: torch.Generator) -> Tensor:
    """One draw for every value of x: one of its two neighbours, of the shape and dtype of x.

    ``generator`` lives on the device of x. A value that is a level stays, so rounding twice is
    rounding once. Example: 0.1 with levels -1, -1/3, 1/3, 1 becomes -1/3 in 35 % of the draws,
    otherwise 1/3.
    """
    lower, upper, probability = neighbours(x, levels)
    # The draw is below 1 and may be 0: a probability of 0 is never, of 1 always.
    draw = torch.rand(x.shape, generator=generator, dtype=x.dtype, device=x.device)
    return torch.where(draw < probability, upper, lower)
