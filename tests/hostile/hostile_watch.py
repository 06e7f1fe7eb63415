"""What Python does while a file is read, as its audit events tell (PEP 578)."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

_FORBIDDEN = {
    "os.system",
    "os.exec",
    "os.posix_spawn",
    "os.fork",
    "os.symlink",
    "os.link",
    "subprocess.Popen",
    "socket.connect",
    "socket.getaddrinfo",
    "pickle.find_class",
    "ctypes.dlopen",
}
_WRITES = {"os.mkdir": 0, "os.rename": 1, "os.truncate": 0, "shutil.move": 1, "os.remove": 0}


class Watch:
    """What Python is asked to do, as it tells its auditors: an independent witness."""

    def __init__(self) -> None:
        self.allowed: tuple[Path, ...] | None = None
        self.seen: list[str] = []
        sys.addaudithook(self._hear)

    def _hear(self, event: str, args: tuple[Any, ...]) -> None:
        if self.allowed is None:
            return
        if event in _FORBIDDEN:
            self.seen.append(f"{event} {args!r}"[:200])
        path = None
        if event == "open" and isinstance(args[0], str | bytes):
            flags = args[2] if isinstance(args[2], int) else 0
            path = args[0] if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT) else None
        elif event in _WRITES:
            path = args[_WRITES[event]]
        if isinstance(path, str | bytes):
            place = Path(os.fsdecode(path))
            if place.is_absolute() and not any(place.is_relative_to(a) for a in self.allowed):
                self.seen.append(f"{event} {place}")
