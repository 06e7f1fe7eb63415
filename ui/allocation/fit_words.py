"""What the chosen hardware leaves out, in words."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from qcore.allocate.budget import TableProblem
from qcore.graph.layer import Description
from qcore.hardware import BitPair, Hardware, hardware_costs
from qcore.hardware.refusal import listed
from qcore.latency.hardware import THIS_MACHINE
from qcore.sensitivity.config import Width
from ui import format as fmt
from ui.allocation.dialled import Dialled, FromSearch, Kept
from ui.allocation.fit import Fit, idle_layers
from ui.allocation.points import letter
from ui.hardware.known import title

_FEW = 4  # pairs or layers that are named one by one
_FULL = BitPair(None, None)


def fit_lines(found: Fit, problem: TableProblem, dialled: Dialled) -> None:
    """A line on widths that are left out, and one on pins and kept configurations that wait."""
    if found.hardware is None or not found.left_out:
        return
    st.caption(left_out_words(found, found.hardware, dialled.inputs))
    waiting = waiting_words(found, problem, dialled.kept)
    if waiting is not None:
        st.caption(f":material/hourglass_empty: {waiting}")


def left_out_words(found: Fit, hardware: Hardware, inputs: int | None) -> str:
    """Example: Left out: 2 to 7 bits. This machine runs 8/8 and full precision only; the dial has
    one width left."""
    pairs = [BitPair(w.bits, w.activation_bits or inputs) for w in found.left_out]
    name = "this machine" if hardware.name == THIS_MACHINE else title(hardware.name, hardware)
    if hardware_costs(found.whole.network, hardware, pairs).runs.all(axis=0).any():
        why = f"{name} does not run all of them with every other width that is left"
    elif all(hardware.takes(pair) for pair in pairs):
        why = f"{name} does not have figures for every layer at these bits"
    else:
        why = f"{name} runs {runs_words(hardware, found.whole.network)} only"
    left = len(found.table.config.widths)
    rest = "; the dial has one width left" if left == 1 else ""
    return f"Left out: {widths_words(found.left_out)}. {fmt.plain(fmt.capital(why))}{rest}."


def runs_words(hardware: Hardware, network: Description) -> str:
    """Pairs of weight and input bits that every layer runs at, where these are few. Example: 8/8
    and full precision."""
    pairs = hardware.pairs
    columns = hardware_costs(network, hardware, pairs).runs.T
    runs = [pair for pair, each in zip(pairs, columns, strict=True) if each.all()]
    if not 0 < len(runs) <= _FEW:
        weights, inputs = listed(hardware.weight_bits), listed(hardware.activation_bits)
        return f"weights of {weights} with inputs of {inputs}"
    runs.sort(key=lambda pair: pair == _FULL)
    return joined(["full precision" if pair == _FULL else str(pair) for pair in runs])


def waiting_words(found: Fit, problem: TableProblem, kept: Sequence[Kept]) -> str | None:
    """Which pins and kept configurations have widths that the hardware does not run."""
    parts = []
    if found.idle:
        layers = idle_layers(found.idle)
        more = len(layers) - _FEW
        named = [*layers[:_FEW], *([f"{more} more"] if more > 0 else [])]
        parts.append(f"pins of {joined(named)}")
    names = [letter(i) for i, one in enumerate(kept) if _waits(one, problem)]
    if names:
        parts.append(f"kept {joined(names)}")
    if not parts:
        return None
    return (
        f"This hardware does not run the widths of {fmt.plain(' and '.join(parts))}: they wait, "
        "and count again without it."
    )


def _waits(kept: Kept, problem: TableProblem) -> bool:
    """Bits per kernel have no price on any hardware, so none to wait for."""
    return not isinstance(kept, FromSearch) and problem.choice_of(kept) is None


def widths_words(widths: Sequence[Width]) -> str:
    """Example: 2 to 7 bits; of pairs: 2/8 and 3/8 bits."""
    if all(width.activation_bits in (None, width.bits) for width in widths):
        return listed([width.bits for width in widths], "and")
    pairs = [str(BitPair(width.bits, width.activation_bits)) for width in widths]
    more = len(pairs) - 2 * _FEW
    return f"{joined([*pairs[: 2 * _FEW], *([f'{more} more'] if more > 0 else [])])} bits"


def joined(words: Sequence[str]) -> str:
    """Example: A, B and C."""
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)
