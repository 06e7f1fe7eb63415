"""The network that a page is about, or the screen that leads to one."""

from __future__ import annotations

import streamlit as st

from qcore.errors import BadInput
from qcore.prepare.prepared import Prepared
from qcore.samples import SAMPLES
from ui.engine import engine, prepare_job, prepared
from ui.jobs import wait_for
from ui.sidebar import MODELS
from ui.state import MODEL, open_model


def require_network(purpose: str) -> Prepared:
    """The chosen network, prepared. Without one: what the page will show, and a way to begin.

    Does not return while there is nothing to show.
    """
    model = st.session_state.get(MODEL)
    if model not in MODELS:
        sample_cards(purpose)
        st.stop()
    try:
        job = prepare_job(model)
    except BadInput as error:
        st.error(str(error), icon=":material/error:")
        st.stop()
    wait_for(job, f"Opening {model}")
    if job.state != "finished":
        st.error(job.message or "Opening the network was cancelled.", icon=":material/error:")
        st.button("Try again", on_click=engine().store.forget, args=(job.id,))
        st.stop()
    return prepared(job)


def sample_cards(purpose: str) -> None:
    """One card a sample, each a click from being open."""
    st.markdown(f"{purpose} **Start with a sample network:**")
    for column, (name, sample) in zip(st.columns(len(SAMPLES)), SAMPLES.items(), strict=True):
        with column, st.container(border=True, height="stretch"):
            st.markdown(f"#### {sample.title}")
            st.markdown(sample.summary)
            st.button(
                f"Open {sample.title}",
                key=f"open-{name}",
                type="primary",
                icon=":material/folder_open:",
                on_click=open_model,
                args=(f"sample:{name}",),
            )
    st.caption(
        "On the command line, state dicts of torchvision networks work too: "
        "`python -m qcore describe torchvision:resnet18@weights.safetensors`"
    )
