"""Levels and errors of the chosen quantizer: known for the default, from a worker for others."""

from __future__ import annotations

import time

import streamlit as st

from qcore.jobs.questions import GridsQuestion
from qcore.prepare.grids_file import Grids, read_grids, symmetric_grids
from qcore.prepare.prepared import Prepared
from qcore.quantize.quantizer_texts import DEFAULT_QUANTIZER, QUANTIZER_TEXTS
from qcore.store.job import Job
from ui.engine import engine
from ui.jobs import finished, job_of
from ui.weights.read import statistics

_PATIENCE, _LOOK = 0.5, 0.02  # seconds: a small layer is there before a panel would flash up


def grids_of(prepared: Prepared, layer: str, quantizer: str) -> Grids:
    """What the quantizer makes of the layer. Does not return while a worker is at it."""
    if quantizer == DEFAULT_QUANTIZER:
        return symmetric_grids(statistics(prepared, layer))
    network = prepared.network
    question = GridsQuestion(network.name, network.fingerprint, layer, quantizer)
    what = f"{QUANTIZER_TEXTS[quantizer].title}, {layer}"
    job = _soon(job_of(question))
    finished(job, what)
    found = read_grids(question)
    if found is None:  # the file is gone: once more
        engine().store.forget(job.id)
        finished(_soon(job_of(question)), what)
        found = read_grids(question)
    if found is None:
        st.error("The store does not keep the levels: is its disk full?", icon=":material/error:")
        st.stop()
    return found


def _soon(job: Job) -> Job:
    """The job when it has ended, or as it is after half a second."""
    end = time.monotonic() + _PATIENCE
    while job.active and time.monotonic() < end:
        time.sleep(_LOOK)
        job = engine().store.get(job.id)
    return job
