"""Measurements under way."""

from __future__ import annotations

import streamlit as st

from qcore.prepare.prepared import Prepared
from ui.evaluations import Setting, pending_evaluations
from ui.jobs import progress_text


def follow(prepared: Prepared, setting: Setting, otherwise: str) -> None:
    """Progress of measurements under way, each of which redraws the page when it ends; without
    any, ``otherwise`` stands in its place."""
    pending = len(pending_evaluations(prepared, setting))

    @st.fragment(run_every=0.5 if pending else None)
    def live() -> None:
        now = pending_evaluations(prepared, setting)
        if len(now) < pending:
            st.rerun()
        if not now:
            st.caption(otherwise)
            return
        queue = f" ({len(now)} to go)" if len(now) > 1 else ""
        text = f"Measuring{queue}: {progress_text(now[0])}"
        st.progress(min(now[0].fraction, 1.0), text=text)

    live()
