"""What the visitor has chosen. It lives in the URL, so a link or a reload shows the same screen."""

from __future__ import annotations

import streamlit as st

from qcore.prepare.prepared import Prepared
from ui.theme import DARK, LIGHT, Palette

MODEL, DATA, LAYER, JOB = "model", "data", "layer", "job"
"""Query parameters. The first three are those of the sidebar's widgets."""


def palette() -> Palette:
    """The colours of the visitor's theme."""
    return DARK if st.context.theme.type == "dark" else LIGHT


def focused_layer(prepared: Prepared) -> str:
    """The layer that all charts highlight: the sidebar's, else the first."""
    names = [layer.name for layer in prepared.network.layers]
    chosen = st.session_state.get(LAYER)
    return chosen if chosen in names else names[0]


def focus_layer(name: str) -> None:
    """Set the focused layer; call from a callback, before widgets are drawn."""
    st.session_state[LAYER] = name


def open_model(reference: str) -> None:
    """Choose a network; call from a callback."""
    if st.session_state.get(MODEL) != reference:
        another_network()
    st.session_state[MODEL] = reference


def another_network() -> None:
    """Drop what was chosen for the network before; call from a callback."""
    st.session_state.pop(DATA, None)
    st.session_state[LAYER] = None  # the sidebar takes the first one


def choose_data(data_id: str) -> None:
    """Choose calibration data; call from a callback. Runs on other data leave the screen."""
    st.session_state[DATA] = data_id
    follow_job(None)


def job_in_url() -> str | None:
    """The job that this screen follows."""
    return st.query_params.get(JOB)


def follow_job(job_id: str | None) -> None:
    """Put a job into the URL, or (None) take it out."""
    put_in_url(JOB, job_id)


def put_in_url(name: str, value: str | None) -> None:
    """Set a query parameter, or (None) take it out."""
    if value is None:
        st.query_params.pop(name, None)
    elif st.query_params.get(name) != value:
        st.query_params[name] = value
