"""The networks that can be chosen, and what they are called."""

from __future__ import annotations

import streamlit as st

from qcore.errors import BadInput
from qcore.graph.reference import parse_reference
from qcore.jobs.engine import ENGINE
from qcore.samples import SAMPLES
from qcore.store import uploads
from qcore.store.uploads import PREFIX, get_upload
from ui import format as fmt
from ui.engine import engine
from ui.state import MODEL

SAMPLE_MODELS = tuple(f"sample:{name}" for name in SAMPLES)


def models() -> list[str]:
    """References: the samples, then what was opened before, newest first.

    Files that were refused are among them as long as they are in the store: they can be removed.
    """
    opened = [
        str(job.question["model"])
        for job in engine().store.jobs("prepare")
        if job.question["engine"] == ENGINE
    ]
    now = st.session_state.get(MODEL)
    candidates = [*SAMPLE_MODELS, *([now] if isinstance(now, str) else []), *opened]
    return [ref for ref in dict.fromkeys(candidates) if ref in SAMPLE_MODELS or is_there(ref)]


def title_of(reference: str) -> str:
    """What to call a network: a sample by its title, ``upload:ID`` by the name of its file."""
    if reference in SAMPLE_MODELS:
        return SAMPLES[reference.removeprefix("sample:")].title
    before, prefix, rest = reference.rpartition(PREFIX)
    if not prefix:
        return reference
    upload_id, mark, size = rest.partition("#")
    try:
        return f"{before}{uploads.title_of(upload_id)}{mark}{size}"
    except BadInput:  # there never was one
        return reference


def file_name_of(reference: str) -> str:
    """What downloads about a network are called after: ``sample:fashion-cnn`` -> fashion-cnn."""
    return fmt.file_name(reference if reference in SAMPLE_MODELS else title_of(reference))


def upload_id_of(reference: str) -> str | None:
    """The id of the upload that a reference is read from, None where it is none."""
    _, prefix, rest = reference.rpartition(PREFIX)
    return rest.partition("#")[0] if prefix else None


def is_there(reference: str) -> bool:
    """False for files whose upload was removed, for paths, and for what is no reference."""
    try:
        file = parse_reference(reference).file
    except BadInput:
        return False
    # Any other file is a path of the command line: the page reads no paths.
    return file is None or is_kept(file)


def is_kept(reference: str) -> bool:
    """True for ``upload:ID`` as long as its files are in the store."""
    if not reference.startswith(PREFIX):
        return False
    try:
        get_upload(reference.removeprefix(PREFIX))
    except BadInput:
        return False
    return True
