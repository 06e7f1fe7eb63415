"""The store and the job runner that all visitors of this server share."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from qcore.jobs.questions import PrepareQuestion, to_json
from qcore.jobs.runner import JobRunner
from qcore.prepare.prepared import Prepared
from qcore.samples import source_stamp
from qcore.store.job import Job
from qcore.store.store import Store


@dataclass(frozen=True, eq=False)
class Engine:
    """What pages may call: questions go to the runner, answers come from the store."""

    store: Store
    runner: JobRunner


@st.cache_resource(show_spinner=False)
def engine() -> Engine:
    """One store and one runner for the life of the server."""
    store = Store()
    return Engine(store, JobRunner(store))


@st.cache_data(max_entries=64, show_spinner=False)
def _stamp(model: str) -> str:
    """Changes with a sample's files; uploads are called after their content."""
    kind, _, name = model.partition(":")
    return source_stamp(name) if kind == "sample" else ""


def prepare_job(model: str) -> Job:
    """The job that prepares a network, started if nobody has; done already where it ever was.

    One that failed or was cancelled stays so until somebody forgets it: every rerun of a page asks
    again.
    """
    question = PrepareQuestion(model, _stamp(model))
    known = engine().store.find(question.kind, to_json(question))
    if known is not None and known.state in ("failed", "cancelled"):
        return known
    job = engine().runner.submit(question)
    if job.state == "finished" and not prepared(job).weights_path.exists():
        engine().store.forget(job.id)
        return engine().runner.submit(question)
    return job


def prepared(job: Job) -> Prepared:
    """The result of a finished prepare job."""
    return _prepared(job.id, job.result)


@st.cache_data(max_entries=8, show_spinner=False)
def _prepared(job_id: str, _result: object) -> Prepared:
    assert isinstance(_result, dict)
    return Prepared.from_json(_result)
