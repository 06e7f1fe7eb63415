"""What choosing bits was worth: measured ΔL against uniform rounding of the same average bits."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from qcore.measure.evaluation import Evaluation
from qcore.prepare.prepared import Prepared
from qcore.quantize.limits import MAX_BITS, MIN_BITS
from qcore.sensitivity.config import Width
from ui import format as fmt
from ui.allocation.workbench import Answer
from ui.evaluations import Setting, evaluation_of, result_of, under_way

Asked = tuple[dict[str, Width], Setting]


def ratios(prepared: Prepared, setting: Setting, answer: Answer, result: Evaluation | None) -> None:
    """Two tiles: against uniform bits with and without bias correction."""
    bits = uniform_bits(answer.costs["average_bits"])
    with st.container(horizontal=True):
        for name, (widths, how) in _uniform(setting, answer).items():
            found = result_of(evaluation_of(prepared, widths, how))
            st.metric(
                f"Against {name} {bits} bit",
                _ratio(result, found),
                border=True,
                width=230,
                help=_help(name, bits, result, found),
            )


def missing(prepared: Prepared, setting: Setting, answer: Answer) -> list[Asked]:
    """What has to be measured before the ratios are known, and is not about to be."""
    asked: list[Asked] = [*_uniform(setting, answer).values(), (answer.named, setting)]
    return [one for one in asked if not under_way(evaluation_of(prepared, *one))]


def _uniform(setting: Setting, answer: Answer) -> dict[str, Asked]:
    """Uniform bits by name; where nothing corrects biases there is the plain kind alone."""
    bits = uniform_bits(answer.costs["average_bits"])
    widths = {name: replace(width, bits=bits) for name, width in answer.named.items()}
    plain = replace(setting, clipping=replace(setting.clipping, bias_correction=False))
    if plain == setting:
        return {"plain uniform": (widths, plain)}
    return {"uniform": (widths, setting), "plain uniform": (widths, plain)}


def uniform_bits(average: float) -> int:
    """The uniform width nearest to so many average bits: 4.02 -> 4."""
    return min(max(round(average), MIN_BITS), MAX_BITS)


def _ratio(result: Evaluation | None, other: Evaluation | None) -> str:
    """Example: 1/6.3. A dash where one is not measured, or is no loss that has a ratio."""
    if result is None or other is None:
        return "–"
    mine, theirs = result.delta_loss, other.delta_loss
    if mine <= 0 or theirs <= 0:
        return "–"
    return f"1/{theirs / mine:.3g}" if theirs >= mine else f"{mine / theirs:.3g} ×"


def _help(name: str, bits: int, result: Evaluation | None, other: Evaluation | None) -> str:
    how = "bias-corrected" if name == "uniform" else "plain rounding, no bias correction"
    text = (
        f"Measured ΔL of this allocation, as a part of that of {bits} bits in every layer ({how}), "
        "on the same held-out images."
    )
    if other is not None:
        text += f" Uniform: {fmt.loss(other.delta_loss)}."
    if result is not None:
        text += f" This one: {fmt.loss(result.delta_loss)}."
    if result is not None and other is not None and min(result.delta_loss, other.delta_loss) <= 0:
        text += " One of them is not above zero, so there is no ratio."
    return text
