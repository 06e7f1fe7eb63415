"""Data that were uploaded: by kind of file, decoded once, whole after damage."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from data_common import GREY, HALF, level, load, reads, refusal, zipped
from test_data_idx import IMAGES as IDX_IMAGES
from test_data_idx import LABELS, idx

from qcore.data import decoded_store, images, uploaded
from qcore.data.dataset import Dataset
from qcore.data.preprocess import Preprocessing
from qcore.store.uploads import add_upload, get_upload, remove_upload


def uploaded_as(files: Mapping[str, bytes]) -> str:
    streams = [(name, io.BytesIO(content)) for name, content in files.items()]
    return add_upload(streams, "data").reference


def levels(data: Dataset) -> list[int]:
    return data.images[:, 0, 0, 0].tolist()


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Grows by one with each image that is decoded."""
    found: list[str] = []
    real = images.read_photograph

    def counted(content: bytes, preprocessing: Preprocessing) -> np.ndarray:
        found.append("one")
        return real(content, preprocessing)

    monkeypatch.setattr(images, "read_photograph", counted)
    return found


FILES = {"set/0/a.png": level(1), "set/1/b.png": level(2), "set/1/bad.png": b"x", "set/r.txt": b"y"}


def same(first: Dataset, second: Dataset) -> bool:
    return first.fingerprint() == second.fingerprint() and (
        (first.name, first.notes, first.class_names)
        == (second.name, second.notes, second.class_names)
    )


def test_a_zip_is_decoded_once(decoded: list[str]) -> None:
    reference = uploaded_as({"photos.zip": zipped(FILES)})
    first = load(reference)
    assert (levels(first), first.labels.tolist()) == ([1, 2], [0, 1])
    assert len(first.notes) == 3
    assert first.name == get_upload(reference.removeprefix("upload:")).title
    assert len(decoded) == 3
    assert same(load(reference), first)
    other = load(reference, preprocessing=replace(HALF, mean=(0.0,) * 3, channel_order="BGR"))
    assert torch.equal(other.images, first.images)
    assert other.fingerprint() != first.fingerprint()
    halves = [load(reference, split=s, halved=True) for s in ("calibration", "evaluation")]
    assert [levels(half) for half in halves] == [[1], [2]]
    assert len(decoded) == 3


@pytest.mark.parametrize(
    "change",
    [
        {"resize_px": 5},
        {"fit": "stretch"},
        {"interpolation": "bicubic"},
        {"crop_px": (5, 5), "resize_px": 5},
        {"mean": (0.5,), "std": (0.5,)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_other_pixels_are_decoded_again(decoded: list[str], change: dict[str, object]) -> None:
    reference = uploaded_as({"photos.zip": zipped(FILES)})
    load(reference)
    other = replace(HALF, **change)
    assert load(reference, reads(other)).images.shape[1:] == other.input_shape
    assert len(decoded) == 6


def test_labels_depend_on_the_network_not_on_what_is_kept() -> None:
    reference = uploaded_as({"p.zip": zipped({"a/1.png": level(1), "b/1.png": level(2)})})
    assert load(reference, reads(classes=5)).labels is None
    assert load(reference, reads(classes=2)).labels.tolist() == [0, 1]


@pytest.mark.parametrize("how", ["truncated", "a pixel", "text", "empty"])
def test_a_damaged_copy_is_decoded_again(decoded: list[str], store_home: Path, how: str) -> None:
    reference = uploaded_as({"photos.zip": zipped(FILES)})
    first = load(reference)
    (file,) = (store_home / "data").iterdir()
    whole = file.read_bytes()
    damaged = {
        "truncated": whole[:-5],
        "a pixel": whole[:-1] + bytes([whole[-1] ^ 1]),
        "text": b"text",
        "empty": b"",
    }
    file.write_bytes(damaged[how])
    assert same(load(reference), first)
    assert len(decoded) == 6
    assert same(load(reference), first)
    assert len(decoded) == 6  # it was written again
    assert [f.name for f in (store_home / "data").iterdir()] == [file.name]


def test_what_was_used_longest_ago_is_removed(
    decoded: list[str], store_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, third = (
        uploaded_as({"p.zip": zipped({f"{name}.png": level(1)})}) for name in "abc"
    )
    load(first)
    (file,) = (store_home / "data").iterdir()
    monkeypatch.setattr(decoded_store, "_MOST_BYTES", 2 * file.stat().st_size)
    for reference in (second, first, third, first, third):
        load(reference)
    assert len(decoded) == 3
    assert len(list((store_home / "data").iterdir())) == 2
    load(second)
    assert len(decoded) == 4


def test_a_home_that_cannot_keep_pixels(store_home: Path) -> None:
    reference = uploaded_as({"photos.zip": zipped(FILES)})
    (store_home / "data").write_text("in the way")
    assert levels(load(reference)) == [1, 2]


def test_loose_images() -> None:
    data = load(uploaded_as({"b.png": level(2), "a.JPG": level(1), "c.webp": level(3)}))
    assert (levels(data), data.labels, data.notes) == ([1, 2, 3], None, ())


def test_npz() -> None:
    stream = io.BytesIO()
    np.savez(stream, images=np.full((2, 3, 4, 4), 7, np.uint8), labels=[1, 0])
    data = load(uploaded_as({"D.NPZ": stream.getvalue()}))
    assert (levels(data), data.labels.tolist()) == ([7, 7], [1, 0])


@pytest.mark.parametrize("order", [1, -1])
def test_idx_pair_whatever_the_names(order: int) -> None:
    """Which is which is in the headers."""
    pair = [("one.idx", idx(IDX_IMAGES)), ("two-ubyte", idx(LABELS))]
    data = load(uploaded_as(dict(pair[::order])), reads(GREY))
    assert np.array_equal(data.images[:, 0].numpy(), IDX_IMAGES)
    assert data.labels.tolist() == LABELS.tolist()


def test_idx_images_alone_or_twice() -> None:
    assert load(uploaded_as({"one.idx": idx(IDX_IMAGES)}), reads(GREY)).labels is None
    twice = {"one.idx": idx(IDX_IMAGES), "two.idx": idx(IDX_IMAGES)}
    assert "2 files of images and 0 of labels" in refusal(uploaded_as(twice), reads(GREY))
    assert "0 files of images" in refusal(uploaded_as({"one.idx": idx(LABELS)}), reads(GREY))


@pytest.mark.parametrize(
    "files",
    [
        {"notes.txt": b"x"},
        {"a.zip": zipped({"a.png": level(1)}), "b.zip": zipped({"a.png": level(1)})},
        {"a.png": level(1), "labels.csv": b"x"},
        {"<img src=x>.gif": b"GIF89a"},
    ],
    ids=["text", "two archives", "mixture", "gif"],
)
def test_other_kinds(files: dict[str, bytes]) -> None:
    found = refusal(uploaded_as(files))
    assert found.startswith(next(iter(files)))
    assert uploaded.ACCEPTED in found


def test_an_upload_that_is_gone(store_home: Path) -> None:
    reference = uploaded_as({"a.png": level(1)})
    (store_home / "uploads" / reference.removeprefix("upload:") / "0").unlink()
    assert "upload them again" in refusal(reference)
    remove_upload(reference.removeprefix("upload:"))
    assert "upload the file again" in refusal(reference)
    assert "there is no upload" in refusal("upload:../../etc/passwd")
