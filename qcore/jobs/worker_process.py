"""Loaded by every process of the embedded cluster when it starts."""

from __future__ import annotations

import contextlib
import glob
import os
import platform
import shutil
import tempfile
import threading
import time
from typing import Any

from qcore.memory import keep_freed_memory
from qcore.store.home import home

_NICE = 5  # a page that answers beats a job that ends a little sooner


def dask_setup(server: Any) -> None:
    """Called by dask: end with the app, stay polite, and load torch before it is needed."""
    threading.Thread(target=_end_with_parent, args=(os.getppid(),), daemon=True).start()
    if type(server).__name__ == "Worker":
        os.nice(_NICE)
        use_own_temporary_folder()
        keep_freed_memory()
        threading.Thread(target=_warm_up, daemon=True).start()


def use_own_temporary_folder() -> None:
    """Keep temporary files where those of workers that were ended can be told and removed."""
    here = f"{platform.node()}-"  # of processes on other machines that share it nothing is known
    folder = home() / "workers" / "tmp"
    own = folder / f"{here}{os.getpid()}"
    for other in folder.glob(f"{glob.escape(here)}*"):
        number = other.name.removeprefix(here)
        if other == own or (number.isdecimal() and not _is_alive(int(number))):
            shutil.rmtree(other, ignore_errors=True)
    with contextlib.suppress(OSError):  # then they go where they always went
        own.mkdir(parents=True, exist_ok=True)
        tempfile.tempdir = os.environ["TMPDIR"] = str(own)


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:  # somebody else's
        return True
    return True


def _end_with_parent(parent: int) -> None:
    # An app that was killed cannot close its cluster; nobody else would.
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(0)


def _warm_up() -> None:
    import torch

    torch.set_num_threads(os.cpu_count() or 1)
    import qcore.graph.load  # noqa: F401
