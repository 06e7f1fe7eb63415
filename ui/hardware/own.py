"""Hardware of one's own: a roofline whose figures can be changed, or a table that was measured."""

from __future__ import annotations

import streamlit as st

from qcore.errors import BadInput
from qcore.hardware import Hardware
from qcore.hardware.roofline import Roofline
from qcore.hardware.roofline_presets import PRESETS
from qcore.prepare.prepared import Prepared
from qcore.store.own_hardware import own_hardware, own_roofline, own_text
from ui import format as fmt
from ui.downloads import download
from ui.hardware import own_kept
from ui.hardware.own_editor import START, editor
from ui.hardware.own_upload import upload


def own_section(prepared: Prepared) -> None:
    """An editor, a box for files, and what is kept on this server."""
    mine = own_hardware()
    own_kept.notice()
    st.markdown("#### A roofline")
    editor(_starts(mine))
    st.markdown("#### A table that you measured or simulated")
    with st.container(border=True):
        upload(prepared)
    st.markdown("#### Kept here")
    if not mine:
        st.caption("Nothing yet. What is kept can be chosen wherever hardware can.")
    for name, machine in mine.items():
        _line(name, machine)


def _starts(mine: dict[str, Hardware]) -> dict[str, Roofline]:
    kept = {name: own_roofline(name) for name in mine}
    return dict(PRESETS) | {name: one for name, one in kept.items() if one is not None}


def _line(name: str, machine: Hardware) -> None:
    kind = own_kept.kind_of(name)
    suffix = "json" if kind == "roofline" else "csv"
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{fmt.plain(machine.title)}** · {kind}", width="stretch")
        if kind == "roofline":
            st.button(
                "Edit", key=f"edit-{name}", icon=":material/edit:", on_click=_edit, args=(name,)
            )
        try:
            text = own_text(name)
        except BadInput:  # somebody else removed it meanwhile
            return
        file = f"{fmt.file_name(machine.title)}.{suffix}"
        download(suffix.upper(), text, file, f"download-{name}")
        with st.popover("Remove …", icon=":material/delete:", key=f"remove-{name}"):
            st.markdown(
                "Removes it from this server, for everybody. Links to it show other hardware then."
            )
            st.button(
                "Remove it",
                type="primary",
                key=f"forget-{name}",
                on_click=own_kept.forget,
                args=(name,),
            )


def _edit(name: str) -> None:
    st.session_state[START] = name
