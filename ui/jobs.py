"""Follow long work: progress, time left, cancel, resume."""

from __future__ import annotations

import streamlit as st

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
}

_SURE = 0.1  # share of an attempt's work before which its speed says little


def title(job: Job) -> str:
    """What the job does, and to which network."""
    return fmt.plain(f"{_TITLES[job.kind]} · {title_of(str(job.question['model']))}")


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


@st.fragment(run_every=2.0)
def running_jobs() -> None:
    """The sidebar's list of all active jobs, from any tab (opening a network shows itself)."""
    jobs = engine().store.active_jobs()
    active = [job for job in jobs if job.kind != "prepare" and not job.lost()]
    if not active:
        return
    st.caption("Running")
    for job in active:
        st.progress(min(job.fraction, 1.0), text=title(job))
        st.caption(progress_text(job))


def wait_for(job: Job, what: str) -> None:
    """Show a job's progress in place and rerun the page when it ends. Does not return while the
    job is active."""
    if not job.active:
        return

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
    st.stop()


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
