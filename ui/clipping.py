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
        _put(None if clipping == Clipping() else keep_clipping(clipping))


def choose_for_layer(layer: str, target: Target, choice: Method | float | None) -> None:
    """Choose for one layer alone, or (None) as for all; call from a callback."""
    choose_clipping(current_clipping().with_choice(layer, target, choice))


def forget_layers() -> None:
    """Give all layers back to the methods of all: another network's layers may have the same names.
    Call from a callback.
    """
    kept = replace(current_clipping(), overrides=())
    st.session_state.pop(_EARLIER, None)
    _put(None if kept == Clipping() else keep_clipping(kept))


def can_undo() -> bool:
    return bool(st.session_state.get(_EARLIER))


def undo() -> None:
    """Take up the choice before; call from a callback."""
    if can_undo():
        _put(st.session_state[_EARLIER].pop())


def _put(name: str | None) -> None:
    st.session_state[_KEPT] = name
    if name is None:
        st.query_params.pop(CLIPPING, None)
    else:
        st.query_params[CLIPPING] = name
