"""What choosing bits was worth: measured ΔL against uniform rounding of the same average bits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import streamlit as st

from qcore.measure.evaluation import Evaluation
from qcore.prepare.prepared import Prepared
from qcore.quantize.limits import MAX_BITS, MIN_BITS
from ui.allocation import signed
from ui.allocation.held_out import HeldOut
from ui.allocation.workbench import Answer
from ui.evaluations import Measurement, measurement_of

_CORRECTED, _PLAIN = "bias-corrected uniform", "plain uniform"


@dataclass(frozen=True, eq=False)
class Uniform:
    """The same bits in every layer, rounded in one or two ways."""

    bits: int
    each: Mapping[str, Measurement]


def uniform(prepared: Prepared, held: HeldOut, answer: Answer) -> Uniform:
    """Looked up; where nothing corrects biases there is the plain kind alone."""
    bits, setting = uniform_bits(answer.costs["average_bits"]), held.setting
    widths = {name: replace(width, bits=bits) for name, width in answer.named.items()}
    plain = replace(setting, clipping=replace(setting.clipping, bias_correction=False))
    kinds = {_PLAIN: plain} if plain == setting else {_CORRECTED: setting, _PLAIN: plain}
    return Uniform(bits, {n: measurement_of(prepared, widths, how) for n, how in kinds.items()})


def ratios(result: Evaluation | None, beside: Uniform) -> None:
    """A tile each; a sentence before they are known."""
    if result is None or all(one.result is None for one in beside.each.values()):
        st.caption(
            f"Measured beside {beside.bits} bits in every layer, this says what choosing bits was "
            "worth."
        )
        return
    with st.container(horizontal=True):
        for name, one in beside.each.items():
            note = " (no bias correction)" if name == _PLAIN and len(beside.each) > 1 else ""
            st.metric(
                f"Measured ΔL, of {name} {beside.bits} bit{note}",
                _ratio(result, one.result),
                border=True,
                width=350,
                help=_help(name, beside.bits, result, one.result),
            )


def uniform_bits(average: float) -> int:
    """The uniform width nearest to so many average bits: 4.02 -> 4."""
    return min(max(round(average), MIN_BITS), MAX_BITS)


def _ratio(result: Evaluation, other: Evaluation | None) -> str:
    """Example: 1/6.30. In words where one is not measured, or is no loss that has a ratio."""
    if other is None:
        return "not measured"
    mine, theirs = result.delta_loss, other.delta_loss
    if mine <= 0 or theirs <= 0:
        return "no ratio"
    if theirs >= mine:
        return f"1/{signed.ratio(theirs / mine)}"
    return f"{signed.ratio(mine / theirs)} ×"


def _help(name: str, bits: int, result: Evaluation, other: Evaluation | None) -> str:
    how = "bias-corrected" if name == _CORRECTED else "plain rounding, no bias correction"
    text = (
        f"Measured ΔL of this allocation, as a part of that of {bits} bits in every layer ({how}), "
        f"on the same held-out images. This one: {signed.loss(result.delta_loss)}."
    )
    if other is None:
        return text
    text += f" Uniform: {signed.loss(other.delta_loss)}."
    if min(result.delta_loss, other.delta_loss) <= 0:
        text += " One of them is not above zero, so there is no ratio."
    return text
