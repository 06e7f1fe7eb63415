"""idx files (MNIST, Fashion-MNIST), written and read back by numpy alone."""

from __future__ import annotations

import contextlib
import gzip
import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from data_common import GREY, HALF, load, reads, refusal
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qcore.data.preprocess import Preprocessing
from qcore.errors import BadInput

IMAGES = np.random.default_rng(0).integers(0, 256, (6, 4, 4), dtype=np.uint8)
LABELS = np.array([0, 1, 2, 3, 4, 0], np.uint8)
NAME, LABELS_NAME = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"
FASHION = Path("/usr/share/datasets/fashion-mnist")


def idx(array: np.ndarray, kind: int = 8) -> bytes:
    sizes = struct.pack(f">{array.ndim}I", *array.shape)
    return struct.pack(">HBB", 0, kind, array.ndim) + sizes + array.tobytes()


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize("labels_packed", [False, True], ids=["plain", "gzip"])
def test_labels_lie_beside(tmp_path: Path, packed: bool, labels_packed: bool) -> None:
    images, labels = idx(IMAGES), idx(LABELS)
    name = NAME + ".gz" * packed
    (tmp_path / name).write_bytes(gzip.compress(images) if packed else images)
    (tmp_path / (LABELS_NAME + ".gz" * labels_packed)).write_bytes(
        gzip.compress(labels) if labels_packed else labels
    )
    data = load(tmp_path / name, reads(GREY))
    assert np.array_equal(data.images.numpy(), IMAGES[:, None])
    assert data.labels.tolist() == LABELS.tolist()
    assert (data.name, data.preprocessing, data.notes) == (name, GREY, ())


def test_without_labels(tmp_path: Path) -> None:
    (tmp_path / "pictures.idx").write_bytes(idx(IMAGES))
    data = load(tmp_path / "pictures.idx", reads(GREY))
    assert data.labels is None
    assert "no file of labels" in data.notes[0]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "shorter than its header"),
        (b"\x00\x00\x08", "shorter than its header"),
        (b"PK\x03\x04" + bytes(50), "is no idx file"),
        (b"\x00\x00\x08\x00", "is no idx file"),
        (b"\x00\x00\x08\x05" + bytes(50), "is no idx file"),
        (idx(IMAGES, 0x0D), "values of type 0x0d; only unsigned bytes"),
        (idx(IMAGES)[:-1], "shorter than its header"),
        (idx(IMAGES) + b"x", "longer than its header"),
        (idx(IMAGES[:0]), "holds no values"),
        (struct.pack(">HBB3I", 0, 8, 3, 0, 2**32 - 1, 2**32 - 1), "holds no values"),
        (idx(LABELS), "1 axes"),
        (idx(IMAGES[None]), "4 axes"),
        (struct.pack(">HBB3I", 0, 8, 3, 60000, 2**31, 2**31), "more than 4 GB"),
        (struct.pack(">HBB3I", 0, 8, 3, 60000, 200, 200), "shorter than its header"),
        (gzip.compress(idx(IMAGES))[:-9], "cannot be read"),
        (gzip.compress(idx(IMAGES)) + b"more", "cannot be read"),
        (gzip.compress(idx(IMAGES) + bytes(10**8)), "longer than its header"),
        (idx(np.zeros((6, 28, 28), np.uint8)), "shape 1x28x28 but the network reads 1x4x4"),
    ],
)
def test_refused(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / NAME).write_bytes(content)
    tracemalloc.start()
    found = refusal(tmp_path / NAME, reads(GREY))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert message in found
    assert NAME in found
    assert peak < 10 * 2**20


@pytest.mark.parametrize(
    ("labels", "message"),
    [(LABELS[1:], "6 images but labels"), (LABELS + 1, "from 1 to 5"), (IMAGES, "have 3 axes")],
)
def test_bad_labels(tmp_path: Path, labels: np.ndarray, message: str) -> None:
    (tmp_path / NAME).write_bytes(idx(IMAGES))
    (tmp_path / LABELS_NAME).write_bytes(idx(labels))
    assert message in refusal(tmp_path / NAME, reads(GREY))


def test_what_the_network_must_read(tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(idx(IMAGES))
    assert "reads 3x4x4" in refusal(tmp_path / NAME, reads(HALF))
    assert "--preset" in refusal(tmp_path / NAME, reads(None, (1, 4, 4)))
    assert "'mask'" in refusal(tmp_path / NAME, reads(GREY, extra=(("mask", ()),)))


WHOLE = (idx(IMAGES), gzip.compress(idx(IMAGES), mtime=0))


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    whole=st.sampled_from(WHOLE),
    changes=st.lists(st.tuples(st.integers(0, 40), st.integers(0, 255)), max_size=4),
    cut=st.floats(0, 1) | st.just(1.0),
    more=st.binary(max_size=4),
)
def test_any_change_gives_data_or_a_refusal(
    tmp_path: Path, whole: bytes, changes: list[tuple[int, int]], cut: float, more: bytes
) -> None:
    content = bytearray(whole)
    for where, value in changes:
        content[where] = value
    (tmp_path / NAME).write_bytes(content[: int(cut * len(content))] + more)
    with contextlib.suppress(BadInput):
        assert len(load(tmp_path / NAME, reads(GREY))) == 6


@pytest.mark.skipif(not FASHION.is_dir(), reason="Debian's dataset-fashion-mnist is not installed")
def test_fashion_mnist_as_debian_ships_it() -> None:
    network = reads(Preprocessing(28, (28, 28), (0.2860,), (0.3530,)), classes=10)
    data = load(FASHION / "t10k-images-idx3-ubyte.gz", network)
    whole = gzip.decompress((FASHION / "t10k-images-idx3-ubyte.gz").read_bytes())
    expected = np.frombuffer(whole, np.uint8, offset=16).reshape(10_000, 1, 28, 28)
    assert np.array_equal(data.images.numpy(), expected)
    assert data.labels.bincount().tolist() == [1000] * 10
