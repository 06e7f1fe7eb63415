"""Answers that the store holds for a network: the sensitivity run in view, what was measured."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from qcore.data.source import DataSource
from qcore.hardware.size import average_bits, size_ledger
from qcore.jobs.answers import sensitivity_table
from qcore.jobs.questions import EvaluateQuestion, SensitivityQuestion, to_json
from qcore.measure.evaluation import Evaluation
from qcore.prepare.prepared import DataPair, DataSummary, Prepared
from qcore.sensitivity.table import Objective, SensitivityConfig, SensitivityTable
from qcore.store.job import Job
from qcore.store.uploads import PREFIX
from ui.engine import engine
from ui.format import LOSS_NAMES
from ui.models import SAMPLE_MODELS, is_kept, is_there
from ui.state import follow_job, job_in_url


def sensitivity_job(prepared: Prepared, pair: DataPair) -> Job | None:
    """The run in the URL if it is about this network, else the newest one on these data; None
    without any.

    Where there are others, a menu chooses among them.
    """
    jobs = engine().store.jobs_of("sensitivity", prepared.network.fingerprint)
    wanted, data = job_in_url(), pair.calibration.fingerprint
    own = [job for job in jobs if job.question["data_fingerprint"] == data]
    chosen = next((job for job in jobs if job.id == wanted), own[0] if own else None)
    follow_job(None if chosen is None else chosen.id)
    if len(jobs) > 1 or (jobs and chosen is None):
        labels = {job.id: _label(job) for job in jobs}
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


def _label(job: Job) -> str:
    config = job.question["config"]
    bits = ", ".join(str(b) for b in config["bits"])
    state = "" if job.state == "finished" else f" · {job.state}"
    name = LOSS_NAMES[config["objective"]]
    return f"{name} · {bits} bits · {config['images']:,} images of {data_title(job)}{state}"


def data_title(job: Job) -> str:
    """What the data of a job are called."""
    return DataSource.from_json(job.question["data"]).title


def table_of(job: Job, prepared: Prepared) -> SensitivityTable:
    """The table of a run as far as it has come."""
    return sensitivity_table(engine().store, job, prepared.network)


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


def start_evaluation(
    prepared: Prepared, data: DataSummary, bits: dict[str, int], objective: Objective
) -> None:
    """Measure an allocation on evaluation data."""
    engine().runner.submit(_evaluation(prepared, data, bits, objective))


@dataclass(frozen=True)
class Measured:
    """A measured allocation."""

    bits: dict[str, int | None]
    size_bytes: int
    average_bits: float
    evaluation: Evaluation


def evaluation_of(
    prepared: Prepared, data: DataSummary, bits: dict[str, int], objective: Objective
) -> Job | None:
    """The job that measures this allocation, None where nobody has asked."""
    question = _evaluation(prepared, data, bits, objective)
    return engine().store.find(question.kind, to_json(question))


def measured(prepared: Prepared, pair: DataPair, objective: Objective) -> list[Measured]:
    """All allocations of this network measured on these data with this objective, newest first."""
    found = []
    for job in _evaluations(prepared, pair, objective):
        if job.state != "finished" or not job.result:
            continue
        bits = dict(job.question["bits"])
        total = size_ledger(prepared.network, bits).total_bytes
        average = average_bits(prepared.network, bits)
        found.append(Measured(bits, total, average, Evaluation.from_json(job.result)))
    return found


def pending_evaluations(prepared: Prepared, pair: DataPair, objective: Objective) -> list[Job]:
    """Measurements of this network that are queued or running, oldest first."""
    jobs = reversed(_evaluations(prepared, pair, objective))
    return [job for job in jobs if job.active and not job.lost()]


def _evaluations(prepared: Prepared, pair: DataPair, objective: Objective) -> list[Job]:
    """All measurements on the evaluation data, newest first."""
    same = (pair.evaluation.fingerprint, objective)
    jobs = engine().store.jobs_of("evaluate", prepared.network.fingerprint)
    return [j for j in jobs if (j.question["data_fingerprint"], j.question["objective"]) == same]


def _evaluation(
    prepared: Prepared, data: DataSummary, bits: dict[str, int], objective: Objective
) -> EvaluateQuestion:
    return EvaluateQuestion(
        prepared.network.name,
        prepared.network.fingerprint,
        data.source,
        data.fingerprint,
        tuple(bits.items()),
        objective,
    )
