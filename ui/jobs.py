"""Follow long work: progress, time left, cancel, resume."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from qcore.calibrate.clipping import Clipping
from qcore.jobs.questions import Question, to_json
from qcore.store.job import SILENT_SECONDS, Job
from ui import format as fmt
from ui.engine import engine
from ui.models import title_of

_TITLES = {
    "prepare": "Opening network",
    "data": "Looking at data",
    "grids": "Quantizing weights",
    "calibrate": "Calibrating",
    "thresholds": "Finding thresholds",
    "layer_loss": "Measuring a layer",
    "sensitivity": "Measuring sensitivity",
    "trust": "Checking a table",
    "evaluate": "Measuring allocation",
    "latency": "Measuring latency",
    "search": "Searching bits",
}

_SURE = 0.1  # share of an attempt's work before which its speed says little


def title(job: Job) -> str:
    """What the job does, and to which network."""
    what = _TITLES[job.kind]
    if job.kind == "evaluate":
        what = f"Measuring {_allocation(job.question)}"
    return fmt.plain(f"{what} · {title_of(str(job.question['model']))}")


def _allocation(question: Mapping[str, Any]) -> str:
    """Example: uniform 5 bit; 2 to 8 bits per layer."""
    found = [weight for _, weight, _ in question["bits"] if weight is not None]
    flat = [b for weight in found for b in (weight if isinstance(weight, list) else [weight])]
    if not flat:
        return "full precision"
    if len(set(flat)) == 1:
        corrected = Clipping.from_json(question["clipping"]).bias_correction
        return f"{'' if corrected else 'plain '}uniform {flat[0]} bit"
    each = "kernel" if len(flat) > len(found) else "layer"
    return f"{min(flat)} to {max(flat)} bits per {each}"


def progress_text(job: Job) -> str:
    """How far, what is being done, and how long it will still take."""
    if job.stopping:
        return "stopping after the present step …"
    if job.state == "queued":
        return "waiting for a worker …"
    left = job.seconds_left()
    if left is None:
        return f"{fmt.plain(job.message or 'starting')} …"
    if job.fraction - job.attempt_fraction < _SURE * (1 - job.attempt_fraction):
        return f"{job.fraction:.0%} · {fmt.plain(job.message)}"
    return f"{job.fraction:.0%} · {fmt.duration(left)} left · {fmt.plain(job.message)}"


def job_of(question: Question) -> Job:
    """The job of a question, started where nobody has.

    One that failed or was cancelled stays so until somebody forgets it: every rerun asks again.
    """
    known = engine().store.find(question.kind, to_json(question))
    if known is not None and known.state in ("failed", "cancelled"):
        return known
    return engine().runner.submit(question)


def cancel(job_id: str) -> None:
    """Ask a job to stop; for buttons."""
    engine().runner.cancel(job_id)


def running_jobs() -> None:
    """The sidebar's list of all active jobs, from any tab (opening a network shows itself). It is
    looked after while there are any; jobs are started by reruns, which draw it anew."""
    if not _active():
        return

    @st.fragment(run_every=2.0)
    def panel() -> None:
        active = _active()
        if not active:
            st.rerun()
        st.caption("Running")
        alike: dict[str, list[Job]] = {}
        for job in active:
            alike.setdefault(title(job), []).append(job)
        for name, jobs in alike.items():
            _running(name, jobs)

    panel()


def _cancel_all(job_ids: list[str]) -> None:
    for job_id in job_ids:
        cancel(job_id)


def _active() -> list[Job]:
    jobs = engine().store.active_jobs()
    return [job for job in jobs if job.kind != "prepare" and not job.lost()]


def _running(name: str, jobs: list[Job]) -> None:
    """Jobs of one title in a line: how far the first is, and a button that stops all of them."""
    job = max(jobs, key=lambda one: one.fraction)
    several = f" ({len(jobs)} of them)" if len(jobs) > 1 else ""
    st.progress(min(job.fraction, 1.0), text=f"{name}{several}")
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(progress_text(job), width="stretch")
        st.button(
            "Stop",
            key=f"stop-{job.id}",
            type="tertiary",
            on_click=_cancel_all,
            args=([one.id for one in jobs],),
            disabled=all(one.cancel_requested for one in jobs),
        )


def wait_for(job: Job, what: str) -> None:
    """Follow a job in place. Does not return while it is active."""
    if job.active:
        follow(job, what)
        st.stop()


def follow(job: Job, what: str) -> None:
    """Show a job's progress in place, with Cancel, and rerun the page when it ends."""

    @st.fragment(run_every=0.4)
    def panel() -> None:
        now = engine().store.get(job.id)
        if not now.active:
            st.rerun()
        st.progress(min(now.fraction, 1.0), text=f"{fmt.plain(what)}: {progress_text(now)}")
        st.button(
            "Cancel",
            icon=":material/stop_circle:",
            key=f"cancel-{job.id}",
            on_click=cancel,
            args=(job.id,),
            disabled=now.cancel_requested,
        )
        if now.lost():
            silent = fmt.duration(SILENT_SECONDS)
            st.warning(f"No worker has answered for {silent}. Reload the page to start again.")

    panel()


def finished(job: Job, what: str) -> None:
    """Follow a job to its end. Returns where it is finished; else says why it is not."""
    wait_for(job, what)
    if job.state == "finished":
        return
    cancelled = job.state == "cancelled"
    text = fmt.plain(f"{what} was cancelled." if cancelled else job.message)
    st.error(text, icon=":material/error:")
    st.button(
        "Try again",
        icon=":material/refresh:",
        key=f"again-{job.id}",
        on_click=engine().store.forget,
        args=(job.id,),
    )
    st.stop()
