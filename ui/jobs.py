"""Follow long work: progress, time left, cancel, resume."""

from __future__ import annotations

import streamlit as st

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
    "evaluate": "Measuring allocation",
}


def title(job: Job) -> str:
    """What the job does, and to which network."""
    name = title_of(str(job.question["model"])).removeprefix("sample:")
    return fmt.plain(f"{_TITLES[job.kind]} · {name}")


def progress_text(job: Job) -> str:
    """How far, what is being done, and how long it will still take."""
    if job.stopping:
        return "stopping after the present step …"
    if job.state == "queued":
        return "waiting for a worker …"
    left = job.seconds_left()
    if left is None:
        return f"{fmt.plain(job.message or 'starting')} …"
    return f"{job.fraction:.0%} · {fmt.duration(left)} left · {fmt.plain(job.message)}"


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
