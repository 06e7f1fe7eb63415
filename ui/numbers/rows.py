"""One value in every format, as rows of bits with their reading and their error."""

from __future__ import annotations

import math

from qcore.quantize.codes import Code, CodeFormat, decode_code, encode_code
from qcore.quantize.floats import FLOAT_FORMATS, BitPattern, decode, encode
from ui.components.bit_row import BitGroup, BitRow, Block, Flip
from ui.numbers.formats import NamedCodes
from ui.numbers.read import minus, short, typed

_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_NO_NUMBER = {
    "zero": "zero: exponent and fraction all 0",
    "infinity": "infinity: exponent all 1, fraction 0",
    "nan": "not a number: exponent all 1, any fraction but 0",
}


def groups(value: float, named: tuple[NamedCodes, ...]) -> tuple[BitGroup, ...]:
    """The rows of a value."""
    floats = tuple(_float_row(key, encode(value, f), value) for key, f in FLOAT_FORMATS.items())
    codes = tuple(_code_row(one, value) for one in named)
    return (
        BitGroup("Floating point", ("Sign", "Exponent", "Fraction"), floats),
        BitGroup("Fixed point, integers", ("Integer", "Fraction"), codes),
    )


def flipped(value: float, flip: Flip, named: tuple[NamedCodes, ...]) -> float:
    """The number after a click on a bit."""
    if flip.row in FLOAT_FORMATS:
        of = FLOAT_FORMATS[flip.row]
        return decode(encode(value, of).code ^ 1 << (of.bits - 1 - flip.place), of)
    codes = next((one.codes for one in named if one.key == flip.row), None)
    code = None if codes is None else encode_code(value, codes)
    if codes is None or code is None:
        return value
    return decode_code(code.pattern ^ 1 << (codes.bits - 1 - flip.place), codes)


def _float_row(key: str, pattern: BitPattern, value: float) -> BitRow:
    bits, split = pattern.bits, 1 + pattern.format.exponent_bits
    blocks = (
        Block("sign", bits[0]),
        Block("exponent", bits[1:split]),
        Block("fraction", bits[split:]),
    )
    return BitRow(
        key,
        pattern.format.title,
        pattern.hexadecimal,
        blocks,
        _reading(pattern),
        typed(pattern.value),
        _error(value, pattern.value, pattern.spacing, "ulp"),
    )


def _reading(pattern: BitPattern) -> str:
    if pattern.kind in _NO_NUMBER or pattern.significand is None or pattern.exponent is None:
        if pattern.kind == "nan" and not pattern.format.infinite:
            return "not a number: all bits 1"
        return _NO_NUMBER[pattern.kind]
    sign = "−" if pattern.sign else "+"
    power = str(pattern.exponent).translate(_RAISED)
    number = f"{sign}{typed(pattern.significand)} × 2{power}"
    if pattern.kind == "subnormal":
        return f"{number} · subnormal: no leading 1, the smallest exponent"
    return f"{number} · exponent {pattern.stored_exponent} − {pattern.format.bias}"


def _code_row(named: NamedCodes, value: float) -> BitRow:
    code = None if named.codes is None else encode_code(value, named.codes)
    if code is None:
        reading = named.problem or "not a number has no integer"
        return BitRow(
            named.key, named.title, "–", _dashes(named.codes), reading, "–", "no such code"
        )
    of = code.format
    blocks = _code_blocks(code.bits, of)
    error = _error(value, code.value, of.scale, "steps")
    return BitRow(
        named.key,
        named.title,
        code.hexadecimal,
        blocks,
        _code_reading(code),
        f"{code.value:.10g}",
        "clipped · " + error if code.clipped else error,
    )


def _code_reading(code: Code) -> str:
    of = code.format
    if of.fraction_bits is not None:
        power = str(-of.fraction_bits).translate(_RAISED)
        return f"{minus(code.code)} × 2{power} · range {_range(of)}"
    number = minus(code.code) if of.signed else f"({code.code} − {of.zero_point})"
    return f"{number} × {of.scale:.6g} · range {_range(of)}"


def _range(of: CodeFormat) -> str:
    return f"{minus(of.low)} to {minus(of.high)}"


def _code_blocks(bits: str, of: CodeFormat) -> tuple[Block, ...]:
    point = len(bits) - (of.fraction_bits or 0)
    return (
        Block("integer", bits[:point], signed=of.signed),
        Block("fraction", bits[point:]),
    )


def _dashes(of: CodeFormat | None) -> tuple[Block, ...]:
    if of is None:
        return (Block("integer", "–"), Block("fraction", ""))
    return _code_blocks("–" * of.bits, of)


def _error(value: float, stands_for: float, unit: float | None, name: str) -> str:
    if value == stands_for or (math.isnan(value) and math.isnan(stands_for)):
        return "exact"
    if not math.isfinite(stands_for):
        return "beyond the largest number"
    error = stands_for - value
    if not math.isfinite(error):
        return "infinitely far off"
    parts = [f"error {'+' if error > 0 else '−'}{short(abs(error))}"]
    if value != 0:
        parts.append(f"relative {short(abs(error / value))}")
    if unit:
        parts.append(f"{short(abs(error) / unit)} {name}")
    return " · ".join(parts)
