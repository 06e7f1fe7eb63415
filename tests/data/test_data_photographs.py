"""Pixels of photographs against torchvision, colour modes, and values as the network sees them."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from data_common import GREY, HALF, encoded, level, load, pixels, reads, write_tree
from PIL import Image

from qcore.data.dataset import normalise
from qcore.data.photograph import read_photograph, resized_size
from qcore.data.preprocess import Preprocessing
from qcore.graph.torchvision_import import import_torchvision

KINDS = ("bilinear", "bicubic", "nearest")
# (height, width): short sides that divide badly, crops whose margins are odd, far up and down
SIZES = [(7, 5), (5, 7), (31, 31), (33, 32), (32, 33), (100, 37), (37, 100), (1, 9), (64, 47)]
CROPS = [(8, (8, 8)), (9, (8, 8)), (11, (8, 6)), (37, (32, 31)), (40, (1, 39))]
IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


@pytest.fixture(scope="module")
def transforms() -> ModuleType:
    import_torchvision()
    from torchvision import transforms

    return transforms


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("short", "crop"), CROPS)
def test_equal_to_torchvision(
    transforms: ModuleType, short: int, crop: tuple[int, int], kind: str
) -> None:
    """Every pixel of resize and crop, every value after normalisation."""
    own = Preprocessing(short, crop, *IMAGENET, interpolation=kind)
    resize = transforms.Resize(short, transforms.InterpolationMode(kind))
    cut = transforms.Compose([resize, transforms.CenterCrop(crop)])
    to_values = transforms.Compose([transforms.ToTensor(), transforms.Normalize(*IMAGENET)])
    for seed, size in enumerate(SIZES):
        content = encoded(pixels(*size, 3, seed=seed))
        image = cut(Image.fromarray(pixels(*size, 3, seed=seed)))
        found = read_photograph(content, own)
        assert np.array_equal(found, np.moveaxis(np.asarray(image), 2, 0)), size
        seen = normalise(torch.from_numpy(found.copy())[None], own)
        assert torch.equal(seen[0], to_values(image)), size


@pytest.mark.parametrize("kind", KINDS)
def test_stretch_equals_torchvision(transforms: ModuleType, kind: str) -> None:
    own = Preprocessing(1, (10, 14), *IMAGENET, fit="stretch", interpolation=kind)
    resize = transforms.Resize((10, 14), transforms.InterpolationMode(kind))
    for size in (*SIZES, (10, 14), (14, 10)):
        image = pixels(*size, 3)
        expected = np.moveaxis(np.asarray(resize(Image.fromarray(image))), 2, 0)
        assert np.array_equal(read_photograph(encoded(image), own), expected), size


def test_jpeg_equals_torchvision(transforms: ModuleType) -> None:
    """Decoding takes no shortcut to a smaller size."""
    content = encoded(np.asarray(Image.fromarray(pixels(30, 40, 3)).resize((400, 300))), "JPEG")
    own = Preprocessing(32, (28, 28), *IMAGENET)
    cut = transforms.Compose([transforms.Resize(32), transforms.CenterCrop(28)])
    expected = cut(Image.open(io.BytesIO(content)).convert("RGB"))
    assert np.array_equal(read_photograph(content, own), np.moveaxis(np.asarray(expected), 2, 0))


def test_size_by_hand() -> None:
    assert resized_size(640, 480, 256) == (341, 256)  # 341.33
    assert resized_size(480, 640, 256) == (256, 341)
    assert resized_size(500, 375, 256) == (341, 256)
    assert resized_size(9, 9, 256) == (256, 256)


@pytest.mark.parametrize(
    ("shape", "rows", "columns"),
    [
        ((4, 4), slice(0, 4), slice(0, 4)),
        ((4, 8), slice(0, 4), slice(2, 6)),
        ((9, 4), slice(2, 6), slice(0, 4)),  # a margin of 5: 2.5 rounds to 2
        ((11, 4), slice(4, 8), slice(0, 4)),  # a margin of 7: 3.5 rounds to 4
    ],
    ids=["as it is", "wide", "tall", "taller"],
)
def test_crop_by_hand(shape: tuple[int, int], rows: slice, columns: slice) -> None:
    """The short side is 4 already, so that only the centre is cut out."""
    image = pixels(*shape, 3)
    expected = np.moveaxis(image[rows, columns], 2, 0)
    assert np.array_equal(read_photograph(encoded(image), HALF), expected)


def palette_image() -> Image.Image:
    image = Image.new("P", (6, 6), 2)
    image.putpalette([0, 0, 0, 9, 9, 9, 10, 20, 30])
    return image


RGB = [10, 20, 30]
MODES: dict[str, tuple[Image.Image, str, dict[str, object], list[int]]] = {
    "RGB": (Image.new("RGB", (9, 7), (10, 20, 30)), "PNG", {}, RGB),
    "RGBA": (Image.new("RGBA", (9, 7), (10, 20, 30, 128)), "PNG", {}, RGB),
    "RGBA WebP": (Image.new("RGBA", (9, 7), (10, 20, 30, 255)), "WEBP", {"lossless": True}, RGB),
    "BMP": (Image.new("RGB", (9, 7), (10, 20, 30)), "BMP", {}, RGB),
    "grey": (Image.new("L", (9, 7), 77), "PNG", {}, [77] * 3),
    "grey JPEG": (Image.new("L", (9, 7), 77), "JPEG", {"quality": 100}, [77] * 3),
    "grey alpha": (Image.new("LA", (9, 7), (77, 0)), "PNG", {}, [77] * 3),
    "one bit": (Image.new("1", (9, 7), 1), "PNG", {}, [255] * 3),
    "palette": (palette_image(), "PNG", {}, RGB),
    "palette with one clear": (palette_image(), "PNG", {"transparency": 0}, RGB),
    "palette with alpha": (palette_image(), "PNG", {"transparency": b"\x00\x80\x80"}, RGB),
    "CMYK": (Image.new("CMYK", (9, 7), (255, 0, 0, 0)), "JPEG", {"quality": 100}, [0, 255, 255]),
    "16 bit": (Image.fromarray(np.full((7, 9), 200 * 257, np.uint16)), "PNG", {}, [200] * 3),
    "16 bit dark": (Image.fromarray(np.full((7, 9), 300, np.uint16)), "PNG", {}, [1] * 3),
    "16 bit white": (Image.fromarray(np.full((7, 9), 65535, np.uint16)), "PNG", {}, [255] * 3),
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("mode", MODES)
def test_modes(mode: str) -> None:
    image, kind, options, expected = MODES[mode]
    content = encoded(image, kind, **options)
    found = read_photograph(content, HALF).astype(int)
    near = 2 if kind == "JPEG" else 0
    assert found.shape == (3, 4, 4)
    assert np.abs(found - np.reshape(expected, (3, 1, 1))).max() <= near
    luma = np.dot([0.299, 0.587, 0.114], expected)
    grey = read_photograph(content, GREY)
    assert grey.shape == (1, 4, 4)
    assert np.abs(grey - luma).max() <= 1 + near


def test_orientation_is_not_applied() -> None:
    """As in torchvision's ImageFolder: EXIF says turned by 90 degrees, the pixels stay."""
    image = pixels(4, 4, 3)
    exif = Image.Exif()
    exif[0x0112] = 6
    found = read_photograph(encoded(image, "PNG", exif=exif), HALF)
    assert np.array_equal(found, np.moveaxis(image, 2, 0))


def test_blue_first_and_not_scaled(tmp_path: Path) -> None:
    """Caffe: (x - mean) in the order blue, green, red."""
    means = (103.939, 116.779, 123.68)
    caffe = replace(HALF, mean=means, std=(1, 1, 2), channel_order="BGR", value_range="0 to 255")
    folder = write_tree(tmp_path, {"a.png": encoded(Image.new("RGB", (4, 4), (10, 20, 30)))})
    data = load(folder, reads(), preprocessing=caffe)
    assert data.images[0, :, 0, 0].tolist() == [10, 20, 30]  # stored as red, green, blue
    seen = data.batch(torch.tensor([0]))
    expected = [30 - 103.939, 20 - 116.779, (10 - 123.68) / 2]
    assert seen[0, :, 2, 3].tolist() == pytest.approx(expected, rel=1e-6)


def test_the_sources_preprocessing_comes_before_the_networks(tmp_path: Path) -> None:
    folder = write_tree(tmp_path, {"a.png": level(255)})
    assert float(load(folder).batch(torch.tensor([0])).max()) == 2.0
    other = replace(HALF, mean=(0.0,) * 3, std=(1.0,) * 3)
    data = load(folder, preprocessing=other)
    assert float(data.batch(torch.tensor([0])).max()) == 1.0
    assert data.preprocessing == other
    assert data.fingerprint() != load(folder).fingerprint()
