"""Folders of photographs, and the data that come with the samples."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from small_nets import as_network, small_residual
from torch.nn import functional

from qcore.data.dataset import Dataset
from qcore.data.load import load_data
from qcore.data.preprocess import Preprocessing
from qcore.errors import BadInput
from qcore.graph.network import Network
from qcore.samples import SAMPLES

SPLITS = ("calibration", "evaluation")
RANDOM = np.random.default_rng(0)


@pytest.fixture(scope="module")
def network() -> Network:
    """Reads 3x4x4 from photographs whose short side becomes 4; (x / 255 - 0.5) / 0.25."""
    return as_network(small_residual(), size=4)


@pytest.fixture(scope="module")
def grey_network() -> Network:
    return as_network(small_residual(channels=1), channels=1, size=4)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "photographs"
    path.mkdir()
    return path


def pixels(height: int, width: int, *channels: int) -> np.ndarray:
    return RANDOM.integers(0, 256, (height, width, *channels), dtype=np.uint8)


def loaded(folder: Path, network: Network) -> Dataset:
    return load_data(str(folder), network, "calibration")


@pytest.mark.parametrize(
    ("shape", "rows", "columns"),
    [
        ((4, 4), slice(0, 4), slice(0, 4)),
        ((4, 8), slice(0, 4), slice(2, 6)),
        ((9, 4), slice(2, 6), slice(0, 4)),
    ],
    ids=["as it is", "wide", "tall"],
)
def test_crop_by_hand(
    folder: Path, network: Network, shape: tuple[int, int], rows: slice, columns: slice
) -> None:
    """The short side is 4 already, so that only the centre is cut out."""
    image = pixels(*shape, 3)
    Image.fromarray(image).save(folder / "a.png")
    data = loaded(folder, network)
    expected = np.moveaxis(image[rows, columns], 2, 0)[None]
    assert data.labels is None
    assert np.array_equal(data.images.numpy(), expected)
    seen = data.batch(torch.tensor([0])).numpy()
    assert seen == pytest.approx((expected.astype(np.float64) / 255 - 0.5) / 0.25, abs=1e-6)


@pytest.mark.parametrize(
    ("short", "crop"), [(4, 4), (6, 4), (24, 20)], ids=["down", "margin", "up"]
)
def test_resize_is_antialiased_bicubic(
    folder: Path, network: Network, short: int, crop: int
) -> None:
    """Against the resize of PyTorch, within one level of rounding."""
    preprocessing = Preprocessing(short, crop, (0.5,) * 3, (0.25,) * 3)
    description = replace(network.description, input_shape=(3, crop, crop))
    network = replace(network, preprocessing=preprocessing, description=description)
    image = 80 + pixels(12, 18, 3) % 96  # far enough from 0 and 255 that nothing is clipped
    Image.fromarray(image).save(folder / "a.png")
    size = (short, short * 3 // 2)
    wide = torch.from_numpy(np.moveaxis(image, 2, 0)[None].copy()).float()
    resized = functional.interpolate(wide, size, mode="bicubic", antialias=True).clamp(0, 255)
    top, left = (size[0] - crop) // 2, (size[1] - crop) // 2
    expected = resized[0, :, top : top + crop, left : left + crop].numpy()
    found = loaded(folder, network).images[0].numpy()
    assert np.abs(found - expected).max() <= 1.5


@pytest.mark.parametrize(
    ("mode", "colour", "expected"),
    [
        ("RGB", (10, 20, 30), [10, 20, 30]),
        ("RGBA", (10, 20, 30, 128), [10, 20, 30]),
        ("L", 77, [77, 77, 77]),
        ("LA", (77, 0), [77, 77, 77]),
        ("1", 1, [255, 255, 255]),
    ],
)
def test_colour_modes(
    folder: Path, network: Network, mode: str, colour: object, expected: list[int]
) -> None:
    Image.new(mode, (9, 7), colour).save(folder / "a.png")
    image = loaded(folder, network).images[0]
    assert image.shape == (3, 4, 4)
    assert (image == torch.tensor(expected).reshape(3, 1, 1)).all()


def test_colour_to_grey(folder: Path, grey_network: Network) -> None:
    Image.new("RGB", (4, 4), (100, 150, 200)).save(folder / "a.png")
    image = loaded(folder, grey_network).images[0]
    assert image.shape == (1, 4, 4)
    luma = 0.299 * 100 + 0.587 * 150 + 0.114 * 200
    assert (image.float() - luma).abs().max() <= 1


def test_photographs_in_order_of_their_names(folder: Path, network: Network) -> None:
    for name, level in (("b.JPG", 100), ("c.jpeg", 150), ("a.png", 50)):
        Image.new("L", (4, 4), level).save(folder / name)
    (folder / "notes.txt").write_text("not a photograph")
    (folder / "inner.png").mkdir()
    data = loaded(folder, network)
    assert data.name == "photographs"
    assert data.images[:, 0, 0, 0].tolist() == [50, 100, 150]


def write(file: Path, how: str) -> None:
    image = Image.fromarray(pixels(40, 40, 3))
    image.save(file)
    whole = file.read_bytes()
    if how == "a text":
        file.write_text("not a photograph")
    elif how == "truncated":
        file.write_bytes(whole[: len(whole) // 2])
    elif how == "chunk without a name":
        file.write_bytes(whole.replace(b"IDAT", b"\x06\xf0\xcf\x1d"))
    else:
        file.write_bytes(b"")


@pytest.mark.parametrize(
    ("name", "how"),
    [
        ("bad.jpg", "a text"),
        ("bad.jpg", "truncated"),
        ("bad.png", "truncated"),
        ("bad.png", "chunk without a name"),
        ("bad.jpg", "empty"),
    ],
)
def test_broken_photograph_is_named(folder: Path, network: Network, name: str, how: str) -> None:
    Image.new("RGB", (4, 4)).save(folder / "good.png")
    write(folder / name, how)
    with pytest.raises(BadInput, match=rf"^{name} cannot be read as an image"):
        loaded(folder, network)


def test_folder_without_photographs(folder: Path, network: Network) -> None:
    (folder / "notes.txt").write_text("not a photograph")
    with pytest.raises(BadInput, match=r"folder photographs holds no \.jpg or \.png"):
        loaded(folder, network)


def test_the_folder_one_stands_in(
    folder: Path, network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.new("RGB", (4, 4)).save(folder / "a.png")
    monkeypatch.chdir(folder)
    assert load_data(".", network, "calibration").name == "photographs"


def sample_splits(network: Network, name: str, shape: tuple[int, ...], outputs: int) -> list:
    description = replace(network.description, input_shape=shape, outputs=outputs)
    network = replace(network, description=description, preprocessing=SAMPLES[name].preprocessing)
    data = [load_data(f"sample:{name}", network, split) for split in SPLITS]
    first, second = ({image.numpy().tobytes() for image in d.images} for d in data)
    assert not first & second
    assert [d.images.shape[1:] for d in data] == [torch.Size(shape)] * 2
    return data


def test_splits_of_fashion_cnn(network: Network) -> None:
    data = sample_splits(network, "fashion-cnn", (1, 28, 28), 10)
    assert [len(d) for d in data] == [1000, 2000]
    assert [d.labels.bincount().tolist() for d in data] == [[100] * 10, [200] * 10]


def test_splits_of_efficientnet_lite0(network: Network) -> None:
    data = sample_splits(network, "efficientnet-lite0", (3, 224, 224), 1000)
    assert [len(d) for d in data] == [64, 64]
    assert [d.labels for d in data] == [None, None]
