"""The values that a scale and a bit width can represent. Free of torch: pages use it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Grid:
    """Symmetric, restricted range: k * scale for k = -n .. n, n = 2^(bits-1) - 1.

    Example: scale 0.5 at 2 bits represents -0.5, 0, 0.5.
    """

    scale: float
    bits: int

    @property
    def largest_level(self) -> int:
        return int(2 ** (self.bits - 1)) - 1

    @property
    def threshold(self) -> float:
        """The largest magnitude that is not clipped."""
        return self.scale * self.largest_level

    def levels(self) -> FloatArray:
        """All representable values, rising."""
        n = self.largest_level
        return np.arange(-n, n + 1, dtype=np.float64) * self.scale

    def quantize(self, values: npt.ArrayLike) -> FloatArray:
        """The nearest representable value, ties to even, beyond the threshold the last one."""
        n = self.largest_level
        steps = np.rint(np.asarray(values, np.float64) / self.scale)
        return np.asarray(np.clip(steps, -n, n) * self.scale)


@dataclass(frozen=True)
class RoundingError:
    """What rounding does to a set of weights.

    ``sqnr_db`` is 10 log10(energy of the weights / energy of the error), None without error or
    without energy; ``clipped`` is the fraction beyond the threshold.
    """

    mean_squared: float
    sqnr_db: float | None
    clipped: float


def rounding_error(values: npt.ArrayLike, grid: Grid) -> RoundingError:
    """Error of the grid on the values. Example: [1, -1] on scale 0.9 at 2 bits: 0.01, 20 dB."""
    array = np.asarray(values, np.float64)
    error = grid.quantize(array) - array
    noise, energy = float(np.mean(error**2)), float(np.mean(array**2))
    sqnr = float(10 * np.log10(energy / noise)) if noise > 0 and energy > 0 else None
    # Rounding reaches half a step beyond the last level without clipping.
    beyond = np.abs(array) > grid.threshold + grid.scale / 2
    return RoundingError(noise, sqnr, float(np.mean(beyond)))
