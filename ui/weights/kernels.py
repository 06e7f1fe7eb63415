"""The kernels of a layer as a map, and what each bit buys."""

from __future__ import annotations

import streamlit as st

from ui.charts import chart
from ui.figures.errors import UNITS, error_figure
from ui.figures.kernels import MOST_KERNELS, kernel_figure
from ui.state import palette
from ui.weights.choice import kernel_clicked
from ui.weights.view import SHADES, WeightView


def kernel_map(view: WeightView) -> None:
    """Draw it; a click opens the kernel."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown("**Kernels of this layer** (click one to open it)")
        shade = st.segmented_control(
            "Coloured by",
            SHADES,
            default=SHADES[0],
            required=True,
            key="kernel_shade",
            bind="query-params",
            label_visibility="collapsed",
        )
    chart(
        kernel_figure(view.kernel_map(shade), view.kernel, palette()),
        "weights-kernels",
        f"One square a kernel, coloured by {shade}.",
        kernel_clicked,
    )
    kernels = view.layer.kernels
    few = f" Drawn are the {MOST_KERNELS:,} of {kernels:,} with the lowest SQNR."
    st.caption(view.outliers() + (few if kernels > MOST_KERNELS else ""))


def errors(view: WeightView) -> None:
    """Draw what each bit buys, for the layer or the kernel in view."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown("**What each bit buys**")
        unit = st.segmented_control(
            "Error",
            UNITS,
            default=UNITS[0],
            required=True,
            key="error_unit",
            bind="query-params",
            label_visibility="collapsed",
        )
    chart(
        error_figure(view.curves(), unit, view.bits, palette()),
        "weights-error",
        f"{unit} of the rounded weights against the bit width.",
    )
    st.caption("Exact, of all weights, with the quantizer's own thresholds.")
