"""Bits of the layers' inputs, and where weights and inputs are clipped."""

from __future__ import annotations

import streamlit as st

from qcore.calibrate.clipping import Clipping
from qcore.quantize.limits import GRID_BITS
from qcore.sensitivity.table import SensitivityTable
from ui.clipping import current_clipping
from ui.router import PAGES

_FULL = "full precision"
_WIDTHS = (_FULL, *(str(bits) for bits in GRID_BITS))


def input_bits() -> int | None:
    """The bit width of every layer's input that the visitor chooses; None is full precision."""
    chosen = st.segmented_control(
        "Bits of layer inputs",
        _WIDTHS,
        default=_FULL,
        required=True,
        key="input_bits",
        bind="query-params",
        help="What enters every layer is rounded to as many bits when the allocation is measured. "
        "The budget and the predicted ΔL are of the weights alone.",
    )
    return None if chosen == _FULL else int(chosen)


def clipping_in_use(table: SensitivityTable, inputs: int | None) -> Clipping:
    """Weights as the table measured them, inputs as they are chosen now; says so in a line."""
    measured, chosen = table.config.clipping, current_clipping()
    words = f"Clipping: weights {measured.text('weight')}"
    if inputs is not None:
        words += f", inputs {chosen.text('activation')}"
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(f"{words}.")
        st.page_link(
            PAGES["calibration"].path, label="Change thresholds", icon=":material/straighten:"
        )
    if chosen.of("weight") != measured:
        st.caption(
            ":material/warning: The weights' clipping has been changed to "
            f"{chosen.text('weight')} since this run: measure sensitivity again to use it."
        )
    return measured.joined(chosen)
