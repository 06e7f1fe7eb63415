"""Uploads that are cut off, damaged or asked for by an id that is none."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import IO, cast

import pytest
from uploads_common import A, B, add, stored, streams

from qcore.errors import BadInput
from qcore.store.home import home
from qcore.store.uploads import add_upload, all_uploads, get_upload, remove_upload

OUTSIDE = ["../secret", "..", ".", "", "a" * 31, "a" * 33, "A" * 32, "g" * 32, "a" * 32 + "\n"]
OUTSIDE += ["/etc", "a/../../secret", "\0" * 32, "٣" * 32, "x" * 5000]


class Breaks(io.RawIOBase):
    """A stream that gives some bytes and then fails."""

    def __init__(self, error: BaseException) -> None:
        self.error, self.reads = error, 0

    def read(self, size: int = -1) -> bytes:
        self.reads += 1
        if self.reads > 1:
            raise self.error
        return b"half of it"


@pytest.mark.parametrize("error", [OSError("gone"), KeyboardInterrupt(), RuntimeError("x")])
def test_a_stream_that_breaks_leaves_nothing(error: BaseException) -> None:
    files = [*streams([A]), ("b.bin", cast(IO[bytes], Breaks(error)))]
    with pytest.raises(type(error)):
        add_upload(files, "network")
    assert stored() == []
    add(A)
    assert len(stored()) == 1


@pytest.mark.parametrize("outside", OUTSIDE)
def test_ids_from_outside_do_not_touch_files(
    outside: str, store_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(A)
    secret = store_home / "secret"
    secret.mkdir()
    (secret / "manifest.json").write_text(json.dumps({"id": "x", "role": "data", "files": []}))
    before = sorted(store_home.rglob("*"))

    def touched(*_: object, **__: object) -> bool:
        raise AssertionError("the file system was asked")

    with monkeypatch.context() as patch:
        for name in ("is_file", "read_text", "rename"):
            patch.setattr(Path, name, touched)
        with pytest.raises(BadInput) as caught:
            get_upload(outside)
        remove_upload(outside)
    assert len(str(caught.value)) < 300
    assert sorted(store_home.rglob("*")) == before


GOOD = {"id": "i", "role": "network", "added_at": 1.0}
FILE = {"name": "a", "size_bytes": 1, "sha256": "0"}
MANIFESTS = {
    "cut off": '{"id": "',
    "no text": b"\xff\xfe",
    "empty": "",
    "a list": "[]",
    "null": "null",
    "no files": json.dumps({**GOOD, "files": []}),
    "files are a number": json.dumps({**GOOD, "files": 3}),
    "file is a text": json.dumps({**GOOD, "files": ["a"]}),
    "name is a number": json.dumps({**GOOD, "files": [{**FILE, "name": 1}]}),
    "no size": json.dumps({**GOOD, "files": [{"name": "a", "sha256": "0"}]}),
    "other role": json.dumps({**GOOD, "role": "other", "files": [FILE]}),
    "time is a text": json.dumps({**GOOD, "added_at": "now", "files": [FILE]}),
    "too deep": "[" * 100_000,
}


@pytest.mark.parametrize("case", list(MANIFESTS))
def test_a_damaged_manifest_is_refused_passed_over_and_mended(case: str) -> None:
    upload, other = add(A), add(B)
    content = MANIFESTS[case]
    path = home() / "uploads" / upload.id / "manifest.json"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(BadInput, match="upload the file again"):
        get_upload(upload.id)
    assert all_uploads("network") == [other]
    mended = add(A)
    assert mended.id == upload.id
    assert get_upload(upload.id) == mended
    assert stored() == sorted([upload.id, other.id])


@pytest.mark.parametrize("damage", ["missing", "cut off", "no manifest"])
def test_files_that_went_missing_are_mended_by_uploading_again(damage: str) -> None:
    upload = add(A)
    path = upload.paths()["a.onnx"]
    if damage == "cut off":
        path.write_bytes(b"net")
    elif damage == "missing":
        path.unlink()
    else:
        path.with_name("manifest.json").unlink()
    assert add(A).paths()["a.onnx"].read_bytes() == A[1]
    assert stored() == [upload.id]
