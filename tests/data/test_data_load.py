"""Data in every form that can be given, good and bad."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from small_nets import as_network, small_residual

from qcore.data.load import load_data
from qcore.errors import BadInput
from qcore.graph.network import Network

RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.integers(0, 256, (6, 3, 4, 4), dtype=np.uint8)
LABELS = np.array([0, 1, 2, 3, 4, 0])


@pytest.fixture(scope="module")
def network() -> Network:
    """Reads 3x4x4, five classes; (x / 255 - 0.5) / 0.25."""
    return as_network(small_residual(), size=4)


def refusal(reference: object, network: Network) -> str:
    with pytest.raises(BadInput) as raised:
        load_data(str(reference), network, "calibration")
    assert "\n" not in str(raised.value)
    return str(raised.value)


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.int64, np.uint16])
@pytest.mark.parametrize("save", [np.savez, np.savez_compressed], ids=["plain", "compressed"])
def test_npz(tmp_path: Path, network: Network, save: Callable[..., None], dtype: type) -> None:
    save(tmp_path / "d.npz", images=IMAGES, labels=LABELS.astype(dtype))
    data = load_data(str(tmp_path / "d.npz"), network, "calibration")
    assert (data.name, len(data)) == ("d.npz", 6)
    assert data.labels.tolist() == LABELS.tolist()
    seen = data.batch(torch.tensor([4, 1]))
    assert seen.dtype == torch.float32
    expected = (IMAGES[[4, 1]].astype(np.float64) / 255 - 0.5) / 0.25
    assert seen.numpy() == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", ">f4"])
def test_floats_are_taken_as_they_are(tmp_path: Path, network: Network, dtype: str) -> None:
    images = RANDOM.normal(size=(3, 3, 4, 4)).astype(dtype)
    np.savez(tmp_path / "d.npz", images=images)
    data = load_data(str(tmp_path / "d.npz"), network, "calibration")
    assert data.labels is None
    assert np.array_equal(data.batch(torch.arange(3)).numpy(), images.astype(np.float32))


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
    "three axes": ({"images": IMAGES[0]}, "(3, 4, 4)"),
    "channels last": ({"images": np.moveaxis(IMAGES, 1, 3)}, "shape 4x4x3"),
    "too large": ({"images": np.zeros((2, 3, 5, 5), np.uint8)}, "shape 3x5x5"),
    "grey": ({"images": IMAGES[:, :1]}, "shape 1x4x4"),
    "none": ({"images": IMAGES[:0], "labels": LABELS[:0]}, "no images"),
    "NaN": ({"images": NAN}, "NaN or infinite"),
    "infinite": ({"images": INFINITE}, "NaN or infinite"),
    "label too high": ({"images": IMAGES, "labels": LABELS + 1}, "from 1 to 5"),
    "negative label": ({"images": IMAGES, "labels": LABELS - 1}, "from -1 to 3"),
    "too few labels": ({"images": IMAGES, "labels": LABELS[1:]}, "6 images but labels"),
    "one label": ({"images": IMAGES, "labels": 3}, "6 images but labels"),
    "one-hot labels": ({"images": IMAGES, "labels": np.eye(6, dtype=int)}, "6 images but labels"),
    "float labels": ({"images": IMAGES, "labels": LABELS / 2}, "float64"),
}


@pytest.mark.parametrize("case", list(BAD))
def test_bad_arrays(tmp_path: Path, network: Network, case: str) -> None:
    arrays, message = BAD[case]
    np.savez(tmp_path / "given.npz", **arrays)
    found = refusal(tmp_path / "given.npz", network)
    assert message in found
    assert "given.npz" in found


class Bomb:
    """A pickle that creates a file when it is read."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return Path.touch, (self.marker,)


@pytest.mark.parametrize("key", ["images", "labels"])
def test_no_pickle_is_ever_run(tmp_path: Path, network: Network, key: str) -> None:
    file, marker = tmp_path / "d.npz", tmp_path / "ran"
    arrays = {"images": IMAGES, "labels": LABELS, key: np.array([Bomb(marker)], dtype=object)}
    np.savez(file, **arrays)
    assert "cannot be read as .npz" in refusal(file, network)
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
        header = np.lib.format.header_data_from_array_1_0(IMAGES) | {"shape": (10**13, 3, 4, 4)}
        with zipfile.ZipFile(file, "w") as archive, archive.open("images.npy", "w") as member:
            if how == "too much":
                np.lib.format.write_array_header_1_0(member, header)
            member.write(b"not an array")


@pytest.mark.parametrize(
    "how", ["truncated", "damaged", "empty", "a text", "one array", "no array", "too much"]
)
def test_broken_file(tmp_path: Path, network: Network, how: str) -> None:
    write_broken(tmp_path / "d.npz", how)
    assert "d.npz" in refusal(tmp_path / "d.npz", network)


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("sample:nothing", "no sample data are called 'nothing'; there are: fashion-cnn"),
        ("/nowhere/d.npz", "there are no data at '/nowhere/d.npz'"),
        ("", "there are no data at ''"),
    ],
    ids=["unknown sample", "missing file", "empty text"],
)
def test_unknown_reference(reference: str, message: str, network: Network) -> None:
    assert message in refusal(reference, network)


def test_another_kind_of_file(tmp_path: Path, network: Network) -> None:
    (tmp_path / "d.csv").write_text("1,2")
    assert "d.csv is neither a .npz file nor a folder" in refusal(tmp_path / "d.csv", network)


def test_identical_content_has_one_fingerprint(tmp_path: Path, network: Network) -> None:
    prints = []
    for number, (images, labels) in enumerate(
        [(IMAGES, LABELS), (IMAGES, LABELS), (IMAGES[::-1], LABELS), (IMAGES, LABELS[::-1])]
    ):
        np.savez(tmp_path / f"{number}.npz", images=images, labels=labels)
        data = load_data(str(tmp_path / f"{number}.npz"), network, "calibration")
        prints.append(data.fingerprint())
    assert prints[0] == prints[1]
    assert len(set(prints)) == 3
