"""Symmetric uniform quantization, restricted range: 2^b - 1 levels around an exact zero."""

from __future__ import annotations

from torch import Tensor

from qcore.quantize.limits import restricted_range
from qcore.quantize.scale_search import ScaleSearch
from qcore.quantize.uniform import fake_quantize, restricted_scale


def quantize(weights: Tensor, scale: Tensor, bits: int) -> Tensor:
    """clamp(round(w / s), -n, n) * s, rounding half to even.

    weights (kernels, weights per kernel); scale (kernels, 1), positive; the result has the shape
    and dtype of weights. Krishnamoorthi 2018 (arXiv 1806.08342), section 2.2. Example: w = 0.34,
    s = 0.1, 3 bits (n = 3) gives 0.3; w = 0.5 gives 0.3 (clipped). Raises ValueError outside 2..16
    bits.
    """
    return fake_quantize(weights, scale, 0, *restricted_range(bits))


def max_scale(weights: Tensor, bits: int) -> Tensor:
    """The scale (kernels, 1) that puts the largest magnitude of each kernel on the top level.

    A kernel of zeros, or of values so small that the scale would be zero, gets scale 1. Example:
    w = [0.5, -1.27], 8 bits gives 0.01. Raises ValueError outside 2..16 bits.
    """
    return restricted_scale(weights.abs().amax(dim=1, keepdim=True), bits)


def mse_scale(weights: Tensor, bits: int) -> Tensor:
    """The scale (kernels, 1) that minimises each kernel's squared rounding error.

    weights (kernels, weights per kernel). The threshold of a kernel is scale * n. The search (see
    ``ScaleSearch``) never does worse than clipping at the largest magnitude. It is numeric; Banner
    et al. 2019 (arXiv 1810.05723), section 3.1, solve it for assumed distributions. Known answer:
    for N(0, 1) and 4 bits the threshold is 2.474 and the error 0.01289. Raises ValueError outside
    2..16 bits.
    """
    return ScaleSearch(weights).scale(bits)
