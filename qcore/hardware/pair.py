"""Bits of a layer's weights and of its input."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from qcore.quantize.limits import PRUNED


@dataclass(frozen=True)
class BitPair:
    """Bits that a layer runs at; None is full precision. At 0 bits of weights it is pruned."""

    weight_bits: int | None
    activation_bits: int | None

    @property
    def pruned(self) -> bool:
        return self.weight_bits == PRUNED

    def __str__(self) -> str:
        """Example: 4/8 bits of weights and input; "full" is full precision."""
        return "/".join(
            "full" if b is None else str(b) for b in (self.weight_bits, self.activation_bits)
        )


def in_order(bits: Iterable[int | None]) -> tuple[int | None, ...]:
    """Every width once, rising, full precision first. Example: 8, None, 4, 8: (None, 4, 8)."""
    return tuple(sorted(set(bits), key=lambda width: width or 0))
