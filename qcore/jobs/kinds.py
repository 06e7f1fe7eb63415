"""The work of each kind of job, inside the limits that a file from elsewhere is given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from qcore.jobs.inside import measuring, network_of, opening, stopped_is_cancelled
from qcore.jobs.kinds_latency import latency
from qcore.jobs.kinds_measure import calibrate, evaluate, layer_loss, thresholds
from qcore.jobs.kinds_search import search
from qcore.jobs.kinds_sensitivity import sensitivity
from qcore.jobs.kinds_trust import trust
from qcore.jobs.questions import DataQuestion, GridsQuestion
from qcore.jobs.reporter import Reporter
from qcore.store.store import Store


def _prepare(
    job_id: str, question: Mapping[str, Any], store: Store, reporter: Reporter
) -> Mapping[str, Any]:
    from qcore.prepare.prepare import prepare

    with opening(job_id, store):
        return prepare(question["model"], on_progress=reporter.progress_or_stop).to_json()


def _data(
    job_id: str, question: Mapping[str, Any], store: Store, reporter: Reporter
) -> Mapping[str, Any]:
    from qcore.data.load import load_data
    from qcore.measure.inspect_data import inspect_data
    from qcore.prepare.prepare import pair_of
    from qcore.prepare.preview import write_preview

    asked = DataQuestion.from_json(question)
    with opening(job_id, store):
        network = network_of(asked)
        reporter.progress_or_stop(0.0, "reading the data")
        data = load_data(asked.data, network, "calibration")
        held_out = load_data(asked.data, network, "evaluation")
        pair = pair_of(asked.data, data, held_out)
        write_preview(data, pair.calibration.fingerprint)
        report = inspect_data(network, data, held_out, on_progress=reporter.progress_or_stop)
    return {"pair": pair.to_json(), "report": report.to_json()}


def _grids(
    job_id: str, question: Mapping[str, Any], store: Store, reporter: Reporter
) -> Mapping[str, Any]:
    from qcore.prepare.grids import write_grids

    with stopped_is_cancelled(), measuring(job_id, store, reporter) as progress:
        return write_grids(GridsQuestion(**question), progress, reporter.should_stop)


WORK: dict[str, Callable[[str, Mapping[str, Any], Store, Reporter], Mapping[str, Any]]] = {
    "prepare": _prepare,
    "data": _data,
    "grids": _grids,
    "calibrate": calibrate,
    "thresholds": thresholds,
    "layer_loss": layer_loss,
    "sensitivity": sensitivity,
    "trust": trust,
    "evaluate": evaluate,
    "latency": latency,
    "search": search,
}
