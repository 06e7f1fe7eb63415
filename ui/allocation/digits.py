"""Bits of every layer as one short word of a link: a digit of base 36 a layer."""

from __future__ import annotations

from collections.abc import Sequence

from qcore.sensitivity.config import Width

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_NONE = "."
_INPUTS = "-"


def write_digits(bits: Sequence[int | None]) -> str:
    """Example: (4, None, 16) -> ``4.g``. IndexError beyond 35."""
    return "".join(_NONE if b is None else _DIGITS[b] for b in bits)


def read_digits(text: str, layers: int) -> tuple[int | None, ...] | None:
    """The inverse; None where it is not a digit (or a dot) for each of so many layers."""
    if len(text) != layers or not all(c in _DIGITS or c == _NONE for c in text):
        return None
    return tuple(None if c == _NONE else _DIGITS.index(c) for c in text)


def write_widths(widths: Sequence[Width]) -> str:
    """Weight bits, and behind a dash those of the inputs where there are any: ``448-888``."""
    inputs = [width.activation_bits for width in widths]
    word = write_digits([width.bits for width in widths])
    return word if set(inputs) == {None} else f"{word}{_INPUTS}{write_digits(inputs)}"


def read_widths(text: str, layers: int) -> tuple[Width, ...] | None:
    """The inverse; None where some layer has no weight bits."""
    word, dash, rest = text.partition(_INPUTS)
    weights = read_digits(word, layers)
    inputs = read_digits(rest, layers) if dash else (None,) * layers
    if weights is None or inputs is None:
        return None
    known = [bits for bits in weights if bits is not None]
    if len(known) < layers:
        return None
    return tuple(Width(b, a) for b, a in zip(known, inputs, strict=True))
