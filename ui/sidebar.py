"""What every page shares: which network, which layer, what is running."""

from __future__ import annotations

import contextlib
from pathlib import Path

import streamlit as st

from qcore.errors import BadInput
from qcore.prepare.prepared import Prepared
from ui.clipping import follow_network
from ui.data import SAMPLE_DATA, data_choices, default_choice
from ui.engine import prepare_job, prepared
from ui.jobs import running_jobs
from ui.models import models, title_of
from ui.state import DATA, LAYER, MODEL, another_network, follow_job, put_in_url

BRAND = Path(__file__).resolve().parent.parent / "assets" / "brand"

_MENU, _FOCUSED = "network_menu", "focused_layers"


def sidebar() -> None:
    """Draw it. The network and the focused layer are in the URL."""
    st.logo(str(BRAND / "logo.svg"), size="large")
    with st.sidebar:
        _network_choice()
        opened = _opened()
        if opened is not None:
            _data_choice(opened)
            _layer_choice(opened)
        running_jobs()


def _network_choice() -> None:
    """Not bound to the URL, which would hold the title; two files may have the same."""
    options, asked = models(), st.query_params.get(MODEL)
    if MODEL not in st.session_state and asked in options:
        st.session_state[MODEL] = asked
    chosen = st.session_state.get(MODEL)
    st.session_state[_MENU] = chosen if chosen in options else None
    st.selectbox(
        "Network",
        options,
        index=None,
        format_func=title_of,
        key=_MENU,
        placeholder="Choose a network",
        help="Samples, and what was opened here before. Open another on the page Network.",
        on_change=_choose_network,
    )
    put_in_url(MODEL, chosen)
    follow_network(chosen)


def _choose_network() -> None:
    """Each network's focused layer waits for it to come back."""
    focused = st.session_state.setdefault(_FOCUSED, {})
    focused[st.session_state.get(MODEL)] = st.session_state.get(LAYER)
    another_network()
    st.session_state[MODEL] = st.session_state[_MENU]
    st.session_state[LAYER] = focused.get(st.session_state[MODEL])


def _opened() -> Prepared | None:
    model = st.session_state.get(MODEL)
    if model is None:
        return None
    with contextlib.suppress(BadInput):
        job = prepare_job(model)
        if job.state == "finished":
            return prepared(job)
    return None


def _data_choice(opened: Prepared) -> None:
    """Drawn where there is a choice."""
    choices = data_choices(opened)
    if st.session_state.get(DATA) not in choices:
        st.session_state[DATA] = default_choice(opened)
    if list(choices) not in ([], [SAMPLE_DATA]):
        st.selectbox(
            "Data",
            list(choices),
            index=None,  # so that the choice is in the address, whatever it is
            format_func=lambda one: choices.get(one, one),
            key=DATA,
            bind="query-params",
            on_change=lambda: follow_job(None),
            help="What is calibrated and measured on. Bring others on the page Data.",
        )


def _layer_choice(opened: Prepared) -> None:
    names = [layer.name for layer in opened.network.layers]
    asked = st.session_state.get(LAYER, st.query_params.get(LAYER))
    if asked not in names:
        st.session_state[LAYER] = names[0]  # set, not dropped: the browser keeps what it shows
    st.selectbox(
        "Focused layer",
        names,
        key=LAYER,
        bind="query-params",
        help="Highlighted in every chart. Click a bar, a cell or a row to change it.",
    )
