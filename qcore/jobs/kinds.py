"""The work of each kind of job, inside the limits that a file from elsewhere is given."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from qcore.data.source import Split
from qcore.errors import BadInput
from qcore.jobs.limits import limited
from qcore.jobs.questions import DataQuestion, EvaluateQuestion, SensitivityQuestion
from qcore.jobs.reporter import Cancelled, Reporter
from qcore.store.store import Store

Listener = Callable[[float, str], None]


@contextlib.contextmanager
def _opening(job_id: str, store: Store) -> Iterator[None]:
    """The limits of a file that is opened; cancelled even where a library does not return."""
    with limited(
        lambda message: store.end(job_id, "failed", 0.0, message),
        lambda: store.cancel_requested(job_id),
        lambda: store.end(job_id, "cancelled", 0.0),
    ):
        yield


@contextlib.contextmanager
def _measuring(job_id: str, store: Store, reporter: Reporter) -> Iterator[Listener]:
    """The limits of work that may take hours as long as it moves; gives its progress callback."""
    with limited(lambda message: store.end(job_id, "failed", 0.0, message)) as moved:

        def progress(fraction: float, message: str) -> None:
            moved()
            reporter.progress(fraction, message)

        yield progress


def _prepare(
    job_id: str, question: Mapping[str, Any], store: Store, reporter: Reporter
) -> Mapping[str, Any]:
    from qcore.prepare.prepare import prepare

    with _opening(job_id, store):
        return prepare(question["model"], on_progress=reporter.progress_or_stop).to_json()


def _data(
    job_id: str, question: Mapping[str, Any], store: Store, reporter: Reporter
) -> Mapping[str, Any]:
    from qcore.data.load import load_data
    from qcore.measure.inspect_data import inspect_data
    from qcore.prepare.prepare import pair_of
    from qcore.prepare.preview import write_preview

    asked = DataQuestion.from_json(question)
    with _opening(job_id, store):
        network = _network(asked)
        reporter.progress_or_stop(0.0, "reading the data")
        data = load_data(asked.data, network, "calibration")
        held_out = load_data(asked.data, network, "evaluation")
        pair = pair_of(asked.data, data, held_out)
        write_preview(data, pair.calibration.fingerprint)
        report = inspect_data(network, data, held_out, on_progress=reporter.progress_or_stop)
    return {"pair": pair.to_json(), "report": report.to_json()}


def _sensitivity(
    job_id: str, question: Mapping[str, Any], store: Store, reporter: Reporter
) -> Mapping[str, Any]:
    from qcore.sensitivity.exact import measure_exact

    asked = SensitivityQuestion.from_json(question)
    with _measuring(job_id, store, reporter) as progress:
        network, data = _load(asked, "calibration")
        run = measure_exact(
            network,
            data,
            asked.config,
            done={(p.layer, p.bits, p.chunk) for p in store.pieces(job_id)},
            on_piece=lambda piece: store.add_piece(job_id, piece),
            on_progress=progress,
            should_stop=reporter.should_stop,
        )
    if not run.finished:
        raise Cancelled
    return {"one_forward_seconds": run.one_forward_seconds}


def _evaluate(
    job_id: str, question: Mapping[str, Any], store: Store, reporter: Reporter
) -> Mapping[str, Any]:
    from qcore.allocate.bits import BitAllocation
    from qcore.measure.evaluate import Stopped, evaluate

    asked = EvaluateQuestion.from_json(question)
    with contextlib.suppress(Stopped), _measuring(job_id, store, reporter) as progress:
        network, data = _load(asked, "evaluation")
        return evaluate(
            network,
            data,
            BitAllocation(dict(asked.bits)),
            asked.objective,
            on_progress=progress,
            should_stop=reporter.should_stop,
        ).to_json()
    raise Cancelled


def _network(asked: DataQuestion | SensitivityQuestion | EvaluateQuestion) -> Any:
    """The network, refused where it is no longer what the question was about."""
    from qcore.graph.load import load_network

    network = load_network(asked.model)
    if network.description.fingerprint != asked.model_fingerprint:
        raise BadInput("the network has changed since this was asked; open it again")
    return network


def _load(asked: SensitivityQuestion | EvaluateQuestion, split: Split) -> Any:
    """Network and data, refused where they are no longer what the question was about."""
    from qcore.data.load import load_data

    network = _network(asked)
    data = load_data(asked.data, network, split)
    if data.fingerprint() != asked.data_fingerprint:
        raise BadInput("the data have changed since this was asked; open them again")
    return network, data


WORK: dict[str, Callable[[str, Mapping[str, Any], Store, Reporter], Mapping[str, Any]]] = {
    "prepare": _prepare,
    "data": _data,
    "sensitivity": _sensitivity,
    "evaluate": _evaluate,
}
