"""Where weights and inputs are clipped when an allocation is measured."""

from __future__ import annotations

import streamlit as st

from qcore.calibrate.clipping import Clipping
from qcore.sensitivity.table import SensitivityTable
from ui.clipping import current_clipping
from ui.router import PAGES


def clipping_in_use(table: SensitivityTable) -> Clipping:
    """Weights as the table measured them; inputs too where it measured them, else as chosen now."""
    measured = table.config.clipping
    return measured if table.config.target == "both" else measured.joined(current_clipping())


def clipping_line(table: SensitivityTable, inputs: int | None) -> None:
    """Says it in a line. ``inputs``: bits of the layers' inputs, None for full precision."""
    measured, chosen, used = table.config.clipping, current_clipping(), clipping_in_use(table)
    words = f"Clipping: weights {used.text('weight')}"
    if inputs is not None or table.config.target == "both":
        words += f", inputs {used.text('activation')}"
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(f"{words}.")
        st.page_link(
            PAGES["calibration"].path, label="Change thresholds", icon=":material/straighten:"
        )
    if chosen.of("weight") != measured.of("weight"):
        st.caption(
            ":material/warning: The weights' clipping has been changed to "
            f"{chosen.text('weight')} since this run: measure sensitivity again to use it."
        )
