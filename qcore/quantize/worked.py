"""A matrix product in integers and its requantization, with every intermediate number.

For the page Numbers. Free of torch.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from qcore.errors import BadInput
from qcore.quantize import limits
from qcore.quantize.multiplier import IntArray, Multiplier, integer_multiplier, multiply

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Operand:
    """A matrix and the integers it becomes: round(real / scale), scale = threshold / steps."""

    real: FloatArray
    threshold: float
    steps: int
    integers: IntArray

    @property
    def scale(self) -> float:
        """The real value of one step."""
        return self.threshold / self.steps


@dataclass(frozen=True, eq=False)
class Product:
    """a (rows, inner) times b (inner, columns): exact, and in integers.

    ``accumulators`` are int32; ``dequantized`` = accumulators * (scale of a * scale of b).
    """

    a: Operand
    b: Operand
    exact: FloatArray
    accumulators: IntArray
    dequantized: FloatArray

    @property
    def error(self) -> FloatArray:
        return self.dequantized - self.exact


@dataclass(frozen=True, eq=False)
class Requantized:
    """The accumulators brought to fewer bits over an output range.

    ``factor``: the real multiplier; ``unrounded`` = accumulators * factor; ``clipped``: a result
    lay beyond the output range; ``dequantized`` = integers * scale; ``error`` against the exact
    product.
    """

    threshold: float
    steps: int
    factor: float
    multiplier: Multiplier
    unrounded: FloatArray
    integers: IntArray
    clipped: bool
    dequantized: FloatArray
    error: FloatArray

    @property
    def scale(self) -> float:
        """The real value of one step."""
        return self.threshold / self.steps


def quantize_matrix(
    real: npt.ArrayLike, threshold: float, bits: int, full_range: bool = False
) -> Operand:
    """Symmetric integers of a matrix over [-threshold, threshold], half to even, clipped.

    Restricted range: n = 2^(b-1) - 1 steps on both sides. Full: 2^(b-1) steps, of which the last
    on the right has no integer. Krishnamoorthi 2018 (arXiv 1806.08342), section 2.2. Example: -1.54
    over [-2, 2] at 8 bits is -98. Raises BadInput for numbers that are not finite and thresholds
    that are not positive, and ValueError outside 2..16 bits.
    """
    array = np.asarray(real, np.float64)
    if not np.isfinite(array).all():
        raise BadInput("a cell of a matrix is empty or not a number: fill in every cell")
    _check(threshold)
    lowest, highest = (limits.full_range if full_range else limits.restricted_range)(bits)
    steps = -lowest
    inside = np.clip(array, -threshold, threshold) / (threshold / steps)
    integers = np.clip(np.rint(inside), lowest, highest).astype(np.int64)
    return Operand(array, threshold, steps, integers)


def integer_product(a: Operand, b: Operand) -> Product:
    """a @ b, exact and in integers. Jacob et al. 2018 (arXiv 1712.05877), section 2.2.

    Example: [[-1.54, .22], [-.26, .65]] over 2 times [[.35], [-.51]] over 1 at 8 bits accumulates
    [[-5222], [-3413]].
    """
    accumulators = a.integers @ b.integers
    dequantized = np.asarray(accumulators * (a.scale * b.scale), np.float64)
    return Product(a, b, a.real @ b.real, accumulators, dequantized)


def requantize(product: Product, threshold: float, bits: int) -> Requantized:
    """The accumulators as ``bits``-bit integers over [-threshold, threshold], with integers only.

    Jacob et al. 2018 (arXiv 1712.05877), equations 5 and 6. Example: that product over 3 becomes
    [[-27], [-18]]. Raises BadInput where the ranges lie too far apart for a multiplier of 31 bits,
    and ValueError outside 2..16 bits.
    """
    _check(threshold)
    steps = limits.largest_level(bits)
    scale = threshold / steps
    factor = product.a.scale * product.b.scale / scale
    multiplier = integer_multiplier(factor)
    rounded = multiply(product.accumulators, multiplier)
    integers = np.clip(rounded, -steps, steps)
    dequantized = np.asarray(integers * scale, np.float64)
    return Requantized(
        threshold,
        steps,
        factor,
        multiplier,
        unrounded=np.asarray(product.accumulators * factor, np.float64),
        integers=integers,
        clipped=bool((rounded != integers).any()),
        dequantized=dequantized,
        error=dequantized - product.exact,
    )


def _check(threshold: float) -> None:
    if not 1e-30 <= threshold <= 1e30:
        raise BadInput(f"a range must be positive and at most 1e30, got {threshold:g}")
