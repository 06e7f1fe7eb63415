"""Symmetric uniform quantization, restricted range: 2^b - 1 levels around an exact zero."""

from __future__ import annotations

import torch
from torch import Tensor

from qcore.quantize.limits import restricted_range
from qcore.quantize.uniform import fake_quantize, restricted_scale

# A coarse pass over thresholds from 5 % to 100 % of the largest magnitude, a fine pass between its
# neighbours, then least-squares steps. 25 evaluations land within 2 % of a 600-point search.
_COARSE, _FINE, _LEAST_SQUARES, _SMALLEST = 16, 6, 2, 0.05


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

    weights (kernels, weights per kernel). The threshold of a kernel is scale * n. For a fixed
    rounding q the best scale is <w, q> / <q, q>; the search alternates from the best of a grid, so
    it never does worse than clipping at the largest magnitude. It is numeric; Banner et al. 2019
    (arXiv 1810.05723), section 3.1, solve it for assumed distributions. Known answer: for N(0, 1)
    and 4 bits the threshold is 2.474 and the error 0.01289. Raises ValueError outside 2..16 bits.
    """
    top = max_scale(weights, bits)
    search = _Search(weights, top, bits)
    ratio = _SMALLEST ** (1 / (_COARSE - 1))
    for step in range(1, _COARSE):
        search.try_scale(top * ratio**step)
    centre = search.best
    for step in range(1, _FINE + 1):
        search.try_scale(torch.minimum(centre * ratio ** (2 * step / (_FINE + 1) - 1), top))
    for _ in range(_LEAST_SQUARES):
        search.try_scale(search.fitted())
    return search.best


class _Search:
    """The best scale so far and its error. One buffer serves every trial: fresh ones would cost
    more than the arithmetic."""

    def __init__(self, weights: Tensor, top: Tensor, bits: int) -> None:
        self._weights, (self._low, self._high) = weights, restricted_range(bits)
        self._buffer = torch.empty_like(weights)
        self.best, self._error = top, self._error_of(top)

    def try_scale(self, scale: Tensor) -> None:
        """Keep that scale for the kernels that it suits better."""
        error = self._error_of(scale)
        better = error < self._error
        self.best = torch.where(better, scale, self.best)
        self._error = torch.where(better, error, self._error)

    def fitted(self) -> Tensor:
        """The scale of least error for the rounding that the best one makes."""
        levels = self._levels(self.best)
        energy = torch.linalg.vector_norm(levels, dim=1, keepdim=True).square_()
        fitted = levels.mul_(self._weights).sum(dim=1, keepdim=True) / energy
        return torch.where((energy > 0) & (fitted > 0), fitted, self.best)

    def _error_of(self, scale: Tensor) -> Tensor:
        """The root of the squared error of each kernel."""
        errors = self._levels(scale).mul_(scale).sub_(self._weights)
        norm: Tensor = torch.linalg.vector_norm(errors, dim=1, keepdim=True)
        return norm

    def _levels(self, scale: Tensor) -> Tensor:
        torch.div(self._weights, scale, out=self._buffer)
        return self._buffer.round_().clamp_(self._low, self._high)
