"""What a visitor types as a number or as bits, and numbers as the page writes them."""

from __future__ import annotations

import math
import re
from decimal import Decimal

from qcore.errors import BadInput
from qcore.quantize.floats import FP32

_NAMES = {"pi": math.pi, "π": math.pi, "e": math.e}
_LONGEST = 40


def read_value(text: str) -> float:
    """The double nearest to a typed number: "0.1", "1/3", "-2.5e-3", "pi", "inf", "nan".

    Raises BadInput for anything else.
    """
    cleaned = text.strip().replace("\u2212", "-").replace(" ", "")
    top, slash, bottom = cleaned.partition("/")
    if not slash:
        return _read_one(cleaned)
    divisor = _read_one(bottom)
    if divisor == 0:
        raise BadInput("A fraction cannot be divided by 0: write inf for infinity")
    return _read_one(top) / divisor


def read_fp32_bits(text: str) -> int:
    """The pattern of 1 to 8 hexadecimal digits, with or without 0x. Raises BadInput."""
    digits = re.sub(r"^0x", "", re.sub(r"[\s_]", "", text), flags=re.IGNORECASE)
    if not digits:
        raise BadInput("Type the 8 hexadecimal digits of an FP32 number, such as 40C00000")
    if not re.fullmatch(r"[0-9A-Fa-f]+", digits):
        raise BadInput(f"{_quoted(text)} is not hexadecimal: use the digits 0 to 9 and A to F")
    if len(digits) != FP32.bits // 4:
        raise BadInput(f"FP32 has 8 hexadecimal digits, {_quoted(text)} has {len(digits)}")
    return int(digits, 16)


def _read_one(text: str) -> float:
    unsigned = text.lstrip("+-")
    if unsigned.lower() in _NAMES and len(text) - len(unsigned) <= 1:
        return _NAMES[unsigned.lower()] * (-1 if text.startswith("-") else 1)
    if re.match(r"0[xX]", unsigned):
        raise BadInput("That looks like bits: type them in the field FP32 bits")
    if re.fullmatch(r"[+-]?\d*,\d+", text):
        raise BadInput(f"Write decimals with a point: {text.replace(',', '.')}")
    try:
        return float(text)
    except ValueError:
        raise BadInput(
            f"{_quoted(text)} is not a number: type one such as 0.1, 1/3, -2.5e-3, pi, inf or nan"
        ) from None


def typed(value: float) -> str:
    """The shortest text that is read as exactly this double: 6.0 -> 6, 1e-45 stays."""
    text = repr(float(value))
    return text.removesuffix(".0")


def short(value: float) -> str:
    """Three significant digits: 1.49e-08."""
    return f"{value:.3g}"


def minus(value: float) -> str:
    """Six significant digits with a typographic minus, for running text: −7.9375."""
    return f"{value:.6g}".replace("-", "−")


def exact(value: float) -> str:
    """Every decimal digit of a double, cut after 40 of them."""
    if not math.isfinite(value):
        return typed(value)
    number = Decimal(value)
    digits = len(number.as_tuple().digits)
    if 1e-10 <= abs(value) < 1e25 or value == 0:
        text = format(number, "f")
        return text if digits <= _LONGEST else text[: text.index(".") + _LONGEST] + "…"
    mantissa, power = f"{number:.{digits - 1}e}".split("e")
    return f"{mantissa[:_LONGEST]}{'…' if digits > _LONGEST else ''}e{power}"


def _quoted(text: str) -> str:
    cleaned = " ".join(text.split())
    return f"“{cleaned[:30]}{'…' if len(cleaned) > 30 else ''}”"
