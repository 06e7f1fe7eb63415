"""Slope and bias: every code of a few bits, and the value it stands for."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from qcore.quantize.codes import slope_and_bias
from ui.numbers.read import typed


@dataclass(frozen=True)
class _Preset:
    bits: int
    slope: float
    bias: float


_PRESETS = {
    "s = 1, z = 0": _Preset(3, 1.0, 0.0),
    "s = ¼, z = 0": _Preset(3, 0.25, 0.0),
    "s = 4, z = 0": _Preset(3, 4.0, 0.0),
    "s = 1.5, z = 10": _Preset(3, 1.5, 10.0),
}
_BITS, _SLOPE, _BIAS, _PRESET = "slope_bits", "slope", "bias", "slope_preset"


@st.fragment
def slope_table() -> None:
    """Fields, examples and the table."""
    st.markdown(
        "The simplest integer format: **value = s × code + z**, with the codes of b bits without "
        "sign. The slope sets the step, the bias where the values begin."
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        bits = int(st.number_input("Bits", 2, 5, 3, 1, key=_BITS, bind="query-params", width=120))
        slope = _number("Slope s", _SLOPE, 1.5, "The value of one step.")
        bias = _number("Bias z", _BIAS, 10.0, "The value of code 0.")
    here = _Preset(bits, slope, bias)
    st.session_state[_PRESET] = next((n for n, p in _PRESETS.items() if p == here), None)
    st.pills(
        "Examples", list(_PRESETS), key=_PRESET, on_change=_choose, label_visibility="collapsed"
    )
    rows = slope_and_bias(bits, slope, bias)
    weights = [f"{typed(slope * 2**i)}" for i in reversed(range(bits))]
    columns: dict[str, list[str]] = {
        f"bit {bits - 1 - i} (s·2{'⁰¹²³⁴'[bits - 1 - i]} = {weight})": [row.bits[i] for row in rows]
        for i, weight in enumerate(weights)
    }
    columns["s × code + z"] = [f"{typed(slope)} × {row.code} + {typed(bias)}" for row in rows]
    columns["Value"] = [f"{row.value:.10g}" for row in rows]
    st.dataframe(columns, hide_index=True, height="content", width="content", key="slope_table")
    if slope == 0:
        st.caption("With a slope of 0 every code stands for the same value.")
    else:
        st.caption(
            f"{len(rows)} codes, values from {rows[0].value:.10g} to {rows[-1].value:.10g}. A real "
            "number becomes the nearest of them."
        )


def _number(label: str, key: str, value: float, help: str) -> float:
    return st.number_input(
        label,
        -1e9,
        1e9,
        value,
        0.25,
        format="%g",
        key=key,
        bind="query-params",
        help=help,
        width=160,
    )


def _choose() -> None:
    chosen = st.session_state[_PRESET]
    if chosen is not None:
        preset = _PRESETS[chosen]
        st.session_state[_BITS] = preset.bits
        st.session_state[_SLOPE] = preset.slope
        st.session_state[_BIAS] = preset.bias
