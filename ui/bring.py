"""Bring a network: files to drop, or a torchvision architecture."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from qcore.errors import BadInput
from qcore.graph.architectures import ARCHITECTURES
from qcore.graph.reference import PROGRAM_SUFFIXES, STATE_SUFFIXES, main_first
from qcore.store.uploads import (
    PREFIX,
    Role,
    Upload,
    add_upload,
    get_upload,
    limit_bytes,
    remove_upload,
)
from ui import format as fmt
from ui.models import upload_id_of
from ui.state import MODEL, open_model

_DETECT = "detect from the weights"


def bring_network() -> None:
    """The card for one's own network."""
    with st.container(border=True):
        st.markdown("#### Your own network")
        left, right = st.columns([3, 2], gap="large")
        with left:
            upload_box(
                "network",
                "An .onnx or .pt2 file, or weights of a torchvision network "
                "(.safetensors, .pt, .pth)",
                [*PROGRAM_SUFFIXES, *STATE_SUFFIXES, ".data"],
                "An .onnx that keeps its weights in a second file: drop both together. Files are "
                "never unpickled, and stay in this server's store until you remove them.",
                _open_upload,
            )
        with right:
            _torchvision()


def _torchvision() -> None:
    name = st.selectbox(
        "Or a torchvision architecture",
        ARCHITECTURES,
        index=None,
        key="bring-architecture",
        placeholder="resnet18, mobilenet_v2 ...",
        help="With its pretrained weights where this machine is online; without, shapes and costs.",
    )
    st.button(
        "Open",
        key="bring-torchvision",
        icon=":material/folder_open:",
        disabled=name is None,
        on_click=open_model,
        args=(f"torchvision:{name}",),
    )


def upload_box(
    role: Role, label: str, types: list[str], note: str, on_stored: Callable[[Upload], None]
) -> None:
    """A place to drop files. They are copied to the store once and leave the page's memory.

    ``on_stored`` is called with the upload, in the callback.
    """
    turn = st.session_state.setdefault(f"turn-{role}", 0)
    key = f"upload-{role}-{turn}"
    st.file_uploader(
        label,
        type=types,
        accept_multiple_files=True,
        key=key,
        on_change=_store,
        args=(role, key, on_stored),
        max_upload_size=max(1, limit_bytes() // 2**20),
        help=note,
    )
    refused = st.session_state.pop(f"refused-{role}", None)
    if refused:
        st.error(fmt.plain(refused), icon=":material/error:")


def _store(role: Role, key: str, on_stored: Callable[[Upload], None]) -> None:
    given = st.session_state[key]
    files: list[UploadedFile] = given if isinstance(given, list) else [given] if given else []
    if not files:
        return
    try:
        upload = add_upload([(file.name, file) for file in files], role)
    except BadInput as error:
        st.session_state[f"refused-{role}"] = str(error)
    else:
        on_stored(upload)
    st.session_state[f"turn-{role}"] += 1  # a new box: the old one lets go of the files


def _open_upload(upload: Upload) -> None:
    open_model(upload.reference)


def architecture_choice(reference: str) -> None:
    """For weights that came alone: which architecture they are opened as."""
    upload_id = upload_id_of(reference)
    if upload_id is None or not _holds_weights(upload_id):
        return
    chosen = reference.removeprefix("torchvision:").partition("@")[0]
    options = [_DETECT, *ARCHITECTURES]
    st.selectbox(
        "Architecture of these weights",
        options,
        index=options.index(chosen) if chosen in options else 0,
        key=f"architecture-{upload_id}",
        on_change=_reopen,
        args=(upload_id,),
    )


def _holds_weights(upload_id: str) -> bool:
    first = next(iter(main_first(get_upload(upload_id).paths())))
    return Path(first.lower()).suffix in STATE_SUFFIXES


def _reopen(upload_id: str) -> None:
    chosen = st.session_state[f"architecture-{upload_id}"]
    file = PREFIX + upload_id
    open_model(file if chosen == _DETECT else f"torchvision:{chosen}@{file}")


def remove_button(reference: str) -> None:
    """Forget the file that a network was read from."""
    upload_id = upload_id_of(reference)
    if upload_id is not None:
        st.button(
            "Remove this file",
            icon=":material/delete:",
            on_click=_remove,
            args=(upload_id,),
            help="Deletes it from this server's store; results about it stay.",
        )


def _remove(upload_id: str) -> None:
    remove_upload(upload_id)
    st.session_state.pop(MODEL, None)
