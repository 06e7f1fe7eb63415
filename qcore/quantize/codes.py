"""Integer codes of real numbers, bit by bit: symmetric, affine, Qm.n. Free of torch."""

from __future__ import annotations

import math
from dataclasses import dataclass

from qcore.quantize import limits
from qcore.quantize.grid import affine_parameters


@dataclass(frozen=True)
class CodeFormat:
    """value = (code - zero_point) * scale, code = lowest .. highest, in ``bits`` bits.

    ``signed`` codes are stored in two's complement. ``fraction_bits`` of them lie right of the
    binary point in Qm.n, None elsewhere. Example: scale 0.5, zero point 1: code 3 is 1.0.
    """

    bits: int
    scale: float
    zero_point: int
    lowest: int
    highest: int
    signed: bool
    fraction_bits: int | None = None

    @property
    def low(self) -> float:
        """The smallest value."""
        return (self.lowest - self.zero_point) * self.scale

    @property
    def high(self) -> float:
        """The largest value."""
        return (self.highest - self.zero_point) * self.scale


@dataclass(frozen=True)
class Code:
    """The code of a value; ``clipped`` where the value lay beyond the codes by over half a step."""

    format: CodeFormat
    code: int
    clipped: bool

    @property
    def pattern(self) -> int:
        """The bits as a number without sign: -1 in 8 bits is 255."""
        return self.code & ((1 << self.format.bits) - 1)

    @property
    def bits(self) -> str:
        """Zeros and ones, the highest first."""
        return f"{self.pattern:0{self.format.bits}b}"

    @property
    def hexadecimal(self) -> str:
        return f"0x{self.pattern:0{-(-self.format.bits // 4)}X}"

    @property
    def value(self) -> float:
        return (self.code - self.format.zero_point) * self.format.scale


def symmetric_codes(threshold: float, bits: int, full_range: bool = False) -> CodeFormat:
    """Signed codes with zero point 0 and ``threshold`` > 0.

    Restricted: -n .. n with n = 2^(b-1) - 1, scale threshold / n. Full: -2^(b-1) .. n, scale
    threshold / 2^(b-1), so the threshold itself is clipped to n. Krishnamoorthi 2018
    (arXiv 1806.08342), section 2.2, has both clamps. Example: threshold 2 at 8 bits, restricted:
    1.54 is code 98. Raises ValueError outside 2..16 bits.
    """
    lowest, highest = (limits.full_range if full_range else limits.restricted_range)(bits)
    return CodeFormat(bits, threshold / -lowest, 0, lowest, highest, signed=True)


def affine_codes(low: float, high: float, bits: int) -> CodeFormat:
    """Unsigned codes 0 .. 2^b - 1 over [low, high], widened to hold zero, which is exact.

    Jacob et al. 2018 (arXiv 1712.05877), section 2.1. Example: [-1, 3] at 8 bits has zero point 64.
    Raises ValueError outside 2..16 bits.
    """
    scale, zero_point = affine_parameters(low, high, bits)
    return CodeFormat(bits, scale, zero_point, *limits.unsigned_range(bits), signed=False)


def fixed_point_codes(integer_bits: int, fraction_bits: int) -> CodeFormat:
    """Qm.n: two's complement of m + n bits, n of them right of the binary point.

    The sign is one of the m. Steps of 2^-n from -2^(m-1) to 2^(m-1) - 2^-n. Qiu et al. 2016 (Going
    Deeper with Embedded FPGA Platform for Convolutional Neural Network). Example: Q4.4 holds -8 to
    7.9375 in steps of 0.0625.
    """
    bits = integer_bits + fraction_bits
    half = int(2 ** (bits - 1))
    scale = 2.0**-fraction_bits
    return CodeFormat(bits, scale, 0, -half, half - 1, signed=True, fraction_bits=fraction_bits)


def encode_code(value: float, to: CodeFormat) -> Code | None:
    """clamp(round(value / scale) + zero_point), half to even; None for NaN, which has no code.

    Example: 2.5 at scale 1 and zero point 1 is code 3.
    """
    if math.isnan(value):
        return None
    steps = value / to.scale
    if math.isinf(steps):
        return Code(to, to.highest if steps > 0 else to.lowest, clipped=True)
    code = min(max(round(steps) + to.zero_point, to.lowest), to.highest)
    return Code(to, code, clipped=abs(steps - (code - to.zero_point)) > 0.5)


def decode_code(pattern: int, of: CodeFormat) -> float:
    """The value of a pattern of bits. Example: 255 in signed 8 bits of scale 0.5 is -0.5.

    Raises ValueError for a pattern of more bits than the format has.
    """
    if not 0 <= pattern < 1 << of.bits:
        raise ValueError(f"the format has {of.bits} bits, got {pattern:#x}")
    code = pattern - (1 << of.bits) if of.signed and pattern >> (of.bits - 1) else pattern
    return (code - of.zero_point) * of.scale


@dataclass(frozen=True)
class SlopeRow:
    """A code without sign and its value."""

    code: int
    bits: str
    value: float


def slope_and_bias(bits: int, slope: float, bias: float) -> tuple[SlopeRow, ...]:
    """value = slope * code + bias for every code of ``bits`` bits.

    Example: 3 bits, slope 1.5, bias 10: 10, 11.5, ... 20.5.
    """
    return tuple(SlopeRow(q, f"{q:0{bits}b}", slope * q + bias) for q in range(2**bits))
