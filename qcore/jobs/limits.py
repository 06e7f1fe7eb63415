"""How long and how much memory a worker gives to a file that somebody brought."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterator

from qcore.errors import BadInput, is_out_of_memory

_SECONDS, _MEMORY_GB = "BITDIAL_LOAD_SECONDS", "BITDIAL_LOAD_GB"
_MOST = 10**6  # more than that, in seconds or gigabytes, the system's own calls refuse


def load_seconds() -> int:
    """``BITDIAL_LOAD_SECONDS``, default 600."""
    return _whole(_SECONDS, "600")


def load_bytes() -> int:
    """``BITDIAL_LOAD_GB``, default 8, in bytes."""
    return _whole(_MEMORY_GB, "8") * 10**9


@contextlib.contextmanager
def limited(on_timeout: Callable[[str], None]) -> Iterator[None]:
    """Bound the memory and the time of what runs inside, in this process.

    Memory beyond ``load_bytes()`` of what the process has now cannot be allocated: BadInput. After
    ``load_seconds()`` ``on_timeout`` is called with the message and the process ends (its nanny
    starts another): a call into a library that never returns cannot be stopped otherwise.
    """
    seconds = load_seconds()
    timer = threading.Timer(seconds, _give_up, (on_timeout, seconds))
    timer.daemon = True
    timer.start()
    try:
        with _bounded_memory(load_bytes()):
            yield
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        raise BadInput(
            f"this needs more than the {load_bytes() // 10**9} GB of memory that opening a file "
            f"may take; if the file is trusted, set {_MEMORY_GB} higher"
        ) from error
    finally:
        timer.cancel()


def _give_up(on_timeout: Callable[[str], None], seconds: int) -> None:
    try:
        on_timeout(
            f"this took longer than {seconds} s and was stopped; "
            f"if the file is trusted, set {_SECONDS} higher"
        )
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
