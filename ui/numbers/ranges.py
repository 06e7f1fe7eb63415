"""Why the lowest integer is left out: the full range is biased, the restricted one is not."""

from __future__ import annotations

import streamlit as st

from qcore.quantize.worked import Product, integer_product, quantize_matrix
from ui.numbers.latex import matrix, number

_A = [[-2.2, -1.1, 1.1, 2.2]]
_B_ROW = [[0.5, 0.3, 0.3, 0.5]]
_B = [[value] for value in _B_ROW[0]]


@st.fragment
def range_steps() -> None:
    """The same product with both ranges, side by side."""
    st.markdown(
        "Two's complement has one integer more below zero than above. Using it costs symmetry: "
        "this product is 0, and the full range makes it negative."
    )
    st.latex(
        rf"A = {matrix(_A)} \qquad B^T = {matrix([[v for r in _B for v in r]])} \qquad A B = 0"
    )
    bits = int(st.slider("Bits", 2, 8, 8, key="bias_bits", bind="query-params", width=320))
    for column, full in zip(st.columns(2, gap="large"), (True, False), strict=True):
        with column, st.container(border=True):
            a, b = (quantize_matrix(m, t, bits, full) for m, t in ((_A, 2.2), (_B, 0.5)))
            _side(integer_product(a, b), bits, full)


def _side(product: Product, bits: int, full: bool) -> None:
    a, b = product.a, product.b
    lowest = -a.steps
    highest = a.steps - 1 if full else a.steps
    st.markdown(f"#### {'Full' if full else 'Restricted'} range: −{-lowest} to {highest}")
    st.latex(
        rf"S_A = \tfrac{{2.2}}{{{a.steps}}} = {number(a.scale)} \qquad "
        rf"S_B = \tfrac{{0.5}}{{{b.steps}}} = {number(b.scale)}"
    )
    st.latex(rf"q_A = {matrix(a.integers)}")
    st.latex(rf"q_B^T = {matrix(b.integers.T)}")
    st.latex(rf"q_A\, q_B = {product.accumulators.item()}")
    st.latex(rf"S_A S_B\, q_A q_B = {number(product.dequantized.item(), 13)}")
    st.caption(
        f"2.2 and 0.5 would need code {a.steps}, which {bits} bits do not have: they are clipped, "
        "−2.2 is not. The error does not cancel."
        if full
        else "A value and its negative get integers of equal size, so the sum is exactly 0."
    )
