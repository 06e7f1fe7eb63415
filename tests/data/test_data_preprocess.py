"""How images become inputs: presets against what their authors publish, and the values' checks."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from qcore.data.dataset import normalise
from qcore.data.preprocess import (
    PRESETS,
    Preprocessing,
    checked,
    from_preset,
    reads_images,
    without_resize,
)
from qcore.data.source import DataSource
from qcore.errors import BadInput
from qcore.graph.torchvision_import import import_torchvision

BYTES = torch.randint(256, (2, 3, 8, 8), generator=torch.Generator().manual_seed(0)).byte()
RGB = BYTES.double().numpy()

# What the authors' own code computes from an RGB byte image (N, 3, H, W).
PUBLISHED = {
    # keras.applications.imagenet_utils.preprocess_input, mode "tf", "torch" and "caffe"
    "-1 to 1": RGB / 127.5 - 1,
    "ImageNet": (RGB / 255 - np.reshape([0.485, 0.456, 0.406], (3, 1, 1)))
    / np.reshape([0.229, 0.224, 0.225], (3, 1, 1)),
    "Caffe": RGB[:, ::-1] - np.reshape([103.939, 116.779, 123.68], (3, 1, 1)),
    # tensorflow/tpu, models/official/efficientnet/lite: MEAN_RGB 127, STDDEV_RGB 128
    "EfficientNet-Lite": (RGB - 127) / 128,
    "0 to 1": RGB / 255,
    "0 to 255": RGB,
}


@pytest.mark.parametrize("name", list(PRESETS))
def test_presets_compute_what_is_published(name: str) -> None:
    found = normalise(BYTES, from_preset(name, (3, 8, 8))).double().numpy()
    assert np.allclose(found, PUBLISHED[name], rtol=1e-5, atol=1e-4)


def test_imagenet_is_torchvision_s() -> None:
    preset = import_torchvision().models.ResNet18_Weights.IMAGENET1K_V1.transforms()
    ours = from_preset("ImageNet", (3, 224, 224))
    assert (list(ours.mean), list(ours.std)) == (preset.mean, preset.std)
    assert ([ours.resize_px], [*ours.crop_px]) == (preset.resize_size, preset.crop_size * 2)
    assert ours.interpolation == preset.interpolation.value
    assert (ours.fit, ours.channel_order, ours.value_range) == ("crop", "RGB", "0 to 1")


@pytest.mark.parametrize("size", [224, 299, 128, 127, 32, 1, 3584])
def test_square_inputs_keep_224_to_256_unless_they_are_small(size: int) -> None:
    how = from_preset("0 to 1", (3, size, size))
    assert how.fit == "crop"
    assert how.crop_px == (size, size)
    assert abs(how.resize_px - size * (256 / 224 if size >= 128 else 1)) <= 0.5
    assert checked(how) is how


@pytest.mark.parametrize("shape", [(3, 224, 112), (1, 32, 100), (3, 1, 2)])
def test_other_inputs_are_stretched(shape: tuple[int, ...]) -> None:
    how = from_preset("ImageNet", shape)
    assert (how.fit, how.input_shape) == ("stretch", shape)
    assert checked(how) is how


@pytest.mark.parametrize("name", list(PRESETS))
def test_grey_takes_the_mean_over_the_channels(name: str) -> None:
    grey, preset = from_preset(name, (1, 28, 28)), PRESETS[name]
    assert grey.mean == (pytest.approx(np.mean(preset.mean)),)
    assert grey.std == (pytest.approx(np.mean(preset.std)),)
    assert grey.channel_order == "RGB"  # one channel has no order
    assert (grey.value_range, grey.interpolation) == (preset.value_range, preset.interpolation)
    assert checked(grey).input_shape == (1, 28, 28)


@pytest.mark.parametrize("shape", [(10,), (4, 8, 8), (2, 8, 8), (8, 8), (3, 8, 8, 8), ()])
def test_networks_that_read_no_images(shape: tuple[int, ...]) -> None:
    assert not reads_images(shape)
    with pytest.raises(BadInput, match=r"not images; give a \.npz"):
        from_preset("ImageNet", shape)


def test_unknown_preset_names_those_there_are() -> None:
    with pytest.raises(BadInput) as caught:
        from_preset("imagenet", (3, 8, 8))
    assert all(name in str(caught.value) for name in PRESETS)


GOOD = Preprocessing(10, (8, 8), (0.5,) * 3, (0.25,) * 3)
NONSENSE: list[tuple[dict[str, Any], str]] = [
    ({"mean": (0.5,)}, "1 means and 3 standard deviations"),
    ({"mean": (0.5,) * 2, "std": (1.0,) * 2}, "2 means"),
    ({"mean": (), "std": ()}, "0 means"),
    ({"mean": (0.5,) * 4, "std": (1.0,) * 4}, "4 means"),
    ({"mean": (0.5, float("nan"), 0.5)}, "finite"),
    ({"mean": (0.5, float("inf"), 0.5)}, "finite"),
    ({"std": (1.0, 0.0, 1.0)}, "above zero"),
    ({"std": (1.0, -1.0, 1.0)}, "above zero"),
    ({"std": (1.0, float("nan"), 1.0)}, "above zero"),
    ({"std": (1.0, float("inf"), 1.0)}, "above zero"),
    ({"resize_px": 0}, "1 to 4096"),
    ({"resize_px": 4097}, "1 to 4096"),
    ({"crop_px": (0, 8)}, "1 to 4096"),
    ({"crop_px": (8, 5000), "fit": "stretch"}, "1 to 4096"),
    ({"resize_px": 7}, "at least 8"),
    ({"crop_px": (8, 11)}, "at least 11"),
    ({"fit": "pad"}, "crop, stretch"),
    ({"interpolation": "lanczos"}, "bilinear, bicubic, nearest"),
    ({"channel_order": "rgb"}, "RGB, BGR"),
    ({"value_range": "0 to 2"}, "0 to 1, 0 to 255"),
]


@pytest.mark.parametrize(("changes", "message"), NONSENSE)
def test_what_makes_no_sense(changes: dict[str, Any], message: str) -> None:
    assert checked(GOOD) is GOOD
    with pytest.raises(BadInput) as caught:
        checked(replace(GOOD, **changes))
    assert message in str(caught.value)


def test_stretch_needs_no_resize() -> None:
    small = replace(GOOD, resize_px=1)
    assert without_resize(small) == replace(small, fit="stretch")
    assert checked(without_resize(small)).resize_px == 1


finite = st.floats(-1e6, 1e6)


@st.composite
def preprocessings(draw: st.DrawFn) -> Preprocessing:
    channels = draw(st.sampled_from([1, 3]))
    crop = (draw(st.integers(1, 4096)), draw(st.integers(1, 4096)))
    fit = draw(st.sampled_from(["crop", "stretch"]))
    return Preprocessing(
        draw(st.integers(max(crop) if fit == "crop" else 1, 4096)),
        crop,
        tuple(draw(finite) for _ in range(channels)),
        tuple(draw(st.floats(1e-6, 1e6)) for _ in range(channels)),
        fit,
        draw(st.sampled_from(["bilinear", "bicubic", "nearest"])),
        draw(st.sampled_from(["RGB", "BGR"])),
        draw(st.sampled_from(["0 to 1", "0 to 255"])),
    )


@given(preprocessings(), st.text(), st.booleans(), st.booleans())
def test_survives_json(how: Preprocessing, reference: str, halved: bool, own: bool) -> None:
    assert Preprocessing.from_json(json.loads(json.dumps(how.to_json()))) == how
    source = DataSource(reference, None if own else how, halved)
    assert DataSource.from_json(json.loads(json.dumps(source.to_json()))) == source


@pytest.mark.parametrize("field", list(GOOD.to_json()))
@pytest.mark.parametrize("value", ["missing", None, "x", -1, [], [None], [True] * 3, {}])
def test_json_with_a_wrong_field(field: str, value: Any) -> None:
    data = GOOD.to_json()
    if value == "missing":
        del data[field]
    else:
        data[field] = value
    with pytest.raises((KeyError, ValueError)):
        Preprocessing.from_json(data)


@pytest.mark.parametrize("crop", [[8], [8, 8, 8]])
def test_json_with_a_crop_of_other_than_two_sizes(crop: list[int]) -> None:
    with pytest.raises(ValueError, match="unpack"):
        Preprocessing.from_json({**GOOD.to_json(), "crop_px": crop})


def test_title_of_a_source_whose_upload_is_gone() -> None:
    assert DataSource("upload:0123456789abcdef").title == "upload:0123456789abcdef"
    assert DataSource("a/b.npz").title == "a/b.npz"
