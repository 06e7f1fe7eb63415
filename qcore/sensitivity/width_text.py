"""Bits of a cell as a person writes them. Free of torch."""

from __future__ import annotations

from qcore.sensitivity.config import Width


def width_text(width: Width) -> str:
    """``4``, or ``4a8`` for 4 bits of weights and 8 of inputs."""
    return str(width.bits) + (f"a{width.activation_bits}" if width.activation_bits else "")
