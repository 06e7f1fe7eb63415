"""Count the values of tensors, exactly."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from qcore.calibrate.histogram import BINS, Counts, Histogram, no_values, width_for
from qcore.errors import BadInput

_SLICE = 2**20  # values: small enough for the cache, large enough to be worth waking threads for


def count_values(tensor: Tensor) -> Histogram:
    """The histogram of a tensor of any shape, layout and floating-point type; -0 is zero.

    Counts are whole numbers and never saturate. Dividing by a width that is a power of two is exact
    in binary floating point, so every value is in the bin that ``Histogram`` defines. Raises
    BadInput for NaN and infinite values. Example: [0, -0.5, 1] has one zero, one negative and one
    positive value, and bins of 2 / 2048.
    """
    values = _in_memory_order(tensor.detach())
    if values.numel() == 0:
        return no_values()
    low, high = (float(x) + 0.0 for x in torch.aminmax(values))  # -0 becomes 0
    if not (math.isfinite(low) and math.isfinite(high)):
        raise BadInput("values are NaN or infinite; check how the images are normalised")
    width = width_for(max(-low, high))
    counts = torch.zeros(2 * BINS, dtype=torch.int64, device=values.device)
    filled, below = torch.zeros_like(counts[0]), torch.zeros_like(counts[0])
    for part in values.split(_SLICE):
        # Truncated towards zero: bin 0 of both sides and the zeros fall together for now.
        bins = part.mul(1 / width).to(torch.int32).add_(BINS)
        counts += torch.bincount(bins, minlength=2 * BINS)
        filled += torch.count_nonzero(part != 0)  # of booleans: four times faster
        if low < 0:
            below += torch.count_nonzero(part < 0)
    zeros = values.numel() - int(filled)
    negative, positive = _sides(counts.cpu().numpy(), zeros, int(below))
    return Histogram(width, negative, positive, zeros, low, high)


def _sides(whole: Counts, zeros: int, below: int) -> tuple[Counts, Counts]:
    """Both sides (BINS,); bin 0 of each follows from how many values are zero and negative."""
    negative, positive = whole[BINS:0:-1].copy(), whole[BINS:].copy()
    negative[0] = below - int(negative[1:].sum())
    positive[0] -= int(negative[0]) + zeros
    return negative, positive


def _in_memory_order(tensor: Tensor) -> Tensor:
    """All values in one row, without a copy where their order in memory allows it."""
    order = sorted(range(tensor.dim()), key=lambda axis: -tensor.stride()[axis])
    row = tensor.permute(order).reshape(-1)
    return row if row.dtype in (torch.float32, torch.float64) else row.float()
