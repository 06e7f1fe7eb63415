"""One value, as a number and as bits: whichever the visitor changes, the rest follows."""

from __future__ import annotations

import math

import streamlit as st

from qcore.errors import BadInput
from qcore.quantize.floats import FLOAT_FORMATS, FP32, decode, encode
from ui import format as fmt
from ui.components.bit_row import Flip, bit_rows
from ui.numbers.formats import NamedCodes, choose_formats
from ui.numbers.read import exact, read_fp32_bits, read_value, typed
from ui.numbers.rows import flipped, groups

VALUE, HEX, PRESET = "value", "number_hex", "number_preset"
_FIRST = "6.0"
_SHOWN, _HEX_OF = "number_shown", "number_hex_of"
PRESETS = {
    "6.0 = 0x40C00000": "6.0",
    "−0.5": "-0.5",
    "0.1": "0.1",
    "1/3": "1/3",
    "π": "pi",
    "2049, the first integer FP16 lacks": "2049",
    "65504, largest FP16": "65504",
    "Smallest FP32": "1.401298464324817e-45",
    "−0": "-0.0",
    "Infinity": "inf",
    "Not a number": "nan",
}
_TEACH = (
    "Type a number such as 0.1, 1/3, −2.5e−3, pi, inf or nan, or choose an example. "
    "Until then the last one stays below."
)


@st.fragment
def one_value() -> None:
    """The field, the examples, the rows of bits, and the fields in full."""
    left, right = st.columns([3, 1])
    with left:
        text = st.text_input(
            "Value",
            _FIRST,
            max_chars=60,
            key=VALUE,
            bind="query-params",
            placeholder="0.1",
            help="A decimal number, a fraction, pi, e, inf or nan. It is in the address of the "
            "page, so a link shows the same number.",
        )
    value, line = _understood(text)
    _hex_follows(value)
    with right:
        bits = st.text_input(
            "FP32 bits (hexadecimal)",
            max_chars=40,
            key=HEX,
            help="Type 8 hexadecimal digits to see which number they are.",
            on_change=_hex_typed,
        )
    st.markdown(f":small[{_hex_problem(bits) or line}]")
    _examples(text)
    rows = st.container()
    named = choose_formats()
    with rows:
        bit_rows(groups(value, named), "number_rows", lambda flip: _flip(value, flip, named))
    st.caption(
        "Click a bit to flip it, or move with the arrow keys and press Enter: the value becomes "
        "what that row then stands for. IEEE 754-2019 (FP32, FP16); BF16 is the upper half of "
        "FP32; FP8: Micikevicius et al. 2022; integers: Jacob et al. 2018, Krishnamoorthi 2018."
    )
    _in_full(value)


def _examples(text: str) -> None:
    st.session_state[PRESET] = next((n for n, t in PRESETS.items() if t == text), None)
    st.pills(
        "Examples",
        list(PRESETS),
        key=PRESET,
        on_change=_preset_chosen,
        label_visibility="collapsed",
    )


def _understood(text: str) -> tuple[float, str]:
    """The value to show, and the line below the field. What cannot be read keeps the last one."""
    last = st.session_state.get(_SHOWN, read_value(_FIRST))
    if not text.strip():
        return last, _gray(_TEACH)
    try:
        value = read_value(text)
    except BadInput as problem:
        return last, f"{_red(str(problem))} Below is still {fmt.plain(typed(last))}."
    st.session_state[_SHOWN] = value
    if math.isinf(value) and "inf" not in text.lower():
        return value, _gray("Beyond the largest double, 1.8e308, and therefore infinity.")
    if not math.isfinite(value):
        return value, _gray("Formats without infinity clip it; NaN has no integer code.")
    return value, _gray(f"As a double, exactly {fmt.plain(exact(value))}")


def _hex_follows(value: float) -> None:
    """Bits that were typed stay as they are until the value changes."""
    if st.session_state.get(_HEX_OF) != repr(value) or HEX not in st.session_state:
        st.session_state[_HEX_OF] = repr(value)
        st.session_state[HEX] = encode(value, FP32).hexadecimal


def _hex_typed() -> None:
    try:
        value = decode(read_fp32_bits(st.session_state[HEX]), FP32)
    except BadInput:
        return  # the line below the field says so
    st.session_state[VALUE] = typed(value)


def _hex_problem(text: str) -> str | None:
    try:
        read_fp32_bits(text)
    except BadInput as problem:
        return _red(str(problem))
    return None


def _preset_chosen() -> None:
    chosen = st.session_state[PRESET]
    if chosen is not None:
        st.session_state[VALUE] = PRESETS[chosen]
    st.session_state.pop(_HEX_OF, None)


def _flip(value: float, flip: Flip, named: tuple[NamedCodes, ...]) -> None:
    st.session_state[VALUE] = typed(flipped(value, flip, named))
    st.session_state.pop(_HEX_OF, None)


def _in_full(value: float) -> None:
    with st.expander("Fields and exact values", icon=":material/table_rows:"):
        patterns = [encode(value, of) for of in FLOAT_FORMATS.values()]
        st.dataframe(
            {
                "Format": [p.format.title for p in patterns],
                "Kind": [p.kind for p in patterns],
                "Sign": [str(p.sign) for p in patterns],
                "Stored exponent": [p.stored_exponent for p in patterns],
                "Bias": [p.format.bias for p in patterns],
                "Exponent": [p.exponent for p in patterns],
                "Fraction": [f"{p.fraction} / {2**p.format.fraction_bits}" for p in patterns],
                "Significand": [p.significand for p in patterns],
                "One ulp": [p.spacing for p in patterns],
                "Exact value": [exact(p.value) for p in patterns],
            },
            hide_index=True,
            column_config={
                "Significand": st.column_config.NumberColumn(format="%.8g"),
                "One ulp": st.column_config.NumberColumn(format="%.4g"),
            },
            key="number_fields",
        )


def _red(problem: str) -> str:
    return f":red[:material/error: {fmt.plain(problem)}.]"


def _gray(line: str) -> str:
    return f":gray[{line}]"
