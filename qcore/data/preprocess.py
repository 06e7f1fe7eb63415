"""From a photograph or stored bytes to what a network expects."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, get_args

from qcore import fields
from qcore.errors import BadInput

Fit = Literal["crop", "stretch"]
Interpolation = Literal["bilinear", "bicubic", "nearest"]
ChannelOrder = Literal["RGB", "BGR"]
ValueRange = Literal["0 to 1", "0 to 255"]


@dataclass(frozen=True)
class Preprocessing:
    """Resize, crop the centre, scale, order the channels, normalise each.

    ``fit`` says how a photograph gets the size of the input: ``crop`` resizes its short side to
    ``resize_px`` and cuts the centre; ``stretch`` resizes to the input's size whatever the shape
    (``resize_px`` is not read). ``mean`` and ``std`` are in units of ``value_range`` and in
    ``channel_order``: a byte x becomes (x / 255 - mean) / std, or (x - mean) / std for "0 to 255".
    Example: mean 0.5, std 0.25, "0 to 1" maps 255 to 2.0.
    """

    resize_px: int
    crop_px: tuple[int, int]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    fit: Fit = "crop"
    interpolation: Interpolation = "bilinear"
    channel_order: ChannelOrder = "RGB"
    value_range: ValueRange = "0 to 1"

    @property
    def channels(self) -> int:
        return len(self.mean)

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """Channels, height, width of what comes out."""
        return (self.channels, *self.crop_px)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Preprocessing:
        """The inverse of ``to_json``; KeyError or ValueError for a wrong field."""
        height, width = fields.wholes(data, "crop_px", 1)
        return checked(
            Preprocessing(
                fields.whole(data, "resize_px", 1),
                (height, width),
                tuple(fields.number({"mean": v}, "mean") for v in fields.entries(data, "mean")),
                tuple(fields.number({"std": v}, "std") for v in fields.entries(data, "std")),
                fields.text(data, "fit"),  # type: ignore[arg-type]  # checked below
                fields.text(data, "interpolation"),  # type: ignore[arg-type]
                fields.text(data, "channel_order"),  # type: ignore[arg-type]
                fields.text(data, "value_range"),  # type: ignore[arg-type]
            )
        )


_LARGEST_PX = 4096
_SMALL_PX = 128


def checked(preprocessing: Preprocessing) -> Preprocessing:
    """The same, where it makes sense. Raises BadInput for what cannot be applied."""
    p = preprocessing
    if len(p.mean) != len(p.std) or len(p.mean) not in (1, 3):
        raise BadInput(
            f"preprocessing has {len(p.mean)} means and {len(p.std)} standard deviations; "
            "give one of each for grey images or three for colour"
        )
    if not all(math.isfinite(m) for m in p.mean) or not all(0 < s < math.inf for s in p.std):
        raise BadInput("means must be finite and standard deviations above zero")
    if not all(1 <= size <= _LARGEST_PX for size in (p.resize_px, *p.crop_px)):
        raise BadInput(f"sizes in pixels must be 1 to {_LARGEST_PX}")
    if p.fit == "crop" and p.resize_px < max(p.crop_px):
        raise BadInput(
            f"the short side is resized to {p.resize_px} pixels, less than the crop of "
            f"{p.crop_px[0]} x {p.crop_px[1]}; make it at least {max(p.crop_px)}"
        )
    for name, kind in (
        ("fit", Fit),
        ("interpolation", Interpolation),
        ("channel_order", ChannelOrder),
        ("value_range", ValueRange),
    ):
        if getattr(p, name) not in get_args(kind):
            choices = ", ".join(get_args(kind))
            raise BadInput(f"{name} {getattr(p, name)!r} is not one of: {choices}")
    return preprocessing


def without_resize(preprocessing: Preprocessing) -> Preprocessing:
    """For images that are stored at the input's size already."""
    return replace(preprocessing, fit="stretch")


@dataclass(frozen=True)
class Preset:
    """A convention that networks are trained with. ``source`` says whose."""

    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    source: str
    interpolation: Interpolation = "bilinear"
    channel_order: ChannelOrder = "RGB"
    value_range: ValueRange = "0 to 1"


PRESETS: dict[str, Preset] = {
    "ImageNet": Preset(
        (0.485, 0.456, 0.406),
        (0.229, 0.224, 0.225),
        "torchvision, timm and most networks trained in PyTorch on ImageNet",
    ),
    "-1 to 1": Preset(
        (0.5, 0.5, 0.5), (0.5, 0.5, 0.5), "TensorFlow: Inception, MobileNet, ViT in JAX"
    ),
    "EfficientNet-Lite": Preset(
        (127 / 255,) * 3,
        (128 / 255,) * 3,
        "Google's Lite networks: (x - 127) / 128, resized bicubic",
        "bicubic",
    ),
    "0 to 1": Preset((0.0, 0.0, 0.0), (1.0, 1.0, 1.0), "YOLO and other detectors: x / 255"),
    "0 to 255": Preset(
        (0.0, 0.0, 0.0),
        (1.0, 1.0, 1.0),
        "networks that normalise inside, such as Keras EfficientNet",
        value_range="0 to 255",
    ),
    "Caffe": Preset(
        (103.939, 116.779, 123.68),
        (1.0, 1.0, 1.0),
        "Caffe and Keras ResNet: blue first, mean subtracted, not scaled",
        channel_order="BGR",
        value_range="0 to 255",
    ),
}


def from_preset(name: str, input_shape: tuple[int, ...]) -> Preprocessing:
    """The preset for images of that size; grey networks take the mean over the channels.

    The short side is resized to 8/7 of the input's, as 256 is to 224; images for small inputs
    (below 128 pixels) are rarely stored with such a margin and are resized to the input's size.
    Raises BadInput for an unknown preset and where the network does not read (1 or 3, height,
    width).
    """
    if name not in PRESETS:
        raise BadInput(f"no preset is called {name!r}; there are: {', '.join(PRESETS)}")
    if not reads_images(input_shape):
        shape = " x ".join(str(size) for size in input_shape)
        raise BadInput(f"this network reads {shape}, not images; give a .npz of float32 arrays")
    preset, channels = PRESETS[name], input_shape[0]
    grey = channels == 1
    mean = (sum(preset.mean) / 3,) if grey else preset.mean
    std = (sum(preset.std) / 3,) if grey else preset.std
    largest = max(input_shape[1:])
    return Preprocessing(
        min(_LARGEST_PX, round(largest * 8 / 7)) if largest >= _SMALL_PX else largest,
        (input_shape[1], input_shape[2]),
        mean,
        std,
        "crop" if input_shape[1] == input_shape[2] else "stretch",
        preset.interpolation,
        "RGB" if grey else preset.channel_order,
        preset.value_range,
    )


def reads_images(input_shape: tuple[int, ...]) -> bool:
    """True where the input is (channels, height, width) with one channel or three."""
    return len(input_shape) == 3 and input_shape[0] in (1, 3)
