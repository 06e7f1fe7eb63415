"""What the page Allocate says before there is a table to allocate from."""

from __future__ import annotations

import streamlit as st

from qcore.prepare.prepared import Prepared
from qcore.store.job import Job
from ui.engine import engine
from ui.jobs import progress_text
from ui.results import table_of
from ui.router import PAGES

_LOOK_SECONDS = 2.0


def await_table(prepared: Prepared, job: Job | None) -> None:
    """What is missing, and whether a run is under way; the page goes on once its table is full."""
    st.info(
        "Allocation needs ΔL of every layer's weights at every bit width. Measure it first.",
        icon=":material/info:",
    )
    if job is not None and job.active and not job.lost():
        _follow(prepared, job)
    elif job is None:
        st.caption("No run on the weights is under way on these data.")
    else:
        st.caption(f"The last run ended at {job.fraction:.0%}; it can be taken up again.")
    st.page_link(PAGES["sensitivity"].path, label="Go to Sensitivity", icon=":material/grid_on:")


def _follow(prepared: Prepared, job: Job) -> None:
    @st.fragment(run_every=_LOOK_SECONDS)
    def live() -> None:
        now = engine().store.get(job.id)
        if not now.active or table_of(now, prepared).covered:
            st.rerun()
        text = f"A run is under way: {progress_text(now)}"
        st.progress(min(now.fraction, 1.0), text=text)
        st.caption("This page goes on once every cell has a first value.")

    live()
