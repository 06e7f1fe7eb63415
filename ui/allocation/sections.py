"""Below the dial: one of several views of the answer, chosen in the URL."""

from __future__ import annotations

import streamlit as st

from qcore.prepare.prepared import Prepared
from ui.allocation.clipping import clipping_in_use
from ui.allocation.compare import compare_section
from ui.allocation.export import export
from ui.allocation.held_out import HeldOut
from ui.allocation.kernels import kernels_section
from ui.allocation.ledger import ledger_section
from ui.allocation.measure import measured_section
from ui.allocation.why import why_section
from ui.allocation.workbench import Answer

_VIEWS = ("Why", "Kernels", "Compare", "Measured", "Ledger", "Take it with you")
_GONE = (
    "The data that this run was made on were removed, so there is nothing held out to measure on. "
    "Bring them again on the page Data, or measure sensitivity on other data."
)


def sections(prepared: Prepared, answer: Answer, held: HeldOut | None) -> None:
    """Only the chosen view is computed."""
    view = st.segmented_control(
        "View",
        _VIEWS,
        default=_VIEWS[0],
        required=True,
        key="allocate_view",
        bind="query-params",
        label_visibility="collapsed",
    )
    if held is None:
        st.info(_GONE, icon=":material/info:")
    if view == "Kernels":
        kernels_section(prepared, answer, held)
    elif view == "Compare":
        compare_section(prepared, held, answer)
    elif view == "Measured":
        if held is not None:
            measured_section(prepared, held, answer)
    elif view == "Ledger":
        ledger_section(prepared, answer)
    elif view == "Take it with you":
        export(prepared, answer, clipping_in_use(answer.bench.table))
    else:
        why_section(prepared, answer)
