"""Start jobs on workers: an embedded local cluster, or a dask scheduler that already runs."""

from __future__ import annotations

import contextlib
import logging
import os
import threading
from concurrent.futures import Future as ThreadFuture
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from qcore.jobs.questions import Question, to_json
from qcore.jobs.work import run_job
from qcore.store.disk import sweep
from qcore.store.job import BEAT_SECONDS, Job
from qcore.store.store import Store

log = logging.getLogger(__name__)

# A run of minutes to hours must not keep a person from opening another network, or from looking at
# a threshold: two workers, one for each.
_SLOT = {
    "prepare": "short",
    "data": "short",
    "grids": "short",
    "calibrate": "short",
    "thresholds": "short",
    "layer_loss": "short",
    "evaluate": "short",
    "sensitivity": "long",
    "trust": "short",
    "latency": "long",  # never beside a sensitivity run or another latency: both would be wrong
    "search": "long",
}
_TIMES = 5  # that a job which others kept from beginning is submitted again


class JobRunner:
    """Submits jobs and forgets them: all that is known of a job is in the store.

    The cluster starts in a thread, so that the first page need not wait for it; jobs asked for in
    the meantime are queued. ``scheduler`` is the address of a running dask scheduler (default:
    ``BITDIAL_SCHEDULER``); its workers must see the same database and BITDIAL_HOME.
    """

    def __init__(self, store: Store, scheduler: str | None = None) -> None:
        self.store = store
        self._scheduler = scheduler or os.environ.get("BITDIAL_SCHEDULER")
        self._futures: dict[str, Any] = {}
        self._cluster: Any = None
        self._lock = threading.Lock()
        self._threads = ThreadPoolExecutor(1, thread_name_prefix="bitdial-jobs")
        self._client: ThreadFuture[Any] = self._threads.submit(self._connect)
        self._waiting: set[str] = set()
        self._closing = threading.Event()
        threading.Thread(target=self._wait_with_queued_jobs, daemon=True).start()

    def submit(self, question: Question) -> Job:
        """Ask; start work where the store has no answer and nobody is at it. Returns at once."""
        job, start = self.store.ask(question.kind, to_json(question))
        if start:
            with self._lock:
                self._waiting.add(job.id)
            self._threads.submit(self._start, job)
        return job

    def cancel(self, job_id: str) -> None:
        """Ask a job to stop; what it has finished is kept."""
        self.store.request_cancel(job_id)

    def close(self) -> None:
        """Stop the cluster (workers finish nothing; the store has what they wrote)."""
        self._closing.set()
        self._threads.shutdown(wait=True, cancel_futures=True)
        if not self._client.cancelled() and self._client.exception() is None:
            self._client.result().close()
        if self._cluster is not None:
            self._cluster.close()

    def wait_until_ready(self) -> None:
        """Block until workers can take jobs (tests and benchmarks; pages never wait)."""
        self._client.result()

    def _connect(self) -> Any:
        from distributed import Client

        sweep()
        if self._scheduler:
            return Client(self._scheduler)
        from qcore.jobs.cluster import local_cluster

        self._cluster = local_cluster()
        return Client(self._cluster)

    def _wait_with_queued_jobs(self) -> None:
        """A job behind another one has nobody else to say that it is not lost."""
        while not self._closing.wait(BEAT_SECONDS):
            with self._lock:
                waiting = tuple(self._waiting)
            for job_id in waiting:
                self.store.still_there(job_id, "queued")

    def _start(self, job: Job, times: int = 0) -> None:
        try:
            client = self._client.result()
            slot = {} if self._scheduler else {"resources": {_SLOT[job.kind]: 1}}
            key = f"{job.kind}-{job.id}-{job.asked_at}-{times}"
            # In the order they were asked; dask takes what comes within 100 ms as equal.
            order = {"pure": False, "fifo_timeout": "0 ms"}
            future = client.submit(run_job, job.id, self.store.url, key=key, **order, **slot)
            with self._lock:
                self._futures[job.id] = future  # dask drops work whose future is dropped
            future.add_done_callback(lambda done: self._ended(job, done, times))
        except Exception as error:
            log.exception("job %s could not be started", job.id)
            with self._lock:
                self._waiting.discard(job.id)
                if self._client.done() and self._client.exception() is not None:
                    self._client = self._threads.submit(self._connect)  # for the next job
            self.store.end(job.id, "failed", 0.0, f"no worker could be started: {error}")

    def _ended(self, job: Job, future: Any, times: int) -> None:
        with self._lock:
            present = self._futures.get(job.id) is future
            if present:
                del self._futures[job.id]
        if not present:
            return
        if future.status == "error":
            now, error = self.store.job(job.id), type(future.exception()).__name__
            if (
                error == "KilledWorker"
                and now is not None
                and _never_begun(now, job)
                and times < _TIMES
            ):
                with contextlib.suppress(RuntimeError):  # this runner is being closed
                    self._threads.submit(self._start, job, times + 1)
                return
            if now is not None and now.active:
                message = f"the worker died while on this: {error}; what was finished is kept"
                self.store.end(job.id, "failed", 0.0, message)
        with self._lock:
            self._waiting.discard(job.id)


def _never_begun(now: Job, asked: Job) -> bool:
    """True for a job that only stood behind others when their worker died."""
    same = now.asked_at == asked.asked_at
    return same and now.state == "queued" and now.attempt_at is None
