"""Arrays in .npz files: what is taken, what is refused, and that hostile files cost nothing."""

from __future__ import annotations

import contextlib
import io
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from data_common import HALF, load, reads, refusal
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qcore.errors import BadInput

RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.integers(0, 256, (6, 3, 4, 4), dtype=np.uint8)
LABELS = np.array([0, 1, 2, 3, 4, 0])


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.int64, np.uint16, ">i4"])
@pytest.mark.parametrize("save", [np.savez, np.savez_compressed], ids=["plain", "compressed"])
def test_npz(tmp_path: Path, save: Callable[..., None], dtype: type) -> None:
    save(tmp_path / "d.npz", images=IMAGES, labels=LABELS.astype(dtype))
    data = load(tmp_path / "d.npz")
    assert (data.name, len(data), data.notes) == ("d.npz", 6, ())
    assert data.labels.tolist() == LABELS.tolist()
    seen = data.batch(torch.tensor([4, 1]))
    assert seen.dtype == torch.float32
    expected = (IMAGES[[4, 1]].astype(np.float64) / 255 - 0.5) / 0.25
    assert seen.numpy() == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("shape", [(3, 4, 4), (2, 9), (7,), (2, 3, 4, 5), (3, 4, 4, 1)])
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", ">f4"])
def test_floats_are_taken_as_they_are(tmp_path: Path, dtype: str, shape: tuple[int, ...]) -> None:
    images = np.asfortranarray(RANDOM.normal(size=(3, *shape)).astype(dtype))
    np.savez(tmp_path / "d.npz", images=images)
    data = load(tmp_path / "d.npz", reads(None, shape))
    assert data.labels is None
    assert data.preprocessing is None
    assert np.array_equal(data.batch(torch.arange(3)).numpy(), images.astype(np.float32))


def test_channels_last_where_only_that_fits(tmp_path: Path) -> None:
    np.savez(tmp_path / "d.npz", images=np.moveaxis(IMAGES, 1, 3))
    data = load(tmp_path / "d.npz")
    assert np.array_equal(data.images.numpy(), IMAGES)
    assert data.images.is_contiguous()
    assert "were transposed" in data.notes[0]


def test_a_cube_is_not_transposed(tmp_path: Path) -> None:
    cube = IMAGES[:, :, :3, :3]
    np.savez(tmp_path / "d.npz", images=cube)
    small = type(HALF)(3, (3, 3), (0.5,) * 3, (0.25,) * 3)
    data = load(tmp_path / "d.npz", reads(small))
    assert np.array_equal(data.images.numpy(), cube)
    assert data.notes == ()


def test_labels_of_a_network_that_is_no_classifier(tmp_path: Path) -> None:
    np.savez(tmp_path / "d.npz", images=IMAGES, labels=np.eye(6, dtype=int))
    data = load(tmp_path / "d.npz", reads(classes=None))
    assert data.labels is None
    assert "no classifier" in data.notes[0]


FLOATS = IMAGES / 255
NAN = FLOATS.copy()
NAN[3, 2, 1, 0] = np.nan
INFINITE = np.where(np.isnan(NAN), np.inf, FLOATS)
BAD: dict[str, tuple[dict[str, Any], str]] = {
    "no images": ({"image": IMAGES}, "no array 'images' (it has: image)"),
    "signed": ({"images": IMAGES.astype(np.int8)}, "int8"),
    "16 bit": ({"images": IMAGES.astype(np.uint16)}, "uint16"),
    "complex": ({"images": FLOATS.astype(complex)}, "complex128"),
    "texts": ({"images": np.full((6, 3, 4, 4), "x")}, "<U1"),
    "records": ({"images": np.zeros(3, [("a", "f4")])}, "'images' of given.npz is"),
    "objects": (
        {"images": np.array([IMAGES, None], dtype=object)},
        "'images' of given.npz holds pickled objects; save plain arrays",
    ),
    "three axes": ({"images": IMAGES[0]}, "shape 4x4 but the network reads 3x4x4"),
    "one number": ({"images": np.float32(1)}, "shape ()"),
    "too large": ({"images": np.zeros((2, 3, 5, 5), np.uint8)}, "shape 3x5x5"),
    "floats channels last": ({"images": np.moveaxis(FLOATS, 1, 3)}, "shape 4x4x3"),
    "grey": ({"images": IMAGES[:, :1]}, "shape 1x4x4"),
    "none": ({"images": IMAGES[:0], "labels": LABELS[:0]}, "no images"),
    "NaN": ({"images": NAN}, "NaN or infinite"),
    "infinite": ({"images": INFINITE}, "NaN or infinite"),
    "infinite as float32": ({"images": FLOATS * 1e300}, "NaN or infinite"),
    "label too high": ({"images": IMAGES, "labels": LABELS + 1}, "from 1 to 5"),
    "negative label": ({"images": IMAGES, "labels": LABELS - 1}, "from -1 to 3"),
    "too few labels": ({"images": IMAGES, "labels": LABELS[1:]}, "6 images but labels"),
    "one label": ({"images": IMAGES, "labels": 3}, "6 images but labels"),
    "one-hot labels": ({"images": IMAGES, "labels": np.eye(6, dtype=int)}, "6 images but labels"),
    "float labels": ({"images": IMAGES, "labels": LABELS / 2}, "float64"),
}


@pytest.mark.parametrize("case", list(BAD))
def test_bad_arrays(tmp_path: Path, case: str) -> None:
    arrays, message = BAD[case]
    np.savez(tmp_path / "given.npz", **arrays)
    found = refusal(tmp_path / "given.npz")
    assert message in found
    assert "given.npz" in found


def test_bytes_need_preprocessing(tmp_path: Path) -> None:
    np.savez(tmp_path / "d.npz", images=IMAGES)
    assert "--preset ImageNet" in refusal(tmp_path / "d.npz", reads(None, (3, 4, 4)))
    np.savez(tmp_path / "d.npz", images=IMAGES.reshape(6, 48))
    assert "not (1 or 3 channels" in refusal(tmp_path / "d.npz", reads(HALF, (48,)))


class Bomb:
    """A pickle that creates a file when it is read."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return Path.touch, (self.marker,)


@pytest.mark.parametrize("key", ["images", "labels"])
def test_no_pickle_is_ever_run(tmp_path: Path, key: str) -> None:
    file, marker = tmp_path / "d.npz", tmp_path / "ran"
    arrays = {"images": IMAGES, "labels": LABELS, key: np.array([Bomb(marker)], dtype=object)}
    np.savez(file, **arrays)
    assert "holds pickled objects" in refusal(file)
    assert not marker.exists()
    np.load(file, allow_pickle=True)[key]  # the file would do it
    assert marker.exists()


def write_broken(file: Path, how: str) -> None:
    np.savez_compressed(file, images=IMAGES.repeat(9, 0))
    whole = bytearray(file.read_bytes())
    if how == "truncated":
        file.write_bytes(whole[: len(whole) // 2])
    elif how == "damaged":
        whole[80:400] = b"\xff" * 320
        file.write_bytes(whole)
    elif how == "empty":
        file.write_bytes(b"")
    elif how == "a text":
        file.write_text("images")
    elif how == "one array":
        with file.open("wb") as stream:
            np.save(stream, IMAGES)
    else:
        with zipfile.ZipFile(file, "w") as archive, archive.open("images.npy", "w") as member:
            member.write(b"not an array")


@pytest.mark.parametrize(
    "how", ["truncated", "damaged", "empty", "a text", "one array", "no array"]
)
def test_broken_file(tmp_path: Path, how: str) -> None:
    write_broken(tmp_path / "d.npz", how)
    assert "d.npz cannot be read as .npz; save it with np.savez" in refusal(tmp_path / "d.npz")


@pytest.mark.parametrize("shape", [(10**13, 3, 4, 4), (5, 3, 4, 4), (7, 3, 4, 4), (-6, 3, -4, 4)])
def test_a_header_that_lies_costs_nothing(tmp_path: Path, shape: tuple[int, ...]) -> None:
    """Six images are there; the header says another number."""
    header = np.lib.format.header_data_from_array_1_0(IMAGES) | {"shape": shape}
    with (
        zipfile.ZipFile(tmp_path / "d.npz", "w") as archive,
        archive.open("images.npy", "w") as member,
    ):
        np.lib.format.write_array_header_1_0(member, header)
        member.write(IMAGES.tobytes())
    tracemalloc.start()
    assert "d.npz" in refusal(tmp_path / "d.npz")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10 * 2**20


def test_a_long_header_costs_nothing(tmp_path: Path) -> None:
    """Version 2 may announce a header of 4 GB; 200 MB of it are there, packed to 0.2."""
    with (
        zipfile.ZipFile(tmp_path / "d.npz", "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("images.npy", "w") as member,
    ):
        member.write(b"\x93NUMPY\x02\x00" + (2**32 - 1).to_bytes(4, "little"))
        for _ in range(20):
            member.write(b" " * 10**7)
    tracemalloc.start()
    assert "d.npz" in refusal(tmp_path / "d.npz")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10 * 2**20


MASK = (("mask", (5,)), ("scale", ()))


def test_further_inputs(tmp_path: Path) -> None:
    mask, scale = RANDOM.integers(0, 2, (6, 5)), np.linspace(0, 1, 6)
    np.savez(tmp_path / "d.npz", images=IMAGES, mask=mask, scale=scale)
    data = load(tmp_path / "d.npz", reads(extra=MASK))
    images, first, second = data.batch(torch.tensor([4, 1]))
    assert images.shape == (2, 3, 4, 4)
    assert (first.dtype, second.dtype) == (torch.float32, torch.float32)
    assert first.tolist() == mask[[4, 1]].tolist()
    assert second.tolist() == pytest.approx(scale[[4, 1]])
    np.savez(tmp_path / "other.npz", images=IMAGES, mask=1 - mask, scale=scale)
    other = load(tmp_path / "other.npz", reads(extra=MASK))
    assert other.fingerprint() != data.fingerprint()
    evaluation = load(tmp_path / "d.npz", reads(extra=MASK), "evaluation", halved=True)
    assert evaluation.extras[0].tolist() == mask[1::2].tolist()


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({}, "no array 'mask' (it has: images, scale)"),
        ({"mask": np.zeros((6, 4))}, "'mask' of d.npz have shape 4 but the network reads 5"),
        ({"mask": np.zeros((5, 5))}, "6 images but 5 entries of 'mask'"),
        ({"mask": np.zeros(())}, "'mask' of d.npz is a single number"),
        ({"mask": np.full((6, 5), np.nan)}, "'mask' of d.npz hold NaN"),
        ({"mask": np.full((6, 5), "x")}, "'mask' of d.npz is <U1"),
    ],
)
def test_bad_further_inputs(tmp_path: Path, arrays: dict[str, Any], message: str) -> None:
    np.savez(tmp_path / "d.npz", images=IMAGES, scale=np.zeros(6), **arrays)
    assert message in refusal(tmp_path / "d.npz", reads(extra=MASK))


def _whole(compressed: bool) -> bytes:
    stream = io.BytesIO()
    (np.savez_compressed if compressed else np.savez)(stream, images=IMAGES, labels=LABELS)
    return stream.getvalue()


WHOLE = (_whole(False), _whole(True))


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    whole=st.sampled_from(WHOLE),
    changes=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), min_size=1, max_size=6),
    cut=st.floats(0.5, 1) | st.just(1.0),
)
def test_any_change_gives_data_or_a_refusal(
    tmp_path: Path, whole: bytes, changes: list[tuple[float, int]], cut: float
) -> None:
    content = bytearray(whole)
    for where, value in changes:
        content[int(where * (len(content) - 1))] = value
    (tmp_path / "d.npz").write_bytes(content[: int(cut * len(content))])
    with contextlib.suppress(BadInput):
        assert len(load(tmp_path / "d.npz")) > 0


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(header=st.text(max_size=80) | st.dictionaries(st.text(), st.integers()).map(repr))
def test_any_header_is_refused(tmp_path: Path, header: str) -> None:
    text = header.encode("utf-8", "replace")
    content = b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text
    with zipfile.ZipFile(tmp_path / "d.npz", "w") as archive:
        archive.writestr("images.npy", content)
    assert "d.npz cannot be read as .npz" in refusal(tmp_path / "d.npz")
