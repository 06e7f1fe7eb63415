"""Settings of the C runtime under torch: freed memory, and threads that wait."""

from __future__ import annotations

import contextlib
import ctypes
import os

# glibc's mallopt parameters and values
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_MAX, _ARENA_MAX = -1, -2, -4, -8


def wait_without_spinning() -> None:
    """Let torch's idle threads sleep; call before torch is imported.

    Threads that wait for one another spin by default. Beside any other busy process on 2 cores each
    small operator then waits for the scheduler: opening a network took ten times as long.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")


def keep_freed_memory() -> None:
    """Stop glibc from handing every freed activation back to the system.

    A network's activations are tens of megabytes, allocated and freed once per operator. By default
    each is a fresh mapping whose pages the kernel clears again: on 2 cores EfficientNet-Lite0 took
    1.8 times as long. Does nothing where the C library has no mallopt.
    """
    with contextlib.suppress(AttributeError, OSError):
        library = ctypes.CDLL(None)
        library.mallopt(_TRIM_THRESHOLD, 2**31 - 1)
        library.mallopt(_TOP_PAD, 64 * 2**20)
        library.mallopt(_MMAP_MAX, 0)
        library.mallopt(_ARENA_MAX, 1)  # other arenas could not hold a large tensor
