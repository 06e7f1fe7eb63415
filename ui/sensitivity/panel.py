"""The sensitivity page: follow a run, read its table."""

from __future__ import annotations

import streamlit as st

from qcore.prepare.prepared import Prepared
from qcore.sensitivity.config import TARGETS
from qcore.store.job import Job
from ui import format as fmt
from ui.engine import engine
from ui.jobs import progress_text
from ui.results import METHOD_NAMES, can_go_on, data_title, go_on, table_of
from ui.sensitivity.inputs import at_chosen_inputs, choose_inputs
from ui.sensitivity.overview import overview
from ui.sensitivity.sections import section

# Drawing costs the browser, and so on a small machine the run itself, more than a line of text.
_PROGRESS_SECONDS, _CHART_SECONDS = 0.5, 4.0
_LINE = 90  # characters of a reason beside the button


def results(prepared: Prepared, job: Job) -> None:
    """Progress while the run goes on, and the table as far as it has come."""
    running = job.active
    inputs = choose_inputs(job)

    @st.fragment(run_every=_PROGRESS_SECONDS if running else None)
    def progress() -> None:
        now = engine().store.get(job.id)
        if running and not now.active:
            st.rerun()
        _state(now)

    @st.fragment(run_every=_CHART_SECONDS if running else None)
    def charts() -> None:
        now = engine().store.get(job.id)
        table = table_of(now, prepared)
        overview(prepared, now, table, at_chosen_inputs(table, inputs))

    @st.fragment(run_every=_CHART_SECONDS if running else None)
    def below() -> None:
        now = engine().store.get(job.id)
        table = table_of(now, prepared)
        section(prepared, now, table, at_chosen_inputs(table, inputs))

    progress()
    charts()
    below()


def _state(job: Job) -> None:
    """One line, always of the same height: progress, or how the run ended."""
    with st.container(height=64, border=False):
        if job.lost():
            _resume(job, "The worker of this run is gone; what it finished is kept.")
        elif job.active:
            st.progress(min(job.fraction, 1.0), text=progress_text(job))
        elif job.state == "cancelled":
            _resume(job, f"Stopped at {fmt.share(job.fraction)}; what was finished is kept.")
        elif job.state == "failed":
            _resume(job, job.message)
        else:
            asked = job.question["config"]
            forward = (job.result or {}).get("one_forward_seconds")
            note = "" if forward is None else f" (one forward pass: {fmt.duration(forward)})"
            loss, images = fmt.LOSS_NAMES[asked["objective"]], f"{asked['images']:,} images"
            what, title = TARGETS[asked["target"]], fmt.plain(data_title(job))
            st.markdown(
                f":material/check_circle: **{METHOD_NAMES[asked['method']]}**: {loss}, {what} "
                f"rounded, on {images} of {title}, measured in {fmt.duration(job.seconds)}{note}."
            )


def _resume(job: Job, text: str) -> None:
    line = fmt.shortened(text, _LINE)
    with st.container(horizontal=True, vertical_alignment="center"):
        if can_go_on(job):
            st.button("Resume", icon=":material/resume:", on_click=_go_on, args=(job,))
        else:
            st.caption("Its network or data were removed; bring them again to go on.")
        whole = None if line == text else fmt.plain(text)
        st.markdown(f":material/pause_circle: {fmt.plain(line)}", help=whole)


def _go_on(job: Job) -> None:
    go_on(job)
    st.rerun()  # the button is in a fragment; the whole page follows the run again
