"""The values that a quantizer can represent, for pages and tables. Free of torch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from qcore.quantize.limits import largest_level, unsigned_range

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Grid:
    """``levels`` (levels,), rising: a value becomes the nearest one, beyond the ends the last one.

    Example: ``symmetric_grid(0.5, 2)`` has -0.5, 0, 0.5 and turns 0.3 into 0.5.
    """

    levels: FloatArray

    @property
    def threshold(self) -> float:
        """The largest magnitude that can be represented."""
        return float(np.abs(self.levels).max())

    @property
    def step(self) -> float | None:
        """The distance between neighbouring levels; None where it is not the same everywhere."""
        steps = np.diff(self.levels)
        even = steps.size > 0 and np.allclose(steps, steps[0], rtol=1e-6, atol=0)
        return float(steps.mean()) if even else None

    def boundaries(self) -> FloatArray:
        """Midway between neighbouring levels (levels - 1,): where rounding changes its mind."""
        return np.asarray((self.levels[:-1] + self.levels[1:]) / 2)

    def reach(self) -> tuple[float, float]:
        """(low, high), half a step beyond the last levels: what lies further out is clipped.

        A single level reaches no further than itself. Example: levels -1, 0, 1, 5 reach from -1.5
        to 7.
        """
        first, last = self.levels[:2], self.levels[-2:]
        low, high = first[0] - (first[-1] - first[0]) / 2, last[-1] + (last[-1] - last[0]) / 2
        return float(low), float(high)

    def quantize(self, values: npt.ArrayLike) -> FloatArray:
        """The nearest level of every value, of the same shape."""
        array = np.asarray(values, np.float64)
        return np.asarray(self.levels[np.searchsorted(self.boundaries(), array)])


def symmetric_grid(threshold: float, bits: int) -> Grid:
    """2^b - 1 levels from -threshold to threshold, zero among them.

    Example: 1.27 at 8 bits has steps of 0.01. Krishnamoorthi 2018 (arXiv 1806.08342), section 2.2.
    Raises ValueError outside 2..16 bits.
    """
    n = largest_level(bits)
    return Grid(np.arange(-n, n + 1, dtype=np.float64) * (threshold / n))


def affine_grid(scale: float, zero_point: int, bits: int) -> Grid:
    """2^b levels (q - zero_point) * scale, q = 0 .. 2^b - 1.

    Example: scale 0.5, zero point 1, 2 bits: -0.5, 0, 0.5, 1. Raises ValueError outside 2..16 bits.
    """
    last = unsigned_range(bits)[1]
    return Grid((np.arange(last + 1, dtype=np.float64) - zero_point) * scale)


def affine_parameters(low: float, high: float, bits: int) -> tuple[float, int]:
    """(scale, zero_point) of 2^b levels over [low, high], widened to hold zero.

    Zero is a level exactly, so the ends move by up to half a step. Example: [-1, 3] at 8 bits has
    scale 0.0156862745 and zero point 64. A range of zero has scale 1. Jacob et al. 2018
    (arXiv 1712.05877), section 2.1. Raises ValueError outside 2..16 bits.
    """
    low, high = min(low, 0.0), max(high, 0.0)
    last = unsigned_range(bits)[1]
    scale = (high - low) / last
    if scale == 0.0:
        return 1.0, 0
    return scale, int(np.clip(np.rint(-low / scale), 0, last))


@dataclass(frozen=True)
class RoundingError:
    """What rounding does to a set of values.

    ``sqnr_db`` is 10 log10(energy of the values / energy of the error), None without error or
    without energy; ``clipped`` is the fraction that lies beyond the grid's reach.
    """

    mean_squared: float
    sqnr_db: float | None
    clipped: float


def rounding_error(values: npt.ArrayLike, grid: Grid) -> RoundingError:
    """Error of the grid on the values. Example: [1, -1] on -0.9, 0, 0.9: 0.01, 20 dB."""
    array = np.asarray(values, np.float64)
    error = grid.quantize(array) - array
    noise, energy = float(np.mean(error**2)), float(np.mean(array**2))
    low, high = grid.reach()
    beyond = (array < low) | (array > high)
    return RoundingError(noise, sqnr_db(energy, noise), float(np.mean(beyond)))


def sqnr_db(energy: float, noise: float) -> float | None:
    """Signal over noise in decibels; None without either. Example: 1 over 0.01 is 20 dB."""
    return float(10 * np.log10(energy / noise)) if noise > 0 and energy > 0 else None
