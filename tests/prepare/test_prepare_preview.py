"""The few images that a page shows: which ones, and what they look like."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from qcore.data.dataset import Dataset
from qcore.data.preprocess import Preprocessing
from qcore.prepare import preview as preview_module
from qcore.prepare.preview import read_preview, remove_preview, write_preview

KEY = "0" * 64


def images_of(count: int, channels: int = 3, labels: bool = True) -> Dataset:
    """Noise in which the first byte of each image is its number."""
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(256, (count, channels, 4, 6), generator=generator).byte()
    images[:, 0, 0, 0] = torch.arange(count).byte()
    how = Preprocessing(4, (4, 6), (0.5,) * channels, (0.5,) * channels, "stretch")
    return Dataset("x", images, torch.arange(count) % 7 if labels else None, how)


@pytest.mark.parametrize("count", [1, 5, 18, 19, 100])
@pytest.mark.parametrize("channels", [1, 3])
def test_eighteen_images_evenly_spread(count: int, channels: int) -> None:
    data = images_of(count, channels)
    write_preview(data, KEY)
    preview = read_preview(KEY)
    assert preview is not None
    kept = min(18, count)
    assert preview.images.shape == (kept, 4, 6, channels)
    assert preview.images.dtype == np.uint8
    chosen = preview.images[:, 0, 0, 0].astype(int)
    assert chosen[0] == 0
    steps = np.diff([*chosen, count])
    assert steps.min() >= 1
    assert steps.max() - steps.min() <= 1
    for number, image in zip(chosen, preview.images, strict=True):
        assert np.array_equal(image, data.images[number].permute(1, 2, 0).numpy())
    assert preview.labels is not None
    assert list(preview.labels) == [number % 7 for number in chosen]


def test_without_labels() -> None:
    write_preview(images_of(3, labels=False), KEY)
    preview = read_preview(KEY)
    assert preview is not None
    assert preview.labels is None


@pytest.mark.parametrize(
    "images",
    [torch.zeros(2, 3, 4, 4), torch.zeros(2, 5), torch.zeros(2, 2, 4, 4).byte()],
    ids=["floats", "vectors", "two channels"],
)
def test_nothing_for_what_is_no_picture(images: torch.Tensor, store_home: Path) -> None:
    write_preview(Dataset("x", images, None, None), KEY)
    assert read_preview(KEY) is None
    assert not [path for path in store_home.rglob("*") if path.is_file()]


def test_written_once_whole_and_for_each_fingerprint(store_home: Path) -> None:
    write_preview(images_of(3), KEY)
    (file,) = [path for path in store_home.rglob("*") if path.is_file()]
    before = (file.stat().st_ino, file.read_bytes())
    write_preview(images_of(3), KEY)
    assert (file.stat().st_ino, file.read_bytes()) == before
    assert read_preview("1" * 64) is None


@pytest.mark.parametrize("content", [b"", b"PK\3\4 no archive", None, b"\x93NUMPY"])
def test_a_damaged_file_shows_nothing(content: bytes | None, store_home: Path) -> None:
    write_preview(images_of(3), KEY)
    (file,) = [path for path in store_home.rglob("*") if path.is_file()]
    file.write_bytes(file.read_bytes()[:-40] if content is None else content)
    assert read_preview(KEY) is None


def test_a_file_of_other_arrays_shows_nothing(store_home: Path) -> None:
    write_preview(images_of(3), KEY)
    (file,) = [path for path in store_home.rglob("*") if path.is_file()]
    np.savez(file, pictures=np.zeros(3))
    assert read_preview(KEY) is None
    np.savez(file, images=np.array([{}], dtype=object))  # would need unpickling
    assert read_preview(KEY) is None


def test_removal() -> None:
    for key in ("0" * 64, "1" * 64):
        write_preview(images_of(3), key)
    for _ in range(2):
        remove_preview("0" * 64)
    assert read_preview("0" * 64) is None
    assert read_preview("1" * 64) is not None


def test_those_seen_longest_ago_make_room(
    store_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for key in "abc":
        write_preview(images_of(3), key)
    read_preview("a")
    size = (store_home / "previews" / "a.npz").stat().st_size
    monkeypatch.setattr(preview_module, "MOST_BYTES", 2 * size)
    write_preview(images_of(3), "d")
    assert sorted(f.name for f in (store_home / "previews").iterdir()) == ["a.npz", "d.npz"]
