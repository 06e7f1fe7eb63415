"""The uploaded file that a network was read from: how to read it otherwise, and removal."""

from __future__ import annotations

import re
from pathlib import Path

import streamlit as st

from qcore.errors import BadInput
from qcore.graph.architectures import ARCHITECTURES
from qcore.graph.reference import (
    PROGRAM_SUFFIXES,
    STATE_SUFFIXES,
    main_first,
    parse_reference,
)
from qcore.store.uploads import PREFIX, get_upload, remove_upload
from ui import format as fmt
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
        elif suffix in PROGRAM_SUFFIXES:
            _size(reference, upload_id)
        with st.popover("Remove …", icon=":material/delete:"):
            st.markdown("Deletes the file from this server's store. Results about it stay.")
            st.button("Remove this file", type="primary", on_click=_remove, args=(upload_id,))


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
    key = f"architecture-{reference}"
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
    key = f"size-{reference}"
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
    fault = _fault(PREFIX + upload_id, _compact(text))
    if fault is not None:
        st.error(fmt.plain(fault), icon=":material/error:")


def _reopen_at(upload_id: str, key: str) -> None:
    size, file = _compact(st.session_state[key]), PREFIX + upload_id
    if _fault(file, size) is None:
        open_model(f"{file}#{size}" if size else file)


def _fault(file: str, size: str) -> str | None:
    """What is wrong with an input size, None where nothing is."""
    if size and not _SIZE.fullmatch(size):
        return "an input size looks like 3x320x320"
    try:
        parse_reference(f"{file}#{size}" if size else file)
    except BadInput as error:
        return str(error)
    return None


def _compact(text: str) -> str:
    return text.replace(" ", "").replace("×", "x").lower()


def _remove(upload_id: str) -> None:
    remove_upload(upload_id)
    st.session_state.pop(MODEL, None)
