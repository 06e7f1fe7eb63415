"""A question from the command line: answered from the store, or here and now."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qcore.errors import BadInput
from qcore.jobs.questions import Question, to_json
from qcore.jobs.work import run_job
from qcore.store.job import Job
from qcore.store.store import Store

Listener = Callable[[float, str], None]


def answered(store: Store, question: Question, listener: Listener, *, fresh: bool = False) -> Job:
    """The finished job of a question; ``fresh``: what the store knows of it is forgotten first.

    Raises BadInput where another process is at it, it failed or was cancelled.
    """
    asked: dict[str, Any] = to_json(question)
    old = store.find(question.kind, asked)
    if fresh and old is not None and (not old.active or old.lost()):
        store.forget(old.id)
    job, start = store.ask(question.kind, asked)
    if not start and job.active:
        raise BadInput("this is being answered by another process; wait until it has ended")
    if start:
        run_job(job.id, store.url, listener)
        job = store.get(job.id)
    if job.state != "finished":
        raise BadInput(job.message or "the run was cancelled; the same command goes on")
    return job
