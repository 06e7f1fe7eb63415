"""Images and labels, checked against the network that will see them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from qcore.data.preprocess import Preprocessing
from qcore.data.source import Split
from qcore.errors import BadInput


@dataclass(frozen=True, eq=False)
class Dataset:
    """images (N, ...): uint8 (N, C, H, W) in RGB to be normalised, or float32 taken as they are.

    labels (N,) are the network's class numbers, int64; None where they are not known.
    ``preprocessing`` belongs to uint8 images and is None for float32. ``notes`` are facts that the
    user should know, one line each. ``class_names`` name the classes 0, 1 ... where folders gave
    them. ``extras`` (N, ...), float32, are what the network reads beside the images.
    """

    name: str
    images: Tensor
    labels: Tensor | None
    preprocessing: Preprocessing | None
    notes: tuple[str, ...] = ()
    class_names: tuple[str, ...] | None = None
    extras: tuple[Tensor, ...] = ()

    def __len__(self) -> int:
        return int(self.images.shape[0])

    def batch(self, indices: Tensor) -> Tensor | tuple[Tensor, ...]:
        """What the network reads at those indices: normalised float32 images, or, where it has
        further inputs, a tuple of the images and those."""
        images = self.images[indices]
        if images.dtype == torch.uint8:
            assert self.preprocessing is not None  # checked when the data were loaded
            images = normalise(images, self.preprocessing)
        images = images.float()
        return (images, *(extra[indices] for extra in self.extras)) if self.extras else images

    def fingerprint(self) -> str:
        """SHA-256 over images, labels, further inputs and preprocessing; not over names."""
        digest = hashlib.sha256(repr(self.preprocessing).encode())
        for tensor in (self.images, self.labels, *self.extras):
            if tensor is None:
                digest.update(b"none")
                continue
            digest.update(repr((tuple(tensor.shape), tensor.dtype)).encode())
            digest.update(tensor.contiguous().numpy().data)
        return digest.hexdigest()

    def digests(self) -> list[bytes]:
        """One for each item (16 bytes), of all that enters the network but for its preparation:
        the same image has the same one, whatever its label."""
        found = []
        for parts in zip(self.images, *self.extras, strict=True):
            digest = hashlib.sha256()
            for part in parts:
                digest.update(part.contiguous().numpy().data)
            found.append(digest.digest()[:16])
        return found

    def half(self, split: Split) -> Dataset:
        """Items 0, 2, 4 ... to calibrate on, items 1, 3, 5 ... to measure on.

        Raises BadInput for fewer than two items. Example: of 5 items, 3 calibrate and 2 measure.
        """
        if len(self) < 2:
            raise BadInput(
                f"{self.name} holds one image and cannot be divided in two halves; give more images"
            )
        return self.chosen(torch.arange(0 if split == "calibration" else 1, len(self), 2))

    def chosen(self, indices: Tensor) -> Dataset:
        """The items of those numbers alone, as copies: the memory of the others can be freed."""
        return replace(
            self,
            images=self.images[indices],
            labels=None if self.labels is None else self.labels[indices],
            extras=tuple(extra[indices] for extra in self.extras),
        )


def normalise(images: Tensor, preprocessing: Preprocessing) -> Tensor:
    """uint8 RGB images (N, C, H, W) as the float32 input of the network.

    (x / 255 - mean) / std, or (x - mean) / std where the value range is "0 to 255"; channels are
    put in the network's order before. Example: mean 0.5, std 0.25, "0 to 1" maps 255 to 2.0.
    """
    if preprocessing.channel_order == "BGR":
        images = images.flip(1)
    mean = torch.tensor(preprocessing.mean).reshape(-1, 1, 1)
    std = torch.tensor(preprocessing.std).reshape(-1, 1, 1)
    values = images.float()
    if preprocessing.value_range == "0 to 1":
        values = values / 255
    return (values - mean) / std


def check_fits(
    data: Dataset,
    input_shape: tuple[int, ...],
    classes: int | None,
    extra_inputs: Iterable[tuple[str, tuple[int, ...]]] = (),
) -> None:
    """BadInput unless the network can read these data and every label is one of its classes.

    ``input_shape`` and the shapes of ``extra_inputs`` (name, shape) are without the batch;
    ``classes`` None is a network that is no classifier: labels are not looked at.
    """
    if len(data) == 0:
        raise BadInput(f"{data.name} holds no images; give at least one")
    _check_values(data, "images", data.images, input_shape)
    for (name, shape), extra in zip(extra_inputs, data.extras, strict=True):
        _check_values(data, repr(name), extra, shape)
        if len(extra) != len(data):
            raise BadInput(
                f"{data.name} has {len(data)} images but {len(extra)} entries of {name!r}; "
                "give one for each image"
            )
    if data.labels is not None and classes is not None:
        _check_labels(data, data.labels, classes)


def _check_values(data: Dataset, what: str, values: Tensor, needed: tuple[int, ...]) -> None:
    shape = tuple(values.shape[1:])
    if shape != needed:
        axes = " (channels x height x width)" if what == "images" and len(needed) == 3 else ""
        raise BadInput(
            f"{what} of {data.name} have shape {shape_text(shape)} but the network reads "
            f"{shape_text(needed)}{axes}; resize or transpose them"
        )
    if values.is_floating_point() and not torch.isfinite(values).all():
        raise BadInput(f"{what} of {data.name} hold NaN or infinite values; remove them")


def _check_labels(data: Dataset, labels: Tensor, classes: int) -> None:
    if tuple(labels.shape) != (len(data),):
        raise BadInput(
            f"{data.name} has {len(data)} images but labels of shape {tuple(labels.shape)}; "
            "give one label for each image"
        )
    low, high = int(labels.min()), int(labels.max())
    if low < 0 or high >= classes:
        raise BadInput(
            f"labels of {data.name} run from {low} to {high} but the network has {classes} "
            f"classes (0 to {classes - 1}); use the numbers it was trained with"
        )


def shape_text(shape: tuple[int, ...]) -> str:
    """Example: (3, 224, 224) is "3x224x224"; () is "no axis"."""
    return "x".join(str(size) for size in shape) or "no axis"
