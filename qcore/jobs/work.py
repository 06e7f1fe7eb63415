"""What a worker does with a job: the same functions that tests and the command line call."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from qcore.data.source import Split
from qcore.errors import BadInput
from qcore.jobs.limits import limited
from qcore.jobs.questions import DataQuestion, EvaluateQuestion, SensitivityQuestion
from qcore.store.job import BEAT_SECONDS, Job, State
from qcore.store.store import Store

log = logging.getLogger(__name__)

_BEAT_SECONDS = 0.25  # how often progress is written and a cancel request looked for


class Cancelled(Exception):
    """The job was asked to stop and what it had finished is in the store."""


class Reporter:
    """Writes progress and reads cancel requests, at most four times a second."""

    def __init__(self, store: Store, job: str, listener: Callable[[float, str], None]) -> None:
        self._store, self._job, self._listener = store, job, listener
        self._last = 0.0
        self._stop = False

    def progress(self, fraction: float, message: str) -> None:
        now = time.monotonic()
        if now - self._last < _BEAT_SECONDS and fraction < 1:
            return
        self._last = now
        self._store.beat(self._job, fraction, message)
        self._stop = self._store.cancel_requested(self._job)
        self._listener(fraction, message)

    def should_stop(self) -> bool:
        return self._stop


def run_job(
    job_id: str,
    url: str,
    listener: Callable[[float, str], None] = lambda fraction, message: None,
) -> None:
    """Answer one queued question and write the outcome to the store at ``url``.

    A user's mistake ends the job as failed with its one line; any other error too, with its type,
    and is logged whole. ``listener`` hears of progress in the process that runs this.
    """
    store = Store(url)
    try:
        job = store.job(job_id)
        if job is not None and job.active:
            if job.cancel_requested:  # since an earlier attempt, whose process died
                store.end(job_id, "cancelled", 0.0)
            else:
                _answer(store, job, listener)
    finally:
        store.close()


def _answer(store: Store, job: Job, listener: Callable[[float, str], None]) -> None:
    store.begin(job.id)
    started = time.perf_counter()

    def end(state: State, message: str = "", result: Mapping[str, Any] | None = None) -> None:
        seconds = time.perf_counter() - started
        store.end(job.id, state, seconds, " ".join(message.split()), result)

    try:
        with _signs_of_life(store, job.id):
            reporter = Reporter(store, job.id, listener)
            result = WORK[job.kind](job.id, job.question, store, reporter)
        end("finished", result=result)
    except Cancelled:
        end("cancelled")
    except KeyboardInterrupt:
        end("cancelled")
        raise
    except BadInput as error:
        end("failed", str(error))
    except Exception as error:
        log.exception("job %s failed", job.id)
        end("failed", f"unexpected {type(error).__name__}: {error}; the log has the details")


@contextlib.contextmanager
def _signs_of_life(store: Store, job_id: str) -> Iterator[None]:
    over = threading.Event()

    def show() -> None:
        while not over.wait(BEAT_SECONDS):
            store.still_there(job_id, "running")

    thread = threading.Thread(target=show, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _prepare(
    job_id: str, question: Mapping[str, Any], store: Store, reporter: Reporter
) -> Mapping[str, Any]:
    from qcore.prepare.prepare import prepare

    with limited(lambda message: store.end(job_id, "failed", 0.0, message)):
        return prepare(question["model"], on_progress=reporter.progress).to_json()


def _data(
    job_id: str, question: Mapping[str, Any], store: Store, reporter: Reporter
) -> Mapping[str, Any]:
    from qcore.data.load import load_data
    from qcore.measure.inspect_data import inspect_data
    from qcore.prepare.prepare import load_pair
    from qcore.prepare.preview import write_preview

    asked = DataQuestion.from_json(question)
    with limited(lambda message: store.end(job_id, "failed", 0.0, message)):
        network = _network(asked)
        reporter.progress(0.0, "reading the data")
        pair = load_pair(asked.data, network)
        data = load_data(asked.data, network, "calibration")
        write_preview(data, pair.calibration.fingerprint)
        report = inspect_data(network, data, on_progress=reporter.progress)
    return {"pair": pair.to_json(), "report": report.to_json()}


def _sensitivity(
    job_id: str, question: Mapping[str, Any], store: Store, reporter: Reporter
) -> Mapping[str, Any]:
    from qcore.sensitivity.exact import measure_exact

    asked = SensitivityQuestion.from_json(question)
    network, data = _load(asked, "calibration")
    known = {(p.layer, p.bits, p.chunk) for p in store.pieces(job_id)}
    run = measure_exact(
        network,
        data,
        asked.config,
        done=known,
        on_piece=lambda piece: store.add_piece(job_id, piece),
        on_progress=reporter.progress,
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
    network, data = _load(asked, "evaluation")
    with contextlib.suppress(Stopped):
        return evaluate(
            network,
            data,
            BitAllocation(dict(asked.bits)),
            asked.objective,
            on_progress=reporter.progress,
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
