"""Copy what a person brings to disk: no more than is allowed, under a name that can be shown."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from qcore.errors import BadInput

_MB = 10**6
_BLOCK_BYTES = 2**20
_LONGEST_NAME = 200


@dataclass(frozen=True)
class UploadedFile:
    """One file as its owner called it. The name is text to show, not a path."""

    name: str
    size_bytes: int
    sha256: str

    @property
    def suffix(self) -> str:
        """Lower case with the dot; ``.gz`` is looked through: ``a.idx.gz`` has ``.idx``."""
        return Path(self.name.lower().removesuffix(".gz")).suffix


def limit_bytes() -> int:
    """``BITDIAL_UPLOAD_MB`` (default 512) in bytes. Raises BadInput where it is no number."""
    text = os.environ.get("BITDIAL_UPLOAD_MB", "512")
    if not text.isdecimal() or len(text) > 9 or int(text) == 0:
        raise BadInput(f"BITDIAL_UPLOAD_MB is {text[:40]!r}; give a whole number of megabytes")
    return int(text) * _MB


def clean_name(name: str) -> str:
    """The last part of a path, without what cannot be shown on one line."""
    last = re.split(r"[/\\]", name)[-1]
    text = "".join(c for c in last if c.isprintable()).strip()
    return text[-_LONGEST_NAME:] or "unnamed"


def spool(name: str, stream: IO[bytes], target: Path, limit: int) -> UploadedFile:
    """Copy a stream to a file while hashing it; BadInput beyond ``limit`` and for an empty one."""
    digest, size = hashlib.sha256(), 0
    with full_disk_is_bad_input():
        file = target.open("wb")
    with file:
        while block := stream.read(_BLOCK_BYTES):
            size += len(block)
            if size > limit:
                raise BadInput(
                    f"with {name} this is more than the limit of {limit_bytes() // _MB} MB; "
                    "use the command line, or raise BITDIAL_UPLOAD_MB"
                )
            digest.update(block)
            with full_disk_is_bad_input():
                file.write(block)
                file.flush()  # here, else closing the file would be what fails
    if size == 0:
        raise BadInput(f"{name} is empty; choose another file")
    return UploadedFile(name, size, digest.hexdigest())


@contextlib.contextmanager
def full_disk_is_bad_input() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise BadInput(
            f"the file cannot be kept ({error.strerror or error}); "
            "make room on the disk, or set BITDIAL_HOME to a folder that can be written to"
        ) from error


def sha256_of(path: Path) -> str:
    """Of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
