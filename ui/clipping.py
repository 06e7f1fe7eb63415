"""The clipping thresholds that the visitor has chosen. Their id is in the URL."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from qcore.calibrate.clipping import Clipping, Method, Target
from qcore.store.clippings import keep_clipping, read_clipping

CLIPPING = "clipping"
"""Query parameter."""

_EARLIER = "clippings_before"
_KEPT = "clipping_kept"  # going to another page empties the URL
_NETWORK = "clipping_network"
_OF_NETWORKS = "clippings_of_networks"


def current_clipping() -> Clipping:
    """What is chosen now; the default where nobody has chosen. Another page gets it in its URL."""
    name = st.query_params.get(CLIPPING)
    if name is None and st.session_state.get(_KEPT) is not None:
        name = st.query_params[CLIPPING] = str(st.session_state[_KEPT])
    found = read_clipping(name) if name else None
    st.session_state[_KEPT] = name if found else None
    return found or Clipping()


def choose_clipping(clipping: Clipping) -> None:
    """Choose; call from a callback. What was chosen before can be taken up again."""
    before = st.session_state.get(_KEPT)
    if clipping != current_clipping():
        st.session_state.setdefault(_EARLIER, []).append(before)
        _put(_name_of(clipping))


def choose_for_layer(layer: str, target: Target, choice: Method | float | None) -> None:
    """Choose for one layer alone, or (None) as for all; call from a callback."""
    choose_clipping(current_clipping().with_choice(layer, target, choice))


def follow_network(network: str | None) -> None:
    """Take up what was chosen for this network, and its list of undo; the sidebar calls it.

    A network for which nobody has chosen yet begins with the methods for all of the one before:
    single layers of another network may have the same names.
    """
    before = st.session_state.get(_NETWORK)
    if network is None or network == before:
        return
    clipping = current_clipping()
    st.session_state[_NETWORK] = network
    if before is None:  # the one in the URL is this network's
        return
    chosen: dict[str, tuple[str | None, list[str | None]]]
    chosen = st.session_state.setdefault(_OF_NETWORKS, {})
    chosen[before] = st.session_state[_KEPT], st.session_state.get(_EARLIER, [])
    name, earlier = chosen.get(network, (None, []))
    if name is None and not earlier:
        name = _name_of(replace(clipping, overrides=()))
    st.session_state[_EARLIER] = earlier
    _put(name)


def can_undo() -> bool:
    return bool(st.session_state.get(_EARLIER))


def undo() -> None:
    """Take up the choice before; call from a callback."""
    if can_undo():
        _put(st.session_state[_EARLIER].pop())


def _name_of(clipping: Clipping) -> str | None:
    """Its id; the default needs none."""
    return None if clipping == Clipping() else keep_clipping(clipping)


def _put(name: str | None) -> None:
    st.session_state[_KEPT] = name
    if name is None:
        st.query_params.pop(CLIPPING, None)
    else:
        st.query_params[CLIPPING] = name
