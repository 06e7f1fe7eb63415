"""Bit widths of weights in a JSON object, read strictly. Free of torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from qcore import fields
from qcore.quantize.limits import MAX_BITS, MIN_BITS, is_weight_width


def weight_widths(data: Mapping[str, Any], name: str) -> tuple[int, ...]:
    """A list, not empty, of 0 (pruned) or 2 to 16; ValueError, and KeyError, as in ``fields``."""
    bits = fields.wholes(data, name)
    if not all(map(is_weight_width, bits)):
        raise ValueError(f"{name!r} are {bits}, not widths of {MIN_BITS} to {MAX_BITS} bits, or 0")
    return bits
