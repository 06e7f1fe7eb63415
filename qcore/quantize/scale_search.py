"""The scale of least squared rounding error of each kernel, at any bit width."""

from __future__ import annotations

import functools

import torch
from torch import Tensor

from qcore.quantize.limits import largest_level
from qcore.quantize.uniform import restricted_scale

# Thresholds tried, as parts of the largest magnitude, and bins that they are tried on.
_SMALLEST, _THRESHOLDS, _BINS = 0.05, 96, 256
_FEW = 64  # weights of a kernel: so few are tried themselves, as fast as their bins would be
_COARSE, _FINE = 16, 6  # of those: thresholds of a first pass and of one between its neighbours
_LEAST_SQUARES = 2


class ScaleSearch:
    """Scales of weights (kernels, weights per kernel); what all widths share is found once.

    Thresholds are tried on a histogram of each kernel's magnitudes, or on its weights where they
    are few. For a fixed rounding q the best scale is <w, q> / <q, q>: least-squares steps follow.
    """

    def __init__(self, weights: Tensor) -> None:
        self._weights = weights
        self._largest = weights.abs().amax(dim=1, keepdim=True)

    def top(self, bits: int) -> Tensor:
        """(kernels, 1): those that put the largest magnitude of each kernel on the top level."""
        return restricted_scale(self._largest, bits)

    def scale(self, bits: int) -> Tensor:
        """(kernels, 1): those of least squared error, never worse than ``top``."""
        top = self.top(bits)
        errors = _Errors(self._weights, bits)
        few = self._weights.shape[1] < _FEW
        scale = _grid_search(errors, top) if few else self._by_histogram(top, bits)
        for _ in range(_LEAST_SQUARES):
            scale = errors.fitted(scale)
        return torch.where(errors.at(scale) < errors.at(top), scale, top)

    def _by_histogram(self, top: Tensor, bits: int) -> Tensor:
        cost = self._histogram @ _costs(bits).to(self._histogram)
        return top * _thresholds()[cost.argmin(1)].to(top)[:, None]

    @functools.cached_property
    def _histogram(self) -> Tensor:
        """(kernels, 2 bins): how many weights have a magnitude in each bin, of 0 to the kernel's
        largest, and the sum of those magnitudes, as parts of the largest."""
        largest = torch.where(self._largest > 0, self._largest, 1)
        parts = self._weights.abs().div_(largest)
        bins = (parts * _BINS).long().clamp_(0, _BINS - 1)
        found = parts.new_zeros(len(parts), 2 * _BINS)
        found.scatter_add_(1, bins, parts.new_ones(()).expand_as(parts))
        return found.scatter_add_(1, bins.add_(_BINS), parts)


class _Errors:
    """Rounding errors of weights. One buffer serves every trial: fresh ones would cost more than
    the arithmetic."""

    def __init__(self, weights: Tensor, bits: int) -> None:
        self._weights, self._largest_level = weights, largest_level(bits)
        self._buffer = torch.empty_like(weights)

    def at(self, scale: Tensor) -> Tensor:
        """The root of the squared error of each kernel, (kernels, 1)."""
        errors = self._levels(scale).mul_(scale).sub_(self._weights)
        norm: Tensor = torch.linalg.vector_norm(errors, dim=1, keepdim=True)
        return norm

    def fitted(self, scale: Tensor) -> Tensor:
        """The scale of least error for the rounding that ``scale`` makes: no worse than it, as
        rounding anew at the result is no worse either (Lloyd 1982)."""
        levels = self._levels(scale)
        energy = torch.linalg.vector_norm(levels, dim=1, keepdim=True).square_()
        fitted = levels.mul_(self._weights).sum(dim=1, keepdim=True) / energy
        return torch.where((energy > 0) & (fitted > 0), fitted, scale)

    def _levels(self, scale: Tensor) -> Tensor:
        torch.div(self._weights, scale, out=self._buffer)
        return self._buffer.round_().clamp_(-self._largest_level, self._largest_level)


def _grid_search(errors: _Errors, top: Tensor) -> Tensor:
    """The best of a coarse and of a fine pass over thresholds."""
    best, least = top, errors.at(top)
    ratio = _SMALLEST ** (1 / (_COARSE - 1))
    between = [2 * step / (_FINE + 1) - 1 for step in range(1, _FINE + 1)]
    for exponents in (range(1, _COARSE), between):
        centre = best
        for exponent in exponents:
            scale = torch.minimum(centre * ratio**exponent, top)
            error = errors.at(scale)
            best = torch.where(error < least, scale, best)
            least = torch.minimum(error, least)
    return best


@functools.cache
def _thresholds() -> Tensor:
    ratio = _SMALLEST ** (1 / (_THRESHOLDS - 1))
    return torch.tensor([ratio**i for i in range(_THRESHOLDS)], dtype=torch.float64)


@functools.cache
def _costs(bits: int) -> Tensor:
    """(2 bins, thresholds): what a weight in each bin, and each unit of magnitude there, adds to
    the squared error less the weight's square: (q s)^2 and -2 q s.

    Where a step s is not much wider than a bin, weights below the threshold have errors of s^2 / 12
    on average, whatever their level.
    """
    centres = (torch.arange(_BINS, dtype=torch.float64) + 0.5) / _BINS
    steps = (_thresholds() / largest_level(bits))[:, None]
    values = (centres / steps).round().clamp_(max=largest_level(bits)) * steps
    within = (steps < 4 / _BINS) & (centres < _thresholds()[:, None])
    square = centres.square() - 1 / (12 * _BINS**2)
    constant = torch.where(within, steps.square() / 12 + square, values.square())
    slope = torch.where(within, -2 * centres, -2 * values)
    return torch.cat([constant, slope], 1).T.contiguous()
