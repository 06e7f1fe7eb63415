"""Sensitivity runs that the store holds for a network: the one in view, and the others."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import datetime
from typing import get_args

import streamlit as st

from qcore.calibrate.clipping import Clipping, Target
from qcore.data.source import DataSource
from qcore.jobs.answers import sensitivity_table
from qcore.jobs.engine import ENGINE
from qcore.jobs.questions import SensitivityQuestion
from qcore.jobs.search_question import SearchQuestion
from qcore.prepare.prepared import DataPair, DataSummary, Prepared
from qcore.sensitivity.config import Measure, Quantized, SensitivityConfig
from qcore.sensitivity.table import SensitivityTable
from qcore.store.job import Job
from qcore.store.uploads import PREFIX
from ui.engine import engine
from ui.format import LOSS_NAMES, share
from ui.models import SAMPLE_MODELS, is_kept, is_there, title_of
from ui.state import follow_job, job_in_url

METHOD_NAMES: dict[Measure, str] = {
    "exact": "Exact",
    "projected": "Projected",
    "hessian": "Hessian",
    "noise": "Noise",
}
_TRUSTED: tuple[Measure, ...] = ("exact", "projected", "noise", "hessian")
TARGET_NAMES = {"weight": "Weights", "activation": "Inputs", "both": "Both"}


def sensitivity_job(
    prepared: Prepared, pair: DataPair, only: tuple[Quantized, ...] = get_args(Quantized)
) -> Job | None:
    """The run in the URL if it is about this network, else the newest one on these data; None
    without any.

    Where there are others, a menu chooses among them. ``only``: runs of these targets.
    """
    jobs = jobs_of("sensitivity", prepared)
    jobs = [job for job in jobs if job.question["config"]["target"] in only]
    wanted, data = job_in_url(), pair.calibration.fingerprint
    own = [job for job in jobs if job.question["data_fingerprint"] == data]
    chosen = next((job for job in jobs if job.id == wanted), own[0] if own else None)
    if only == get_args(Quantized) or chosen is not None:
        follow_job(None if chosen is None else chosen.id)
    if len(jobs) > 1 or (jobs and chosen is None):
        labels = _run_labels(jobs)
        st.session_state["run"] = None if chosen is None else chosen.id
        st.selectbox(
            "Run",
            list(labels),
            index=None,
            format_func=lambda job_id: labels.get(job_id, job_id),
            key="run",
            on_change=lambda: follow_job(st.session_state["run"]),
            placeholder="Nothing measured on these data yet; earlier runs are here",
            help="All runs on this network; the one shown is in the address of this page.",
        )
    return chosen


def jobs_of(kind: str, prepared: Prepared) -> list[Job]:
    """Newest first; those of an earlier version, whose numbers may differ, are left out."""
    jobs = engine().store.jobs_of(kind, prepared.network.fingerprint)
    return [job for job in jobs if job.question.get("engine") == ENGINE]


def search_of(job: Job | None, fingerprint: str) -> SearchQuestion | None:
    """What a search job about that network was asked; None for any other job, and where an earlier
    version asked it."""
    if job is None or job.kind != "search" or job.question.get("engine") != ENGINE:
        return None
    try:
        asked = SearchQuestion.from_json(job.question)
    except (KeyError, TypeError, ValueError):  # settings that agents no longer have
        return None
    return asked if asked.model_fingerprint == fingerprint else None


def _run_labels(jobs: list[Job]) -> dict[str, str]:
    """By id; runs that would be called the same are told apart by when they were asked for."""
    labels = {job.id: run_label(job) for job in jobs}
    often = Counter(labels.values())
    for job in jobs:
        if often[labels[job.id]] > 1:
            asked = datetime.fromtimestamp(job.asked_at)
            labels[job.id] = f"{asked:%d %b %H:%M:%S} · {labels[job.id]}"
    return labels


def run_label(job: Job) -> str:
    """A run in a line: how, what, which loss, which widths, on which images."""
    config = job.question["config"]
    asked = SensitivityConfig.from_json(config)
    bits = ", ".join(str(b) for b in config["bits"])
    if asked.activation_bits:
        bits += f" with inputs of {', '.join(str(b) for b in asked.activation_bits)}"
    # The bar says what an active one does; a menu is drawn once.
    state = "" if job.active or job.state == "finished" else f" · {job.state}"
    name = LOSS_NAMES[config["objective"]]
    what = TARGET_NAMES[config["target"]].lower()
    chosen = Clipping.from_json(config["clipping"])
    used: tuple[Target, ...] = get_args(Target)
    clipping = ", ".join(chosen.text(t) for t in used if config["target"] in (t, "both"))
    clipping += ", bias-corrected" * asked.corrects_biases
    clipping += f", all else at {asked.base} bits" * (asked.base is not None)
    if asked.tolerance is not None:
        clipping += f", stops at {share(asked.tolerance)}"
    if asked.refine is not None:
        clipping += f", refined by {asked.refine} passes"
    on = f"{config['images']:,} images of {data_title(job)}"
    return f"{METHOD_NAMES[asked.method]}, {what} ({clipping}) · {name} · {bits} bits · {on}{state}"


def data_title(job: Job) -> str:
    """What the data of a job are called."""
    source = DataSource.from_json(job.question["data"])
    return title_of(source.reference) if source.reference in SAMPLE_MODELS else source.title


def comparable(prepared: Prepared, job: Job) -> list[Job]:
    """Finished runs on this network that share a bit width with this one, the likest first: same
    images, target and loss, another measure; then the better measure, then the newest."""
    asked, bits = job.question, set(job.question["config"]["bits"])
    found = [other for other in jobs_of("sensitivity", prepared) if other.id != job.id]
    found = [other for other in found if other.state == "finished"]
    found = [other for other in found if bits & set(other.question["config"]["bits"])]

    def unlike(other: Job) -> tuple[int, ...]:
        config, own = other.question["config"], asked["config"]
        same = [config[name] == own[name] for name in ("target", "objective")]
        data = other.question["data_fingerprint"] == asked["data_fingerprint"]
        again = config["method"] == own["method"]
        return (not data, *(not one for one in same), again, _TRUSTED.index(config["method"]))

    return sorted(found, key=unlike)


def question_of(job: Job, method: Measure) -> SensitivityQuestion:
    """What a run asked, of another measure."""
    asked = SensitivityQuestion.from_json(job.question)
    return replace(asked, config=replace(asked.config, method=method, probes=None))


def table_of(job: Job, prepared: Prepared) -> SensitivityTable:
    """The table of a run as far as it has come."""
    if job.state != "finished":
        return sensitivity_table(engine().store, job, prepared.network)
    return _finished_table(job.id, job.asked_at, job, prepared)


@st.cache_resource(max_entries=16, show_spinner=False)
def _finished_table(
    job_id: str, asked_at: float, _job: Job, _prepared: Prepared
) -> SensitivityTable:
    return sensitivity_table(engine().store, _job, _prepared.network)


def start_sensitivity(prepared: Prepared, data: DataSummary, config: SensitivityConfig) -> None:
    """Start (or go on with) the run of a configuration on calibration data."""
    question = SensitivityQuestion(
        prepared.network.name,
        prepared.network.fingerprint,
        data.source,
        data.fingerprint,
        config,
    )
    follow_job(engine().runner.submit(question).id)


def can_go_on(job: Job) -> bool:
    """False where the network or the data of a run were removed."""
    source = DataSource.from_json(job.question["data"])
    model = str(job.question["model"])
    if model not in SAMPLE_MODELS and not is_there(model):
        return False
    return not source.reference.startswith(PREFIX) or is_kept(source.reference)


def go_on(job: Job) -> None:
    """Take up a run that was stopped, as it was asked."""
    follow_job(engine().runner.submit(SensitivityQuestion.from_json(job.question)).id)
