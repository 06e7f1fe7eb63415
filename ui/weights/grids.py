"""Levels and errors of the chosen quantizer: known for the default, from a worker for others."""

from __future__ import annotations

import time

import streamlit as st

from qcore.jobs.questions import GridsQuestion, to_json
from qcore.prepare.grids_file import Grids, read_grids, symmetric_grids
from qcore.prepare.prepared import Prepared
from qcore.prepare.quantizers import DEFAULT_QUANTIZER, QUANTIZER_TEXTS
from qcore.store.job import Job
from ui import format as fmt
from ui.engine import engine
from ui.jobs import wait_for
from ui.weights.read import statistics

_PATIENCE, _LOOK = 0.5, 0.02  # seconds: a small layer is there before a panel would flash up


def grids_of(prepared: Prepared, layer: str, quantizer: str) -> Grids:
    """What the quantizer makes of the layer. Does not return while a worker is at it."""
    if quantizer == DEFAULT_QUANTIZER:
        return symmetric_grids(statistics(prepared, layer))
    network = prepared.network
    question = GridsQuestion(network.name, network.fingerprint, layer, quantizer)
    job = _soon(_asked(question))
    found = read_grids(question) if job.state == "finished" else None
    if job.state == "finished" and found is None:  # the file is gone: once more
        engine().store.forget(job.id)
        job = _soon(engine().runner.submit(question))
        found = read_grids(question) if job.state == "finished" else None
    if found is not None:
        return found
    wait_for(job, f"{QUANTIZER_TEXTS[quantizer].title}, {layer}")
    st.error(fmt.plain(job.message or "This was cancelled."), icon=":material/error:")
    st.button(
        "Try again", icon=":material/refresh:", on_click=engine().store.forget, args=(job.id,)
    )
    st.stop()


def _asked(question: GridsQuestion) -> Job:
    """The job, started if nobody has. One that failed or was cancelled stays so until forgotten."""
    known = engine().store.find(question.kind, to_json(question))
    if known is not None and known.state in ("failed", "cancelled"):
        return known
    return engine().runner.submit(question)


def _soon(job: Job) -> Job:
    """The job when it has ended, or as it is after half a second."""
    end = time.monotonic() + _PATIENCE
    while job.active and time.monotonic() < end:
        time.sleep(_LOOK)
        job = engine().store.get(job.id)
    return job
