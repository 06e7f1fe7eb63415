"""Data that have arrived: how to prepare them, and what was refused."""

from __future__ import annotations

import streamlit as st

from qcore.data.preprocess import reads_images
from qcore.data.source import DataSource
from qcore.prepare.prepared import Prepared
from qcore.prepare.preview import remove_preview
from qcore.store.job import Job
from qcore.store.uploads import PREFIX, Upload, remove_upload
from ui import format as fmt
from ui.data import SAMPLE_DATA, look_at, pair_of
from ui.engine import engine
from ui.models import is_kept
from ui.preprocessing import first_guess, preprocessing_card
from ui.state import DATA, choose_data, follow_job


def arrived(prepared: Prepared, upload: Upload) -> None:
    """Look at new data at once, prepared as is likely; for callbacks."""
    look_at(prepared, _source(prepared, upload))


def _source(prepared: Prepared, upload: Upload) -> DataSource:
    shape = prepared.network.input_shape
    own = prepared.preprocessing
    guess = None if own or not reads_images(shape) else first_guess(None, shape)
    return DataSource(upload.reference, guess, halved=True)


def sample_summary(prepared: Prepared) -> None:
    """What a sample comes with, and the way to a report on it; else what to do."""
    pair = prepared.data
    if pair is None:
        shape = fmt.shape(prepared.network.input_shape)
        st.info(
            f"This network reads {shape} values an image. Drop images above: class folders in a "
            "ZIP give labels, and then the true accuracy; without labels the quantized network is "
            "compared with full precision.",
            icon=":material/photo_library:",
        )
        return
    labels = "labelled" if pair.calibration.labelled else "without labels"
    st.markdown(
        f"**The sample's own data:** {pair.calibration.images:,} images to calibrate on and "
        f"{pair.evaluation.images:,} others to measure on, {labels}."
    )
    st.button(
        "Look at them",
        type="primary",
        icon=":material/search:",
        on_click=_look_at_sample,
        args=(prepared,),
    )


def _look_at_sample(prepared: Prepared) -> None:
    assert prepared.data is not None
    own = DataSource(prepared.data.calibration.source.reference, prepared.preprocessing)
    look_at(prepared, own)


def how_to_prepare(prepared: Prepared, job: Job) -> None:
    """The preprocessing card of chosen data, with the button that looks again; and removal."""
    source = DataSource.from_json(job.question["data"])
    shape = prepared.network.input_shape
    if job.state == "failed":
        st.error(fmt.plain(job.message), icon=":material/error:")
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{fmt.plain(source.title)}**")
        _buttons(prepared, job, source)
    if not reads_images(shape):
        st.caption("This network reads no images: values are taken as they are in the file.")
        return
    now = source.preprocessing or first_guess(prepared.preprocessing, shape)
    with st.expander("How images become inputs", icon=":material/tune:"):
        wanted = preprocessing_card(prepared.preprocessing, now, job.id)
        st.button(
            "Look again",
            type="primary",
            icon=":material/search:",
            disabled=wanted is None or wanted == now or job.active,
            on_click=look_at,
            args=(prepared, DataSource(source.reference, wanted, source.halved)),
        )


def _buttons(prepared: Prepared, job: Job, source: DataSource) -> None:
    if job.state in ("failed", "cancelled") or job.lost():
        st.button("Try again", icon=":material/refresh:", on_click=_retry, args=(prepared, job))
    if prepared.data is not None:
        st.button(
            "Back to the sample's data",
            icon=":material/undo:",
            on_click=choose_data,
            args=(SAMPLE_DATA,),
        )
    if is_kept(source.reference):
        with st.popover("Remove …", icon=":material/delete:"):
            st.markdown(
                "Deletes the files and the reports on them from this server's store. What was "
                "measured on them stays."
            )
            st.button("Remove these files", type="primary", on_click=_remove, args=(source,))


def _retry(prepared: Prepared, job: Job) -> None:
    engine().store.forget(job.id)
    look_at(prepared, DataSource.from_json(job.question["data"]))


def _remove(source: DataSource) -> None:
    """The files and every report on them, whichever network it was about."""
    remove_upload(source.reference.removeprefix(PREFIX))
    store = engine().store
    for job in store.jobs("data"):
        if job.question["data"]["reference"] == source.reference:
            known = store.get(job.id)
            if known.state == "finished":
                remove_preview(pair_of(known).calibration.fingerprint)
            store.forget(job.id)
    st.session_state.pop(DATA, None)
    follow_job(None)
