"""A matrix product in 8-bit integers and its requantization, step by step."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from qcore.errors import BadInput
from qcore.quantize.worked import (
    Operand,
    Product,
    Requantized,
    integer_product,
    quantize_matrix,
    requantize,
)
from ui import format as fmt
from ui.numbers.latex import matrix, number

_A = [[-1.54, 0.22], [-0.26, 0.65]]
_B = [[0.35], [-0.51]]
_BITS, _RANGES = "requantize_bits", ("range_a", "range_b", "range_c")
_ROUND = "requantize_round"  # raised to give the two matrices their first cells again


@st.fragment
def requantize_steps() -> None:
    """Matrices and ranges to edit, then seven steps."""
    st.markdown(
        "How integer hardware multiplies matrices: round both to integers, multiply and add in "
        "32 bits, and bring the sums to few bits again for the next layer, without one "
        "floating-point operation."
    )
    a, b, bits, ranges = _inputs()
    try:
        left, right = quantize_matrix(a, ranges[0], bits), quantize_matrix(b, ranges[1], bits)
        product = integer_product(left, right)
        out = requantize(product, ranges[2], bits)
    except BadInput as problem:
        st.error(fmt.plain(str(problem)), icon=":material/error:")
        return
    _scales(left, right, bits)
    _integers(left, right)
    _product(product)
    _factor(product, out)
    _integer_only(product, out)
    _meaning(product, out)


def step(title: str, text: str, *formulas: str) -> None:
    """One step: words on the left, formulas on the right."""
    with st.container(border=True):
        words, shown = st.columns([2, 5], vertical_alignment="center")
        words.markdown(f"**{title}**  \n{text}")
        lines = r" \\[0.7em] ".join(formulas)
        shown.latex(rf"\begin{{gathered}} {lines} \end{{gathered}}")


def _inputs() -> tuple[np.ndarray, np.ndarray, int, tuple[float, float, float]]:
    turn = st.session_state.setdefault(_ROUND, 0)
    with st.container(border=True):
        with st.container(horizontal=True, gap="medium"):  # the last part wraps where narrow
            with st.container(width=222):
                a = _matrix("Matrix A", _A, f"matrix_a_{turn}")
            with st.container(width=126):
                b = _matrix("Matrix B", _B, f"matrix_b_{turn}")
            right = st.container(width=540)
        with right:
            bits = st.slider("Bits", 2, 8, 8, key=_BITS, bind="query-params")
            with st.container(horizontal=True, vertical_alignment="bottom"):
                ranges = (
                    _range("Range of A ±", _RANGES[0], 2.0),
                    _range("Range of B ±", _RANGES[1], 1.0),
                    _range("Range of result ±", _RANGES[2], 3.0),
                )
                st.button("Worked example", icon=":material/undo:", on_click=_reset)
    return a, b, int(bits), ranges


def _matrix(label: str, values: list[list[float]], key: str) -> np.ndarray:
    st.caption(f"{label} (edit a cell)")
    names = [f"column {i + 1}" for i in range(len(values[0]))]
    frame = pd.DataFrame(values, columns=names, dtype=float)
    edited = st.data_editor(
        frame,
        hide_index=True,
        key=key,
        alt=label,
        column_config={n: st.column_config.NumberColumn(format="%g", required=True) for n in names},
    )
    return np.asarray(edited.to_numpy(dtype=float, na_value=np.nan))


def _range(label: str, key: str, value: float) -> float:
    return st.number_input(
        label,
        value=value,
        step=0.5,
        format="%g",
        key=key,
        bind="query-params",
        width=138,
        help="The threshold T: values beyond −T and T are clipped.",
    )


def _reset() -> None:
    st.session_state[_ROUND] += 1
    st.session_state[_BITS] = 8
    for key, value in zip(_RANGES, (2.0, 1.0, 3.0), strict=True):
        st.session_state[key] = value


def _scales(a: Operand, b: Operand, bits: int) -> None:
    step(
        "1. Scales",
        f"{bits} bits, restricted range: n = {a.steps} steps on each side of zero. One scale a "
        "matrix is the real value of one step.",
        *(
            rf"S_{name} = \frac{{T_{name}}}{{n}} = \frac{{{number(m.threshold)}}}{{{m.steps}}} = "
            rf"{number(m.scale)} \qquad \tfrac{{1}}{{S_{name}}} = {number(1 / m.scale)}"
            for name, m in (("A", a), ("B", b))
        ),
    )


def _integers(a: Operand, b: Operand) -> None:
    step(
        "2. Round",
        "Divide by the scale, round half to even, clip to −n … n.",
        *(
            rf"q_{name} = \operatorname{{round}}\!\left({matrix(m.real)} \big/ S_{name}\right) = "
            + matrix(m.integers)
            for name, m in (("A", a), ("B", b))
        ),
    )


def _product(product: Product) -> None:
    step(
        "3. Multiply and add",
        "In integers; the sums are kept in 32 bits, so that they cannot overflow.",
        rf"q_A\, q_B = {matrix(product.accumulators)}",
    )
    step(
        "4. What the sums mean",
        "Times both scales. Compare with the real product: this much was lost by rounding A and B.",
        rf"S_A S_B\, q_A q_B = {matrix(product.dequantized)} \qquad A B = {matrix(product.exact)}",
        rf"\text{{error}} = {matrix(product.error, 3)}",
    )


def _factor(product: Product, out: Requantized) -> None:
    step(
        "5. Requantize",
        f"The result gets a range of its own, ±{out.threshold:g}. All three scales fold into one "
        "real multiplier M (Jacob et al. 2018, equation 5).",
        rf"S_C = \frac{{{number(out.threshold)}}}{{{out.steps}}} = {number(out.scale)} \qquad "
        rf"M = \frac{{S_A S_B}}{{S_C}} = {number(out.factor)}",
        rf"M\, q_A q_B = {matrix(out.unrounded, 5)}",
    )


def _integer_only(product: Product, out: Requantized) -> None:
    m = out.multiplier
    step(
        "6. With integers only",
        "M becomes a 31-bit integer and a shift to the right (Jacob et al. 2018, equation 6): one "
        "64-bit product, shifted with rounding; halves go away from zero."
        + (" A sum lay beyond the range and was clipped." if out.clipped else ""),
        rf"M = {number(m.fraction)} \cdot 2^{{{m.exponent}}} \approx {m.mantissa} \cdot "
        rf"2^{{-{m.shift}}}",
        rf"q_C = \operatorname{{round}}\!\left({matrix(product.accumulators)} \cdot {m.mantissa} "
        rf"\cdot 2^{{-{m.shift}}}\right) = {matrix(out.integers)}",
    )


def _meaning(product: Product, out: Requantized) -> None:
    step(
        "7. What the result means",
        "Times its scale, next to the real product. Half a step of the result, "
        f"{out.scale / 2:.3g}, is the most that step 6 can add where nothing is clipped.",
        rf"S_C\, q_C = {matrix(out.dequantized)} \qquad A B = {matrix(product.exact)}",
        rf"\text{{error}} = {matrix(out.error, 3)}",
    )
