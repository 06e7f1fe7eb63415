"""Measurements under way."""

from __future__ import annotations

import streamlit as st

from qcore.prepare.prepared import Prepared
from ui.evaluations import Setting, pending_evaluations
from ui.jobs import progress_text


def follow(prepared: Prepared, setting: Setting, otherwise: str) -> None:
    """Progress of measurements under way, each of which redraws the page when it ends; without
    any, ``otherwise`` stands in its place."""
    before = pending_evaluations(prepared, setting)
    if not before:
        st.caption(otherwise)
        return
    known = [before]  # what the first drawing need not look up again

    @st.fragment(run_every=0.5)
    def live() -> None:
        now = known.pop() if known else pending_evaluations(prepared, setting)
        if len(now) < len(before):
            st.rerun()
        queue = f" ({len(now)} to go)" if len(now) > 1 else ""
        text = f"Measuring{queue}: {progress_text(now[0])}"
        st.progress(min(now[0].fraction, 1.0), text=text)

    live()
