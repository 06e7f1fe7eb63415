"""What a worker does with a job: the same functions that tests and the command line call."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from typing import Any

from qcore.errors import BadInput
from qcore.jobs.kinds import WORK
from qcore.jobs.reporter import Cancelled, Reporter, signs_of_life
from qcore.store.job import Job, State
from qcore.store.store import Store

log = logging.getLogger(__name__)

_ATTEMPTS = 3  # that may end the worker one after the other without a new piece


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
            elif reason := _reason_to_give_up(store, job):
                store.end(job_id, "failed", 0.0, reason)
            else:
                _answer(store, job, listener)
    finally:
        store.close()


def _reason_to_give_up(store: Store, job: Job) -> str:
    """Why a job is not tried again whose earlier attempt ended its worker; empty where it is."""
    if job.state != "running" or job.attempt_at is None:
        return ""
    if job.kind in ("prepare", "data"):
        return (
            "opening this file ended the worker; it was not tried again: "
            "check the file, or export it anew"
        )
    if store.attempts_in_vain(job.id) < _ATTEMPTS:
        return ""
    return (
        f"the worker ended {_ATTEMPTS} times at the same step; what was finished is kept: "
        "check the network and the data, or ask again"
    )


def _answer(store: Store, job: Job, listener: Callable[[float, str], None]) -> None:
    store.begin(job.id)
    started = time.perf_counter()

    def end(state: State, message: str = "", result: Mapping[str, Any] | None = None) -> None:
        seconds = time.perf_counter() - started
        store.end(job.id, state, seconds, " ".join(message.split()), result)

    try:
        with signs_of_life(store, job.id):
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
