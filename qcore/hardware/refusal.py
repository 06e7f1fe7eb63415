"""What a machine does not run, in words."""

from __future__ import annotations

from collections.abc import Sequence

from qcore.hardware.model import Hardware
from qcore.hardware.pair import BitPair

_MOST_NAMED = 6


def refusal(hardware: Hardware, layer: str, pair: BitPair) -> str:
    """Why a layer does not run at a pair, and what can be chosen. Example: BISMO edge (Zynq-7020)
    has no weights of full precision; choose from 1 to 16 bits."""
    if pair.weight_bits not in hardware.weight_bits:
        why = _lacks(hardware, "weights", pair.weight_bits, hardware.weight_bits)
    elif pair.activation_bits not in hardware.activation_bits:
        why = _lacks(hardware, "layer inputs", pair.activation_bits, hardware.activation_bits)
    else:
        figures = f"no figures for {layer!r} at {pair} bits of weights/input"
        why = f"{hardware.title} has {figures}; choose other bits for it"
    pairs = listed_pairs(hardware)
    return f"{why}; pairs that it runs: {pairs}" if pairs else why


def _lacks(hardware: Hardware, what: str, bits: int | None, known: Sequence[int | None]) -> str:
    asked = f"{what} of full precision" if bits is None else f"{bits}-bit {what}"
    return f"{hardware.title} has no {asked}; choose from {listed(known)}"


def listed(bits: Sequence[int | None], last: str = "or") -> str:
    """``1 to 8 bits`` for widths without a gap, else ``2, 4 or 8 bits, or full precision``;
    ``last`` is what stands for "or"."""
    whole = [b for b in bits if b is not None]
    gapless = len(whole) > 2 and whole == list(range(whole[0], whole[-1] + 1))
    words = f"{whole[0]} to {whole[-1]}" if gapless else f" {last} ".join(map(str, whole))
    if len(whole) > 2 and not gapless:
        words = f"{', '.join(map(str, whole[:-1]))} {last} {whole[-1]}"
    parts = [f"{words} bits"] if whole else []
    return f", {last} ".join([*parts, *(["full precision"] if None in bits else [])])


def listed_pairs(hardware: Hardware) -> str:
    """The pairs that run, where not every width of weights goes with every width of inputs; empty
    where all do. Example: full/full, 8/8."""
    pairs = hardware.pairs
    if len(pairs) == len(hardware.weight_bits) * len(hardware.activation_bits):
        return ""
    more = f" and {len(pairs) - _MOST_NAMED} more" if len(pairs) > _MOST_NAMED else ""
    return ", ".join(map(str, pairs[:_MOST_NAMED])) + more
