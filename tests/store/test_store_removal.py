"""What is left of an upload that was removed: its name, and nothing of what was in it."""

from __future__ import annotations

import errno
import threading
from pathlib import Path
from typing import Any

import pytest
import torch
from uploads_common import A, B, add, refusal, stored

from qcore.data.decoded_store import decoded_once
from qcore.data.images import Decoded
from qcore.data.preprocess import Preprocessing
from qcore.errors import BadInput
from qcore.store import uploads
from qcore.store.uploads import Upload, all_uploads, get_upload, remove_upload, title_of

HOW = Preprocessing(4, (4, 4), (0.5,) * 3, (0.5,) * 3, "stretch")


def decoded() -> Decoded:
    return Decoded(torch.zeros(1, 3, 4, 4, dtype=torch.uint8), ("a.png",), (), ())


def test_decoded_pixels_go_with_their_upload(store_home: Path) -> None:
    gone, kept = add(A), add(B)
    for upload in (gone, kept):
        decoded_once(upload.id, HOW, decoded)
    assert len(list((store_home / "data").iterdir())) == 2
    remove_upload(gone.id)
    (left,) = (store_home / "data").iterdir()
    assert left.name.startswith(f"{kept.id}-")


def test_pixels_decoded_while_the_upload_is_removed_do_not_stay(store_home: Path) -> None:
    upload = add(A)

    def remove_and_decode() -> Decoded:
        remove_upload(upload.id)
        return decoded()

    assert decoded_once(upload.id, HOW, remove_and_decode).names == ("a.png",)
    assert list((store_home / "data").iterdir()) == []


def test_results_still_know_the_name_of_what_was_removed() -> None:
    upload = add(A)
    assert title_of(upload.id) == upload.title
    remove_upload(upload.id)
    assert title_of(upload.id) == upload.title
    assert all_uploads("network") == []
    with pytest.raises(BadInput, match="upload the file again"):
        get_upload(upload.id)
    assert add(A).id == upload.id
    assert title_of(upload.id) == get_upload(upload.id).title


@pytest.mark.parametrize("unknown", ["0" * 32, "../removed/x", ""])
def test_the_name_of_what_never_was(unknown: str) -> None:
    with pytest.raises(BadInput):
        title_of(unknown)


def test_a_damaged_record_of_a_removal(store_home: Path) -> None:
    upload = add(A)
    remove_upload(upload.id)
    (record,) = (store_home / "removed").iterdir()
    record.write_text("{")
    with pytest.raises(BadInput):
        title_of(upload.id)


def test_other_content_of_the_same_size_is_mended() -> None:
    upload = add(A)
    path = upload.paths()["a.onnx"]
    path.write_bytes(b"NETWORK")
    assert add(A).paths()["a.onnx"].read_bytes() == A[1]


def test_another_upload_under_the_same_id_is_not_taken_for_this_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first = add(A)
    other = Upload(first.id, "network", add(("b.onnx", b"NETWORK")).files, 1.0)
    draft = uploads._folder() / "draft"
    draft.mkdir()
    (draft / "0").write_bytes(b"NETWORK")
    assert uploads._keep(draft, other) is other
    assert (uploads._folder() / first.id / "0").read_bytes() == b"NETWORK"


def test_adding_while_the_same_is_removed() -> None:
    errors: list[BaseException] = []
    upload_id, over = add(A, B).id, threading.Event()

    def add_often() -> None:
        for _ in range(150):
            try:
                add(A, B)
            except BaseException as error:
                errors.append(error)

    def remove_often() -> None:
        while not over.is_set():
            remove_upload(upload_id)

    adding = [threading.Thread(target=add_often) for _ in range(3)]
    removing = threading.Thread(target=remove_often)
    for thread in (*adding, removing):
        thread.start()
    for thread in adding:
        thread.join()
    over.set()
    removing.join()
    assert errors == []
    assert set(stored()) <= {upload_id}


@pytest.mark.parametrize("name", ["0", "manifest.json"])
def test_a_full_disk_is_one_line(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Path.open

    def full(path: Path, *args: Any, **options: Any) -> Any:
        if path.name == name and path.parent.name.startswith(".draft-"):
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(path, *args, **options)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", full)
        message = refusal(A)
    assert "No space left on device" in message
    assert "make room" in message
    assert stored() == []
