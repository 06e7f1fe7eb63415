"""How long and how much memory a worker gives to a file that somebody brought."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterator

from qcore.errors import BadInput, is_out_of_memory

_SECONDS, _MEMORY_GB = "BITDIAL_LOAD_SECONDS", "BITDIAL_LOAD_GB"
_MOST = 10**6  # more than that, in seconds or gigabytes, the system's own calls refuse
_POLL_SECONDS = 0.5
_GRACE_SECONDS = 3.0  # for work that is asked to stop, to do so by itself


def load_seconds() -> int:
    """``BITDIAL_LOAD_SECONDS``, default 600."""
    return _whole(_SECONDS, "600")


def load_bytes() -> int:
    """``BITDIAL_LOAD_GB``, default 8, in bytes."""
    return _whole(_MEMORY_GB, "8") * 10**9


@contextlib.contextmanager
def limited(
    on_timeout: Callable[[str], None],
    cancelled: Callable[[], bool] = lambda: False,
    on_cancelled: Callable[[], None] = lambda: None,
) -> Iterator[Callable[[], None]]:
    """Bound the memory and the time of what runs inside, in this process.

    Memory beyond ``load_bytes()`` of what the process has now cannot be allocated: BadInput. After
    ``load_seconds()`` ``on_timeout`` is called with the message, and some seconds after
    ``cancelled`` says so ``on_cancelled``; then the process ends (its nanny starts another): a call
    into a library that never returns cannot be stopped otherwise. Calling what this gives starts
    the time anew: for work that shows how far it has come.
    """
    watch = _Watch(load_seconds(), on_timeout, cancelled, on_cancelled)
    watch.start()
    try:
        with _bounded_memory(load_bytes()):
            yield watch.moved
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        raise BadInput(
            f"this needs more than the {load_bytes() // 10**9} GB of memory that one job "
            f"may take; if the file is trusted, set {_MEMORY_GB} higher"
        ) from error
    finally:
        watch.over.set()


class _Watch(threading.Thread):
    """Ends this process when time is up, or when it was asked to stop and does not."""

    def __init__(
        self,
        seconds: int,
        on_timeout: Callable[[str], None],
        cancelled: Callable[[], bool],
        on_cancelled: Callable[[], None],
    ) -> None:
        super().__init__(daemon=True)
        self.over = threading.Event()
        self._seconds, self._on_timeout = seconds, on_timeout
        self._cancelled, self._on_cancelled = cancelled, on_cancelled
        self.moved()

    def moved(self) -> None:
        """The time that is allowed starts now."""
        self._deadline = time.monotonic() + self._seconds

    def run(self) -> None:
        while not self.over.wait(max(0.0, min(_POLL_SECONDS, self._left()))):
            if self._left() <= 0:
                self._end(lambda: self._on_timeout(self._too_long()))
            elif self._asked_to_stop() and not self.over.wait(_GRACE_SECONDS):
                self._end(self._on_cancelled)

    def _left(self) -> float:
        return self._deadline - time.monotonic()

    def _asked_to_stop(self) -> bool:
        with contextlib.suppress(Exception):  # a store that is busy is asked again
            return self._cancelled()
        return False

    def _too_long(self) -> str:
        return (
            f"this took longer than {self._seconds} s and was stopped; "
            f"if the file is trusted, set {_SECONDS} higher"
        )

    def _end(self, tell: Callable[[], None]) -> None:
        if self.over.is_set():
            return
        try:
            tell()
        finally:  # also where the message cannot be delivered
            os._exit(1)


@contextlib.contextmanager
def _bounded_memory(extra_bytes: int) -> Iterator[None]:
    """Where the system can: Linux counts private memory, other systems let it pass."""
    used = _private_bytes()
    if used is None:
        yield
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    wanted = used + extra_bytes
    for there in (soft, hard):
        if there != resource.RLIM_INFINITY:
            wanted = min(wanted, there)
    resource.setrlimit(resource.RLIMIT_DATA, (wanted, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def _private_bytes() -> int | None:
    try:
        with open("/proc/self/status", encoding="ascii") as file:
            lines = dict(line.split(":", 1) for line in file)
        return int(lines["VmData"].split()[0]) * 1024
    except (OSError, KeyError, ValueError):
        return None


def _whole(name: str, default: str) -> int:
    text = os.environ.get(name, default)
    if not text.isdecimal() or len(text) > 9 or not 0 < int(text) <= _MOST:
        raise BadInput(f"{name} is {text[:40]!r}; give a whole number from 1 to {_MOST:,}")
    return int(text)
