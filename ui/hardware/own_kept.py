"""Keep hardware that a visitor brings, replace it, remove it, and take that back."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from qcore.errors import BadInput
from qcore.store.own_hardware import (
    Kind,
    keep_hardware,
    own_hardware,
    own_roofline,
    own_text,
    remove_hardware,
)
from ui import format as fmt

_REMOVED, _SAID, _TROUBLE = "own_removed", "own_said", "own_trouble"


@dataclass(frozen=True)
class _Removed:
    title: str
    kind: Kind
    text: str


def kind_of(name: str) -> Kind:
    """Of kept hardware."""
    return "table" if own_roofline(name) is None else "roofline"


def keep(title: str, kind: Kind, text: str, instead_of: str | None = None) -> str | None:
    """Keep it, in place of another where one is given; its name, None where it cannot be kept. For
    callbacks: ``notice`` says what happened."""
    try:
        name = keep_hardware(title, kind, text)
    except BadInput as error:
        st.session_state[_TROUBLE] = str(error)
        return None
    if instead_of is not None and instead_of != name:
        forget(instead_of)
        st.session_state[_SAID] = f"{title} has the new figures."
    else:
        st.session_state[_REMOVED] = None
        st.session_state[_SAID] = f"{title} is kept: choose it above, or on the page Allocate."
    return name


def forget(name: str) -> None:
    """Remove it, so that it can be taken back; for callbacks."""
    machine = own_hardware().get(name)
    if machine is None:
        return
    st.session_state[_REMOVED] = _Removed(machine.title, kind_of(name), own_text(name))
    st.session_state[_SAID] = f"{machine.title} was removed."
    remove_hardware(name)


def notice() -> None:
    """What was kept or removed last, once; a removal can be undone until the next one."""
    trouble, said = st.session_state.pop(_TROUBLE, None), st.session_state.pop(_SAID, None)
    if trouble is not None:
        st.error(fmt.plain(trouble), icon=":material/error:")
    removed: _Removed | None = st.session_state.get(_REMOVED)
    if said is None and removed is None:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        if said is not None:
            st.caption(f":material/check: {fmt.plain(said)}")
        if removed is not None:
            st.button(
                f"Bring back {fmt.plain(removed.title)}",
                icon=":material/undo:",
                key="own-undo",
                on_click=_undo,
                args=(removed,),
            )


def _undo(removed: _Removed) -> None:
    keep(removed.title, removed.kind, removed.text)
