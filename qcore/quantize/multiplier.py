"""A real multiplier as a 31-bit integer and a shift, for integer-only hardware. Free of torch."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from qcore.errors import BadInput

IntArray = npt.NDArray[np.int64]

MANTISSA_BITS = 31
MAX_SHIFT = 62  # so that product and rounding stay within 64 bits


@dataclass(frozen=True)
class Multiplier:
    """mantissa * 2^-shift, 2^30 <= mantissa < 2^31, 1 <= shift <= 62.

    Example: 1442928645 and 38 stand for 0.00524934...
    """

    mantissa: int
    shift: int

    @property
    def fraction(self) -> float:
        """The mantissa read as a number in [0.5, 1): M0 in Jacob et al. 2018."""
        return math.ldexp(self.mantissa, -MANTISSA_BITS)

    @property
    def exponent(self) -> int:
        """The power of two that ``fraction`` is multiplied by."""
        return MANTISSA_BITS - self.shift

    @property
    def value(self) -> float:
        """The real number that they stand for, exactly."""
        return math.ldexp(self.mantissa, -self.shift)


def integer_multiplier(real: float) -> Multiplier:
    """The nearest mantissa (half up) and its shift. Jacob et al. 2018 (arXiv 1712.05877), eq. 6.

    The relative error is at most 2^-31. Example: (127/3) / (63.5*127) gives 1442928645 and 38.
    Raises BadInput outside [2^-32, 2^30).
    """
    if not math.isfinite(real) or real <= 0:
        raise BadInput(f"a multiplier is positive and finite, got {real}")
    fraction, exponent = math.frexp(real)
    mantissa = math.floor(math.ldexp(fraction, MANTISSA_BITS) + 0.5)
    if mantissa == 1 << MANTISSA_BITS:
        mantissa, exponent = mantissa >> 1, exponent + 1
    shift = MANTISSA_BITS - exponent
    if not 1 <= shift <= MAX_SHIFT:
        raise BadInput(
            f"the multiplier {real:.3g} does not fit 31 bits and a shift; it must lie between "
            "2.3e-10 and 1.07e9: choose ranges nearer to each other"
        )
    return Multiplier(mantissa, shift)


def multiply(accumulators: npt.ArrayLike, multiplier: Multiplier) -> IntArray:
    """round(accumulator * mantissa / 2^shift) in 64-bit integers, ties away from zero.

    ``accumulators``: 32-bit integers of any shape. Example: [-5222, -3413] by (1442928645, 38) is
    [-27, -18]. Raises ValueError for integers beyond 32 bits.
    """
    array = np.asarray(accumulators, np.int64)
    if array.size and (array.min() < -(2**31) or array.max() >= 2**31):
        raise ValueError("accumulators are 32-bit integers")
    half = np.int64(1) << np.int64(multiplier.shift - 1)
    magnitude = np.abs(array) * np.int64(multiplier.mantissa) + half >> np.int64(multiplier.shift)
    return np.asarray(np.sign(array) * magnitude, np.int64)
