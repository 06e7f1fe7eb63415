"""The network that a page is about, or the screen that leads to one."""

from __future__ import annotations

import streamlit as st

from qcore.errors import BadInput
from qcore.graph.recipes import EXPORT_HINT, EXPORT_RECIPE
from qcore.prepare.prepared import Prepared
from qcore.samples import SAMPLES
from qcore.store.job import Job
from ui import format as fmt
from ui.bring import bring_network
from ui.engine import engine, prepare_job, prepared
from ui.jobs import wait_for
from ui.models import models, title_of
from ui.own_file import own_file
from ui.state import MODEL, open_model


def require_network(purpose: str) -> Prepared:
    """The chosen network, prepared. Without one: what the page will show, and a way to begin.

    Does not return while there is nothing to show.
    """
    model = st.session_state.get(MODEL)
    if model not in models():
        choose_network(purpose)
        st.stop()
    try:
        job = prepare_job(model)
    except BadInput as error:
        st.error(fmt.plain(str(error)), icon=":material/error:")
        st.stop()
    wait_for(job, f"Opening {title_of(model)}")
    if job.state != "finished":
        _refused(model, job)
        st.stop()
    return prepared(job)


def _refused(model: str, job: Job) -> None:
    """Why it was not opened, and three ways on."""
    st.subheader(fmt.plain(title_of(model)), anchor=False)
    message = job.message or "Opening the network was cancelled."
    text = fmt.plain(message.replace("shown in the README", "below"))
    st.error(text, icon=":material/error:")
    if EXPORT_HINT in job.message:
        st.markdown("Run this where the model can be loaded, then bring `model.pt2`:")
        st.code(EXPORT_RECIPE, language="python", wrap_lines=True)
    st.button(
        "Try again",
        icon=":material/refresh:",
        on_click=engine().store.forget,
        args=(job.id,),
    )
    own_file(model)
    bring_network()


def forget_network() -> None:
    """Open the chosen network anew; for buttons."""
    engine().store.forget(prepare_job(st.session_state[MODEL]).id)


def choose_network(purpose: str) -> None:
    """Samples, each a click from being open, and the place to drop a network of one's own."""
    st.markdown(purpose)
    st.markdown("Start with a sample network, or bring your own:")
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
    bring_network()
