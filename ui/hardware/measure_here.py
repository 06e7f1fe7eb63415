"""Time the network on this machine: start it, and what became of it."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from qcore.jobs.engine import ENGINE
from qcore.jobs.questions import LatencyQuestion
from qcore.prepare.prepared import Prepared
from qcore.store.job import Job
from ui import format as fmt
from ui.engine import engine

_BATCH, _THREADS = "latency_batch", "latency_threads"
_MOST_IMAGES, _MOST_THREADS = 1024, 256


def newest_job(prepared: Prepared) -> Job | None:
    """The last measurement of this network that was asked for, None before the first."""
    jobs = engine().store.jobs_of("latency", prepared.network.fingerprint)
    return next((job for job in jobs if job.question.get("engine") == ENGINE), None)


def under_way(job: Job | None) -> bool:
    return job is not None and job.active and not job.lost()


def start_row(prepared: Prepared, label: str, busy: bool) -> None:
    """The button, and what is asked."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.button(
            label,
            type="primary",
            icon=":material/speed:",
            key="latency-start",
            on_click=_start,
            args=(prepared,),
            disabled=busy,
        )
        st.number_input(
            "Images in a batch",
            min_value=1,
            max_value=_MOST_IMAGES,
            value=prepared.network.batch or 1,
            disabled=prepared.network.batch is not None,
            key=_BATCH,
            width=140,
            help="Worked on together.",
        )
        st.number_input(
            "Threads",
            min_value=1,
            max_value=_MOST_THREADS,
            value=None,
            key=_THREADS,
            placeholder="all cores",
            width=140,
            help="That work inside one operator.",
        )


def outcome(job: Job | None) -> None:
    """What became of a measurement that gave no result."""
    if job is None:
        return
    if job.state == "failed":
        st.error(fmt.plain(fmt.capital(job.message)), icon=":material/error:")
    elif job.state == "cancelled":
        st.caption("The last measurement was cancelled; nothing of it was kept.")
    elif job.lost():
        st.caption("The last measurement lost its worker; start it again.")


def _start(prepared: Prepared) -> None:
    batch, threads = int(st.session_state[_BATCH]), st.session_state[_THREADS]
    asked = LatencyQuestion(
        prepared.network.name,
        prepared.network.fingerprint,
        batch,
        None if threads is None else int(threads),
    )
    engine().runner.submit(_again(asked))


def _again(asked: LatencyQuestion) -> LatencyQuestion:
    """The next repetition of what was measured before: a finished question is not worked on."""
    jobs = engine().store.jobs_of("latency", asked.model_fingerprint)
    same = (asked.batch, asked.threads)
    done = [
        int(job.question["repetition"])
        for job in jobs
        if job.state == "finished" and (job.question["batch"], job.question["threads"]) == same
    ]
    return replace(asked, repetition=max(done, default=-1) + 1)
