"""Files that people brought: kept once each, by what is in them, never by their names.

An upload is one file, or several that belong together (a network and its external weights, images
and labels). It is a folder ``uploads/ID`` with the files called ``0``, ``1`` ... and a manifest; ID
is the start of the SHA-256 of names and contents, so the same files are stored once.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
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
from qcore.store.spool import UploadedFile as UploadedFile
from qcore.store.spool import clean_name as clean_name
from qcore.store.spool import full_disk_is_bad_input, sha256_of, spool
from qcore.store.spool import limit_bytes as limit_bytes

Role = Literal["network", "data"]

PREFIX = "upload:"
_ID = re.compile(r"[0-9a-f]{32}")
_MANIFEST = "manifest.json"
_DAMAGE = (OSError, ValueError, KeyError, TypeError, RecursionError)
_TRIES = 20  # to put an upload in its place while others put and remove the same one


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


def add_upload(files: Sequence[tuple[str, IO[bytes]]], role: Role) -> Upload:
    """Copy streams to the store while hashing them; the same files again are not stored twice.

    Raises BadInput for no file, two of the same name, an empty file, or more than the limit.
    """
    if not files:
        raise BadInput("no file was given; choose one")
    names = [clean_name(name) for name, _ in files]
    if len(set(names)) < len(names):
        raise BadInput("two files have the same name; rename one")
    with full_disk_is_bad_input():
        _folder().mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=".draft-", dir=_folder()))
    try:
        left, kept = limit_bytes(), []
        for number, (name, (_, stream)) in enumerate(zip(names, files, strict=True)):
            file = spool(name, stream, draft / str(number), left)
            left -= file.size_bytes
            kept.append(file)
        digest = hashlib.sha256(role.encode())
        for file in kept:
            digest.update(f"\n{file.sha256} {file.name}".encode())
        upload = Upload(digest.hexdigest()[:32], role, tuple(kept), time.time())
        with full_disk_is_bad_input():
            (draft / _MANIFEST).write_text(json.dumps(asdict(upload)), encoding="utf-8")
            return _keep(draft, upload)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def get_upload(upload_id: str) -> Upload:
    """The upload of that id. Raises BadInput where there is none."""
    manifest = _folder() / upload_id / _MANIFEST
    if not _ID.fullmatch(upload_id) or not manifest.is_file():
        raise BadInput(f"there is no upload {upload_id[:40]!r} any more; upload the file again")
    try:
        return _from_json(manifest.read_text(encoding="utf-8"))
    except _DAMAGE as error:
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
    """Delete an upload's files and all pixels decoded from them; nothing where there is none.

    Its manifest is kept, so that results that were made with it can still say with what.
    """
    if not _ID.fullmatch(upload_id):
        return
    with contextlib.suppress(OSError):  # damaged or on a full disk: what matters is that it goes
        text = (_folder() / upload_id / _MANIFEST).read_bytes()
        _removed().mkdir(exist_ok=True)
        (_removed() / f"{upload_id}.json").write_bytes(text)
    _discard(_folder() / upload_id)
    for pixels in (home() / "data").glob(f"{upload_id}-*"):
        pixels.unlink(missing_ok=True)


def title_of(upload_id: str) -> str:
    """What to call an upload, also one that was removed. Raises BadInput for an unknown id."""
    try:
        return get_upload(upload_id).title
    except BadInput:
        if not _ID.fullmatch(upload_id):
            raise
        with contextlib.suppress(*_DAMAGE):
            text = (_removed() / f"{upload_id}.json").read_text(encoding="utf-8")
            return _from_json(text).title
        raise


def _keep(draft: Path, upload: Upload) -> Upload:
    """Put a finished draft in its place; where it is there already and whole, that one stays."""
    target = _folder() / upload.id
    for left in reversed(range(_TRIES)):
        try:
            draft.rename(target)
            return upload
        except OSError:
            with contextlib.suppress(BadInput, OSError):
                there = get_upload(upload.id)
                contents = [sha256_of(path) for path in there.paths().values()]
                if there.files == upload.files and contents == [f.sha256 for f in upload.files]:
                    return there
            if not left:
                raise
            _discard(target)  # damaged: else the same files could never be brought again
    raise AssertionError("the last try returns or raises")


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


def _folder() -> Path:
    return home() / "uploads"


def _removed() -> Path:
    return home() / "removed"
