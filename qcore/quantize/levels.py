"""Levels that need not be evenly spaced, and rounding to the nearest of them."""

from __future__ import annotations

import torch
from torch import Tensor

from qcore.quantize.limits import checked_bits


def uniform_range(x: Tensor, bits: int) -> Tensor:
    """2^p levels from min to max, evenly spaced and both included: (2^p,), rising, dtype of x.

    Zero is a level only by chance. Gersho and Gray 1992 (Vector Quantization and Signal
    Compression), chapter 5. Example: values from -1 to 1 at 2 bits: -1, -1/3, 1/3, 1. Raises
    ValueError outside 2..16 bits.
    """
    low, high = (float(end) for end in x.aminmax())
    return torch.linspace(low, high, 2 ** checked_bits(bits), dtype=torch.float64).to(x)


def histogram_levels(x: Tensor, bits: int) -> Tensor:
    """The middle of each of 2^p equally wide bins over [min, max]: (2^p,), rising, dtype of x.

    With the nearest level no error exceeds half a bin: the uniform quantizer of least largest
    error. Gersho and Gray 1992 (Vector Quantization and Signal Compression), chapter 5. Example:
    values from -1 to 1 at 2 bits: -0.75, -0.25, 0.25, 0.75. Raises ValueError outside 2..16 bits.
    """
    low, high = (float(end) for end in x.aminmax())
    count = 2 ** checked_bits(bits)
    half = (high - low) / count / 2
    return torch.linspace(low + half, high - half, count, dtype=torch.float64).to(x)


def prior_normal(x: Tensor, bits: int) -> Tensor:
    """Quantiles of the normal distribution that fits x, with min and max: (2^p,), rising.

    The quantiles are those of k / (2^p - 1), k = 1 .. 2^p - 2, of a normal with x's mean and
    unbiased standard deviation; min and max take the places of the infinite ones. Where x is short
    of tails a quantile may lie beyond them, so all are sorted. The levels lie at equal steps of the
    cumulative distribution, in the manner of NF4 (Dettmers et al. 2023, arXiv 2305.14314,
    section 3). Example: mean 0 and deviation 1 at 2 bits: min, -0.4307, 0.4307, max. Raises
    ValueError outside 2..16 bits.
    """
    count = 2 ** checked_bits(bits)
    values = x.double()
    deviation = values.std() if values.numel() > 1 else values.new_zeros(())
    inner = torch.arange(1, count - 1, dtype=torch.float64, device=x.device) / (count - 1)
    quantiles = values.mean() + deviation * torch.special.ndtri(inner)
    return torch.cat([quantiles, torch.stack(values.aminmax())]).sort().values.to(x)


def nearest(x: Tensor, levels: Tensor) -> Tensor:
    """Every value of x becomes the nearest level; midway between two, the lower one.

    ``levels`` (levels,), rising, serve x of any shape; (rows, levels) serve x (rows, n), each row
    its own. Repeated levels do no harm. Shape and dtype of x; besides the result one index per
    value is held. Example: 0.5 and 0.6 with levels 0, 1, 4 give 0 and 1.
    """
    boundaries = ((levels[..., :-1] + levels[..., 1:]) / 2).to(x.dtype).contiguous()
    index = torch.searchsorted(boundaries, x.contiguous())
    levels = levels.to(x.dtype)
    return levels[index] if levels.dim() == 1 else levels.gather(1, index)
