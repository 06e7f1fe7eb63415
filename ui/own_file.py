"""The uploaded file that a network was read from: how to read it otherwise, and removal."""

from __future__ import annotations

import re
from pathlib import Path

import streamlit as st

from qcore.errors import BadInput
from qcore.graph.architectures import ARCHITECTURES
from qcore.graph.reference import STATE_SUFFIXES, main_first
from qcore.store.uploads import PREFIX, get_upload, remove_upload
from ui.models import upload_id_of
from ui.state import MODEL, open_model

_DETECT = "detect from the weights"
_SIZE = re.compile(r"\d+(x\d+)*")


def own_file(reference: str) -> None:
    """Architecture or input size, and removal; nothing for a network that is no upload."""
    upload_id = upload_id_of(reference)
    suffix = None if upload_id is None else _suffix(upload_id)
    if upload_id is None or suffix is None:
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if suffix in STATE_SUFFIXES:
            _architecture(reference, upload_id)
        else:
            _size(reference, upload_id)
        st.button(
            "Remove this file",
            icon=":material/delete:",
            on_click=_remove,
            args=(upload_id,),
            help="Deletes it from this server's store; results about it stay.",
        )


def _suffix(upload_id: str) -> str | None:
    """Of the network among the files; None where the upload was removed."""
    try:
        files = main_first(get_upload(upload_id).paths())
    except BadInput:
        return None
    return Path(next(iter(files)).lower()).suffix


def _architecture(reference: str, upload_id: str) -> None:
    chosen = reference.removeprefix("torchvision:").partition("@")[0]
    options = [_DETECT, *ARCHITECTURES]
    key = f"architecture-{upload_id}"
    st.selectbox(
        "Architecture of these weights",
        options,
        index=options.index(chosen) if chosen in options else 0,
        key=key,
        on_change=_reopen_as,
        args=(upload_id, key),
        width=300,
    )


def _reopen_as(upload_id: str, key: str) -> None:
    chosen, file = st.session_state[key], PREFIX + upload_id
    open_model(file if chosen == _DETECT else f"torchvision:{chosen}@{file}")


def _size(reference: str, upload_id: str) -> None:
    key = f"size-{upload_id}"
    text = st.text_input(
        "Input size",
        reference.partition("#")[2],
        key=key,
        placeholder="as the file says",
        on_change=_reopen_at,
        args=(upload_id, key),
        width=300,
        help="Channels x height x width, for files that leave them free: 3x320x320.",
    )
    if text and not _SIZE.fullmatch(_compact(text)):
        st.error("An input size looks like 3x320x320.", icon=":material/error:")


def _reopen_at(upload_id: str, key: str) -> None:
    size, file = _compact(st.session_state[key]), PREFIX + upload_id
    if not size:
        open_model(file)
    elif _SIZE.fullmatch(size):
        open_model(f"{file}#{size}")


def _compact(text: str) -> str:
    return text.replace(" ", "").replace("×", "x").lower()


def _remove(upload_id: str) -> None:
    remove_upload(upload_id)
    st.session_state.pop(MODEL, None)
