"""Uploads: kept once each, under names that come from no one's file names, whole or not at all."""

from __future__ import annotations

import hashlib
import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from uploads_common import A, B, add, refusal, stored

from qcore.errors import BadInput
from qcore.store.uploads import (
    UploadedFile,
    all_uploads,
    clean_name,
    get_upload,
    limit_bytes,
    remove_upload,
)


def test_what_was_brought_can_be_read_again() -> None:
    upload = add(A, B)
    again = get_upload(upload.id)
    assert again == upload
    assert {name: path.read_bytes() for name, path in again.paths().items()} == dict([A, B])
    assert [(f.size_bytes, f.sha256) for f in again.files] == [
        (len(content), hashlib.sha256(content).hexdigest()) for _, content in (A, B)
    ]
    assert upload.reference == f"upload:{upload.id}"
    assert upload.title.startswith("a.onnx · ")


def test_the_same_files_are_stored_once() -> None:
    first = add(A, B)
    assert add(A, B) == first  # also the time at which they were added
    assert stored() == [first.id]


def test_ids_depend_on_names_contents_role_and_order() -> None:
    variants = [
        add(A, B),
        add(B, A),
        add(A),
        add(("c.onnx", A[1]), B),
        add((A[0], b"Network"), B),
        add((A[0], B[1]), (B[0], A[1])),
        add(A, B, role="data"),
        add(("a.onnx" + B[0], A[1])),
    ]
    assert len({upload.id for upload in variants}) == len(variants) == len(stored())
    assert all(len(upload.id) == 32 and int(upload.id, 16) >= 0 for upload in variants)
    assert list(variants[1].paths()) == ["b.bin", "a.onnx"]


def test_a_name_is_a_label_never_a_path(store_home: Path) -> None:
    upload = add(("../../../evil.onnx", b"1"), ("C:\\a\\b.bin", b"2"), ("manifest.json", b"3"))
    assert list(upload.paths()) == ["evil.onnx", "b.bin", "manifest.json"]
    files = {path.name for path in store_home.rglob("*") if path.is_file()}
    assert files == {"0", "1", "2", "manifest.json"}
    assert get_upload(upload.id).paths()["manifest.json"].read_bytes() == b"3"


@given(st.text(max_size=300))
@example("")
@example("..")
@example("a/")
@example("x\r\n\0\x1b[31my.onnx")
@example("\u202egnp.exe")
@example("\ud800.onnx")
@example("long" * 500 + ".onnx")
def test_a_clean_name_can_be_shown_and_stays(name: str) -> None:
    clean = clean_name(name)
    assert 0 < len(clean) <= 200
    assert clean.isprintable()
    assert not set(clean) & set("/\\")
    assert clean_name(clean) == clean
    assert clean.encode("utf-8")


@pytest.mark.parametrize(
    ("name", "clean"),
    [
        ("net.onnx", "net.onnx"),
        ("a/b\\c.pt2", "c.pt2"),
        ("netz größe 網.pt", "netz größe 網.pt"),
        ("\t\n", "unnamed"),
        ("folder/", "unnamed"),
        ("x" * 300 + ".onnx", "x" * 195 + ".onnx"),
    ],
)
def test_clean_names(name: str, clean: str) -> None:
    assert clean_name(name) == clean


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(st.lists(st.tuples(st.text(max_size=20), st.binary(max_size=20)), min_size=1, max_size=3))
def test_any_names_and_contents_come_back_or_are_refused_in_one_line(
    files: list[tuple[str, bytes]],
) -> None:
    before = stored()
    names = [clean_name(name) for name, _ in files]
    if len(set(names)) < len(names) or not all(content for _, content in files):
        refusal(*files)
        assert stored() == before
        return
    upload = add(*files)
    found = {name: path.read_bytes() for name, path in get_upload(upload.id).paths().items()}
    assert found == dict(zip(names, (content for _, content in files), strict=True))


def test_refusals() -> None:
    assert "no file" in refusal()
    assert "same name" in refusal(("x/a.npz", b"1"), ("y/a.npz", b"2"))
    assert "b.npz is empty" in refusal(("a.npz", b"1"), ("b.npz", b""))
    assert stored() == []


def test_limit_is_over_all_files_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BITDIAL_UPLOAD_MB", "1")
    half = bytes(500_000)
    add(("a", half), ("b", half))
    message = refusal(("a", half), ("b", half), ("c", b"1"))
    assert "1 MB" in message
    assert message.startswith("with c ")
    assert len(stored()) == 1


@pytest.mark.parametrize("value", ["", "0", "-1", "1.5", "much", "1e3", " 5", "9" * 5000])
def test_limit_that_is_no_number(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BITDIAL_UPLOAD_MB", value)
    assert "BITDIAL_UPLOAD_MB" in refusal(A)
    assert stored() == []


def test_limit_without_a_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BITDIAL_UPLOAD_MB", raising=False)
    assert limit_bytes() == 512_000_000


def test_the_same_files_from_many_threads() -> None:
    count, found = 8, []
    together = threading.Barrier(count)

    def one() -> None:
        together.wait()
        found.append(add(A, B))

    threads = [threading.Thread(target=one) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == count
    assert len({upload.id for upload in found}) == 1
    assert stored() == [found[0].id]
    assert get_upload(found[0].id).paths()["b.bin"].read_bytes() == B[1]


def test_lists_are_by_role_newest_first(monkeypatch: pytest.MonkeyPatch) -> None:
    assert all_uploads("network") == []
    times = iter([10.0, 30.0, 20.0, 40.0])
    monkeypatch.setattr("qcore.store.uploads.time.time", lambda: next(times))
    old, new, middle = add(A), add(B), add(A, B)
    data = add(A, role="data")
    assert all_uploads("network") == [new, middle, old]
    assert all_uploads("data") == [data]


def test_removal() -> None:
    gone, kept = add(A), add(B)
    remove_upload(gone.id)
    remove_upload(gone.id)
    assert stored() == [kept.id]
    assert all_uploads("network") == [kept]
    with pytest.raises(BadInput, match="upload the file again"):
        get_upload(gone.id)
    assert add(A).id == gone.id


@pytest.mark.parametrize(
    ("name", "suffix"),
    [
        ("NET.ONNX", ".onnx"),
        ("train-images.idx3-ubyte.GZ", ".idx3-ubyte"),
        ("a.gz", ""),
        ("a.tar.gz", ".tar"),
        ("none", ""),
    ],
)
def test_suffix(name: str, suffix: str) -> None:
    assert UploadedFile(name, 1, "").suffix == suffix
