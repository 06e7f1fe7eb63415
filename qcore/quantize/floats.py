"""Floating-point formats, bit by bit: FP32, FP16, BF16 and two of 8 bits. Free of torch.

A double is rounded straight to the format. Rounding to FP32 first and then again, as a conversion
of a float64 tensor to bfloat16 does in torch, can end on the wrong side of a tie.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

Kind = Literal["zero", "subnormal", "normal", "infinity", "nan"]


@dataclass(frozen=True)
class FloatFormat:
    """Sign, exponent and fraction, from the left. IEEE 754-2019, section 3.4.

    ``infinite``: exponents of all ones mean infinity or NaN. Without it (E4M3) they hold numbers,
    only the pattern of all ones is NaN, and larger values become the largest number. Micikevicius
    et al. 2022 (arXiv 2209.05433), section 3. Example: FP16 has 5 and 10 bits and bias 15.
    """

    title: str
    exponent_bits: int
    fraction_bits: int
    infinite: bool = True

    @property
    def bits(self) -> int:
        return 1 + self.exponent_bits + self.fraction_bits

    @property
    def bias(self) -> int:
        return int(2 ** (self.exponent_bits - 1)) - 1

    @property
    def top(self) -> int:
        """The pattern of infinity, or of the largest number where there is none; sign 0."""
        ones = (1 << (self.bits - 1)) - 1
        return (ones >> self.fraction_bits) << self.fraction_bits if self.infinite else ones - 1

    @property
    def quiet_nan(self) -> int:
        """The pattern that NaN is given: 0x7FC00000 in FP32."""
        return self.top | 1 << (self.fraction_bits - 1) if self.infinite else self.top + 1


FP32 = FloatFormat("FP32", 8, 23)
BF16 = FloatFormat("BF16", 8, 7)
FP16 = FloatFormat("FP16", 5, 10)
E5M2 = FloatFormat("FP8 E5M2", 5, 2)
E4M3 = FloatFormat("FP8 E4M3", 4, 3, infinite=False)

FLOAT_FORMATS: dict[str, FloatFormat] = {
    "fp32": FP32,
    "bf16": BF16,
    "fp16": FP16,
    "e5m2": E5M2,
    "e4m3": E4M3,
}


@dataclass(frozen=True)
class BitPattern:
    """A pattern of bits and what its fields say. Example: 0x40C00000 in FP32 is +1.5 * 2^2."""

    format: FloatFormat
    code: int

    @property
    def bits(self) -> str:
        """Zeros and ones, the sign first."""
        return f"{self.code:0{self.format.bits}b}"

    @property
    def hexadecimal(self) -> str:
        return f"0x{self.code:0{self.format.bits // 4}X}"

    @property
    def sign(self) -> int:
        return self.code >> (self.format.bits - 1)

    @property
    def stored_exponent(self) -> int:
        return self.code >> self.format.fraction_bits & ((1 << self.format.exponent_bits) - 1)

    @property
    def fraction(self) -> int:
        return self.code & ((1 << self.format.fraction_bits) - 1)

    @property
    def kind(self) -> Kind:
        magnitude = self.code & ((1 << (self.format.bits - 1)) - 1)
        if magnitude > self.format.top:
            return "nan"
        if magnitude == self.format.top and self.format.infinite:
            return "infinity"
        if self.stored_exponent > 0:
            return "normal"
        return "subnormal" if self.fraction else "zero"

    @property
    def exponent(self) -> int | None:
        """The power of two without its bias; None for infinity and NaN.

        Zero and subnormal numbers have that of the smallest normal number.
        """
        if self.kind in ("infinity", "nan"):
            return None
        return max(self.stored_exponent, 1) - self.format.bias

    @property
    def significand(self) -> float | None:
        """1.fraction, or 0.fraction where the stored exponent is 0; None for infinity and NaN."""
        if self.exponent is None:
            return None
        hidden = 1.0 if self.stored_exponent else 0.0
        return hidden + self.fraction / (1 << self.format.fraction_bits)

    @property
    def spacing(self) -> float | None:
        """One unit in the last place: the distance to the next larger magnitude."""
        if self.exponent is None:
            return None
        return math.ldexp(1.0, self.exponent - self.format.fraction_bits)

    @property
    def value(self) -> float:
        """The number as a double, which holds every number of these formats exactly."""
        sign = -1.0 if self.sign else 1.0
        if self.exponent is None or self.significand is None:
            return math.nan if self.kind == "nan" else sign * math.inf
        return sign * math.ldexp(self.significand, self.exponent)

    @property
    def exact(self) -> str:
        """Every decimal digit: FP16's 0.1 is 0.0999755859375."""
        return format(Decimal(self.value), "f")


def encode(value: float, to: FloatFormat) -> BitPattern:
    """The nearest pattern, half to even (IEEE 754-2019, section 4.3.1).

    Values beyond the largest number by half a step or more become infinity; in E4M3, which has
    none, they become the largest number. Examples: -0.5 in FP32 is 0xBF000000, 0.1 in BF16 is
    0x3DCD, 65520 in FP16 is infinity.
    """
    sign = int(math.copysign(1.0, value) < 0) << (to.bits - 1)
    if math.isnan(value):
        return BitPattern(to, to.quiet_nan)
    if math.isinf(value):
        return BitPattern(to, sign | to.top)
    if value == 0:
        return BitPattern(to, sign)
    fraction, power = math.frexp(abs(value))
    whole, exponent = int(math.ldexp(fraction, 53)), power - 53  # |value| = whole * 2^exponent
    binade = max(power - 1, 1 - to.bias)
    units = _round_half_even(whole, binade - to.fraction_bits - exponent)
    # The leading one of a normal number counts as 1 in the exponent field, and so does a carry.
    code = (binade - 1 + to.bias << to.fraction_bits) + units
    return BitPattern(to, sign | min(code, to.top))


def decode(bits: int, of: FloatFormat) -> float:
    """The number of a pattern. Example: 0x40C00000 in FP32 is 6.0.

    Raises ValueError for a pattern of more bits than the format has.
    """
    if not 0 <= bits < 1 << of.bits:
        raise ValueError(f"{of.title} has {of.bits} bits, got {bits:#x}")
    return BitPattern(of, bits).value


def _round_half_even(whole: int, places: int) -> int:
    """whole / 2^places."""
    if places <= 0:
        return whole << -places
    result, rest = whole >> places, whole & ((1 << places) - 1)
    half = 1 << (places - 1)
    return result + int(rest > half or (rest == half and result & 1 == 1))
