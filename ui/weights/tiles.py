"""The numbers above the histogram."""

from __future__ import annotations

import streamlit as st

from ui.weights.view import WeightView, decibel_text


def tiles(view: WeightView) -> None:
    """Of the layer or the kernel in view, with the quantizer's own thresholds."""
    with st.container(horizontal=True):
        st.metric("Weights", f"{view.weights:,}", border=True)
        st.metric("Largest magnitude", f"{view.amax:.4g}", border=True)
        st.metric(
            "Widest kernel" if view.kernel is None else "This kernel",
            "none" if view.ratio is None else f"{view.ratio:.2f} × median",
            border=True,
            help="Its largest magnitude over the median kernel's.",
        )
        if view.kernel is None and view.grids.kernels is not None:
            st.metric(
                "SQNR, one scale a kernel",
                view.sqnr_of_kernels,
                border=True,
                help=f"At {view.bits} bits, with each kernel's own threshold. In brackets: what "
                "that gains over one scale for the whole layer, whose grid is drawn below.",
            )
        elif not view.quantizer.nearest:
            st.metric(
                "SQNR by chance",
                decibel_text(view.curves()[0].sqnr_db[view.bits]),
                border=True,
                help="With values rounded up or down by chance. The histogram below rounds to the "
                "nearest level.",
            )
