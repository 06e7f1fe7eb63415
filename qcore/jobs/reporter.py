"""Progress on its way to the store, and requests to stop on their way to the work."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator

from qcore.store.job import BEAT_SECONDS
from qcore.store.store import Store

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

    def progress_or_stop(self, fraction: float, message: str) -> None:
        """As ``progress``; raises Cancelled where the job is to stop."""
        self.progress(fraction, message)
        if self.should_stop():
            raise Cancelled


@contextlib.contextmanager
def signs_of_life(store: Store, job_id: str) -> Iterator[None]:
    """Show every few seconds that somebody is there, however long one step takes."""
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
