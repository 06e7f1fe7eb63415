"""Files that people brought: kept once each, by what is in them, never by their names.

An upload is one file, or several that belong together (a network and its external weights, images
and labels). It is a folder ``uploads/ID`` with the files called ``0``, ``1`` ... and a manifest; ID
is the start of the SHA-256 of names and contents, so the same files are stored once.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Literal, get_args
from uuid import uuid4

from qcore import fields
from qcore.errors import BadInput
from qcore.store.home import home

Role = Literal["network", "data"]

PREFIX = "upload:"
_ID = re.compile(r"[0-9a-f]{16}")
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


@dataclass(frozen=True)
class Upload:
    """Files that were brought together; the first one is what the upload is called after."""

    id: str
    role: Role
    files: tuple[UploadedFile, ...]
    added_at: float

    @property
    def reference(self) -> str:
        """What stands for a path wherever a file can be given."""
        return PREFIX + self.id

    @property
    def title(self) -> str:
        """The first file's name and enough of the id to tell two of that name apart."""
        return f"{self.files[0].name} · {self.id[:6]}"

    def paths(self) -> dict[str, Path]:
        """Name in the upload -> where its content is."""
        return {file.name: _folder() / self.id / str(i) for i, file in enumerate(self.files)}


def limit_bytes() -> int:
    """``BITDIAL_UPLOAD_MB`` (default 512) in bytes. Raises BadInput where it is no number."""
    text = os.environ.get("BITDIAL_UPLOAD_MB", "512")
    if not text.isdecimal() or len(text) > 9 or int(text) == 0:
        raise BadInput(f"BITDIAL_UPLOAD_MB is {text[:40]!r}; give a whole number of megabytes")
    return int(text) * _MB


def add_upload(files: Sequence[tuple[str, IO[bytes]]], role: Role) -> Upload:
    """Copy streams to the store while hashing them; the same files again are not stored twice.

    Raises BadInput for no file, two of the same name, an empty file, or more than the limit.
    """
    if not files:
        raise BadInput("no file was given; choose one")
    names = [clean_name(name) for name, _ in files]
    if len(set(names)) < len(names):
        raise BadInput("two files have the same name; rename one")
    _folder().mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=".draft-", dir=_folder()))
    try:
        left, kept = limit_bytes(), []
        for number, (name, (_, stream)) in enumerate(zip(names, files, strict=True)):
            file = _spool(name, stream, draft / str(number), left)
            left -= file.size_bytes
            kept.append(file)
        digest = hashlib.sha256(role.encode())
        for file in kept:
            digest.update(f"\n{file.sha256} {file.name}".encode())
        upload = Upload(digest.hexdigest()[:16], role, tuple(kept), time.time())
        (draft / "manifest.json").write_text(json.dumps(asdict(upload)), encoding="utf-8")
        return _keep(draft, upload)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def clean_name(name: str) -> str:
    """The last part of a path, without what cannot be shown on one line."""
    last = re.split(r"[/\\]", name)[-1]
    text = "".join(c for c in last if c.isprintable()).strip()
    return text[-_LONGEST_NAME:] or "unnamed"


def get_upload(upload_id: str) -> Upload:
    """The upload of that id. Raises BadInput where there is none."""
    manifest = _folder() / upload_id / "manifest.json"
    if not _ID.fullmatch(upload_id) or not manifest.is_file():
        raise BadInput(f"there is no upload {upload_id[:40]!r} any more; upload the file again")
    try:
        return _from_json(manifest.read_text(encoding="utf-8"))
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise BadInput(f"upload {upload_id} is damaged; upload the file again") from error


def all_uploads(role: Role) -> list[Upload]:
    """All uploads of one role, newest first."""
    ids = [path.name for path in _folder().glob("*") if _ID.fullmatch(path.name)]
    found: list[Upload] = []
    for one in ids:
        with contextlib.suppress(BadInput):  # damaged, or removed meanwhile
            found.append(get_upload(one))
    return sorted((u for u in found if u.role == role), key=lambda u: -u.added_at)


def remove_upload(upload_id: str) -> None:
    """Delete an upload's files; nothing where there is none."""
    if _ID.fullmatch(upload_id):
        _discard(_folder() / upload_id)


def _keep(draft: Path, upload: Upload) -> Upload:
    """Put a finished draft in its place; where it is there already and whole, that one stays."""
    target = _folder() / upload.id
    try:
        draft.rename(target)
    except OSError:
        with contextlib.suppress(BadInput, OSError):
            there = get_upload(upload.id)
            sizes = [path.stat().st_size for path in there.paths().values()]
            if sizes == [file.size_bytes for file in upload.files]:
                return there
        _discard(target)  # damaged: else the same files could never be brought again
        draft.rename(target)
    return upload


def _discard(folder: Path) -> None:
    """Out of sight at once: a removal that is cut off must not leave half an upload behind."""
    grave = folder.with_name(f".draft-{uuid4().hex}")
    with contextlib.suppress(OSError):  # there is none
        folder.rename(grave)
    shutil.rmtree(grave, ignore_errors=True)


def _from_json(text: str) -> Upload:
    data = json.loads(text)
    files = tuple(
        UploadedFile(
            fields.text(file, "name"), fields.whole(file, "size_bytes"), fields.text(file, "sha256")
        )
        for file in fields.entries(data, "files")
    )
    role: Role = data["role"]
    if role not in get_args(Role):
        raise ValueError(f"role {role!r}")
    return Upload(fields.text(data, "id"), role, files, fields.number(data, "added_at"))


def _spool(name: str, stream: IO[bytes], target: Path, limit: int) -> UploadedFile:
    digest, size = hashlib.sha256(), 0
    with target.open("wb") as file:
        while block := stream.read(_BLOCK_BYTES):
            size += len(block)
            if size > limit:
                raise BadInput(
                    f"with {name} this is more than the limit of {limit_bytes() // _MB} MB; "
                    "use the command line, or raise BITDIAL_UPLOAD_MB"
                )
            digest.update(block)
            file.write(block)
    if size == 0:
        raise BadInput(f"{name} is empty; choose another file")
    return UploadedFile(name, size, digest.hexdigest())


def _folder() -> Path:
    return home() / "uploads"
