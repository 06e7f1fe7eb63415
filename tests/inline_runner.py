"""Runners for pages under test: jobs run where they are submitted, or never."""

from __future__ import annotations

from qcore.jobs.questions import Question, to_json
from qcore.jobs.work import run_job
from qcore.store.job import Job
from qcore.store.store import Store


class InlineRunner:
    """A runner that has finished a job before ``submit`` returns."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def submit(self, question: Question) -> Job:
        job, start = self.store.ask(question.kind, to_json(question))
        if start:
            run_job(job.id, self.store.url)
        return self.store.get(job.id)

    def cancel(self, job_id: str) -> None:
        self.store.request_cancel(job_id)


class IdleRunner(InlineRunner):
    """A runner whose workers never take a job."""

    def submit(self, question: Question) -> Job:
        return self.store.ask(question.kind, to_json(question))[0]
