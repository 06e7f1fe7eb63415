"""What every page shares: which network, which layer, what is running."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from qcore.samples import SAMPLES
from ui.engine import prepare_job, prepared
from ui.jobs import running_jobs
from ui.state import LAYER, MODEL

BRAND = Path(__file__).resolve().parent.parent / "assets" / "brand"
MODELS = tuple(f"sample:{name}" for name in SAMPLES)


def sidebar() -> None:
    """Draw it. The network and the focused layer are in the URL."""
    st.logo(str(BRAND / "logo.svg"), size="large")
    with st.sidebar:
        st.selectbox(
            "Network",
            MODELS,
            index=None,
            key=MODEL,
            bind="query-params",
            placeholder="Choose a sample",
            help="The same name works on the command line.",
        )
        _layer_choice()
        running_jobs()


def _layer_choice() -> None:
    model = st.session_state.get(MODEL)
    names: list[str] = []
    if model in MODELS:
        job = prepare_job(model)
        if job.state == "finished":
            names = [layer.name for layer in prepared(job).network.layers]
    if not names:
        return
    if st.session_state.get(LAYER) not in names:
        st.session_state.pop(LAYER, None)
    st.selectbox(
        "Focused layer",
        names,
        key=LAYER,
        bind="query-params",
        help="Highlighted in every chart. Click a bar, a cell or a row to change it.",
    )
