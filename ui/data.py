"""The calibration data of a network: which are chosen, and the jobs that look at them."""

from __future__ import annotations

import streamlit as st

from qcore.data.source import DataSource
from qcore.jobs.questions import DataQuestion
from qcore.measure.data_report import DataReport
from qcore.prepare.prepared import DataPair, Prepared
from qcore.store.job import Job
from ui import format as fmt
from ui.engine import engine
from ui.jobs import wait_for
from ui.router import PAGES
from ui.state import DATA, choose_data

SAMPLE_DATA = "sample"
"""The choice that stands for the data a sample network comes with."""


def data_jobs(prepared: Prepared) -> list[Job]:
    """All looks at data for this network, newest first."""
    return engine().store.jobs_of("data", prepared.network.fingerprint)


def data_choices(prepared: Prepared) -> dict[str, str]:
    """Id -> title of what can be chosen, the default first."""
    jobs = [job for job in data_jobs(prepared) if job.state != "cancelled"]
    found = {job.id: _title(job) for job in jobs}
    return {SAMPLE_DATA: "comes with the sample", **found} if prepared.data else found


def chosen_job(prepared: Prepared) -> Job | None:
    """The look at the chosen data; None for a sample's own data, or where there are none."""
    chosen = st.session_state.get(DATA)
    if chosen == SAMPLE_DATA or (chosen is None and prepared.data):
        return None
    jobs = data_jobs(prepared)
    return next((job for job in jobs if job.id == chosen), _newest(jobs))


def _newest(jobs: list[Job]) -> Job | None:
    """The newest that can be used, else the newest."""
    finished = (job for job in jobs if job.state == "finished")
    return next(finished, jobs[0] if jobs else None)


def default_choice(prepared: Prepared) -> str | None:
    """What is chosen before anybody has chosen: a sample's own data, else the newest."""
    if prepared.data is not None:
        return SAMPLE_DATA
    job = _newest(data_jobs(prepared))
    return None if job is None else job.id


def require_data(prepared: Prepared, purpose: str) -> DataPair:
    """The chosen data. Without any: what they are for, and where to bring them.

    Does not return while there are none.
    """
    job = chosen_job(prepared)
    if job is None:
        if prepared.data is not None:
            return prepared.data
        st.info(
            f"{purpose} A few dozen images like those the network was trained on are enough.",
            icon=":material/photo_library:",
        )
        st.page_link(PAGES["data"].path, label="Bring images", icon=":material/photo_library:")
        st.stop()
    wait_for(job, "Looking at the data")
    if job.state != "finished":
        st.error(fmt.plain(job.message or "Looking at the data was cancelled."))
        st.page_link(PAGES["data"].path, label="Go to Data", icon=":material/photo_library:")
        st.stop()
    return pair_of(job)


def pair_of(job: Job) -> DataPair:
    """What a finished look found to calibrate and to measure on."""
    assert job.result is not None
    return DataPair.from_json(job.result["pair"])


def report_of(job: Job) -> DataReport:
    """What a finished look says about the data."""
    assert job.result is not None
    return DataReport.from_json(job.result["report"])


def pair_for_run(prepared: Prepared, fingerprint: str, chosen: DataPair) -> DataPair | None:
    """The pair whose calibration half a sensitivity run was made on; None where it is gone.

    Other images must not stand in for it: some may be among those the run was made on.
    """
    pairs = [pair_of(job) for job in data_jobs(prepared) if job.state == "finished"]
    candidates = [chosen, *([prepared.data] if prepared.data else []), *pairs]
    return next((p for p in candidates if p.calibration.fingerprint == fingerprint), None)


def look_at(prepared: Prepared, source: DataSource) -> None:
    """Start looking at data and choose them; for callbacks. Sample data are chosen at once."""
    if prepared.data is not None and source == prepared.data.calibration.source:
        choose_data(SAMPLE_DATA)
        return
    network = prepared.network
    question = DataQuestion(network.name, network.fingerprint, source)
    choose_data(engine().runner.submit(question).id)


def _title(job: Job) -> str:
    source = DataSource.from_json(job.question["data"])
    how = source.preprocessing
    if how is None:
        return source.title
    means = ", ".join(f"{value:.3g}" for value in how.mean)
    return f"{source.title} · mean {means} · {job.id[:4]}"
