"""Below the charts: one of several views of the table, chosen in the URL."""

from __future__ import annotations

import streamlit as st

from qcore.prepare.prepared import Prepared
from qcore.sensitivity.table import SensitivityTable
from qcore.store.job import Job
from ui.sensitivity.comparing import comparing_section
from ui.sensitivity.kernels import kernels_section
from ui.sensitivity.ranks import ranking_section
from ui.sensitivity.trust import trust_section
from ui.state import focused_layer

_VIEW = "view"
_VIEWS = ("Ranking", "Kernels", "Compare measures", "Trust check")


def section(prepared: Prepared, job: Job, table: SensitivityTable, shown: SensitivityTable) -> None:
    """Only the chosen view is computed; the ranking is of what is ``shown`` of the table."""
    view = st.segmented_control(
        "View",
        _VIEWS,
        default=_VIEWS[0],
        required=True,
        key=_VIEW,
        bind="query-params",
        label_visibility="collapsed",
    )
    focus = focused_layer(prepared)
    if view == "Kernels":
        kernels_section(prepared, job, focus)
    elif view == "Compare measures":
        comparing_section(prepared, job, table, focus)
    elif view == "Trust check":
        trust_section(prepared, job, table)
    else:
        ranking_section(shown, focus)
