"""Files that can be made again: the newest are kept, what was cut off is swept."""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from pathlib import Path

from qcore.store.home import home

MOST_BYTES = 8_000_000_000
"""Of each folder of files that can be made again."""

_DRAFT_SECONDS = 86_400.0  # no file is being written for longer than a day
_DRAFTS = {
    "uploads": ".draft-*",
    "data": ".draft-*",
    "networks": "*.draft",
    "previews": "*.draft",
    "calibrations": "*.draft",
    "grids": "*.draft",
    "clippings": "*.draft",
    "hardware": "*.draft",
    "latency": "*.draft",
    "workers/tmp": "*/*",
}


def used_now(file: Path) -> None:
    """Note a use; nothing where that cannot be written."""
    now = time.time_ns()  # the file system's own clock ticks too slowly to tell two uses apart
    with contextlib.suppress(OSError):
        os.utime(file, ns=(now, now))


def keep_newest(folder: Path, most_bytes: int) -> None:
    """Remove what was used longest ago until the rest takes at most that; the newest stays."""
    files = []
    for file in folder.iterdir():
        with contextlib.suppress(OSError):  # somebody else removed it meanwhile
            files.append((file, file.stat()))
    total = sum(stat.st_size for _, stat in files)
    for file, stat in sorted(files, key=lambda one: one[1].st_mtime_ns)[:-1]:
        if total <= most_bytes:
            break
        with contextlib.suppress(OSError):
            file.unlink(missing_ok=True)
            total -= stat.st_size


def sweep() -> None:
    """Remove drafts and temporary files of more than a day ago: who wrote them was ended."""
    before = time.time() - _DRAFT_SECONDS
    for folder, pattern in _DRAFTS.items():
        for draft in (home() / folder).glob(pattern):
            with contextlib.suppress(OSError):
                if draft.stat().st_mtime < before:
                    _remove(draft)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
