"""Bring a network: files to drop, or a torchvision architecture."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from qcore.errors import BadInput
from qcore.graph.architectures import ARCHITECTURES
from qcore.store.uploads import (
    Role,
    Upload,
    add_upload,
    limit_bytes,
)
from ui import format as fmt
from ui.state import open_model


def bring_network() -> None:
    """The card for one's own network."""
    with st.container(border=True):
        st.markdown("#### Your own network")
        left, right = st.columns([3, 2], gap="large")
        with left:
            upload_box(
                "network",
                "Drop an .onnx or .pt2 file, or weights of a torchvision network "
                "(.safetensors, .pt, .pth)",
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


def upload_box(role: Role, label: str, note: str, on_stored: Callable[[Upload], None]) -> None:
    """A place to drop files of any name: what cannot be read is refused with a reason.

    They are copied to the store once and leave the page's memory.
    ``on_stored`` is called with the upload, in the callback.
    """
    try:
        limit = limit_bytes()
    except BadInput as error:
        st.error(fmt.plain(str(error)), icon=":material/error:")
        return
    turn = st.session_state.setdefault(f"turn-{role}", 0)
    key = f"upload-{role}-{turn}"
    st.file_uploader(
        label,
        accept_multiple_files=True,
        key=key,
        on_change=_store,
        args=(role, key, on_stored),
        max_upload_size=max(1, limit // 2**20),
        help=note,
    )
    refused = st.session_state.pop(f"refused-{role}", None)
    if refused:
        st.error(fmt.plain(refused), icon=":material/error:")


def _store(role: Role, key: str, on_stored: Callable[[Upload], None]) -> None:
    files: list[UploadedFile] = st.session_state[key]
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
