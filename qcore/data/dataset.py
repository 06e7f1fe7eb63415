"""Images and labels, checked against the network that will see them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import torch
from torch import Tensor

from qcore.data.preprocess import Preprocessing
from qcore.errors import BadInput


@dataclass(frozen=True, eq=False)
class Dataset:
    """images (N, C, H, W): uint8 to be normalised, or float32 taken as they are; labels (N,)."""

    name: str
    images: Tensor
    labels: Tensor | None
    preprocessing: Preprocessing | None

    def __len__(self) -> int:
        return int(self.images.shape[0])

    def batch(self, indices: Tensor) -> Tensor:
        """The images at those indices as the network sees them: float32, normalised."""
        images = self.images[indices]
        if images.dtype != torch.uint8:
            return images.float()
        assert self.preprocessing is not None  # checked when the data were loaded
        return normalise(images, self.preprocessing)

    def fingerprint(self) -> str:
        """SHA-256 over content, labels and preprocessing."""
        digest = hashlib.sha256(repr((self.images.shape, self.images.dtype)).encode())
        digest.update(repr(self.preprocessing).encode())
        digest.update(self.images.contiguous().numpy().data)
        if self.labels is not None:
            digest.update(self.labels.contiguous().numpy().data)
        return digest.hexdigest()


def normalise(images: Tensor, preprocessing: Preprocessing) -> Tensor:
    """uint8 images (N, C, H, W) as the float32 input of the network, (x / 255 - mean) / std."""
    mean = torch.tensor(preprocessing.mean).reshape(-1, 1, 1)
    std = torch.tensor(preprocessing.std).reshape(-1, 1, 1)
    return (images.float() / 255 - mean) / std


def check_fits(data: Dataset, input_shape: tuple[int, ...], outputs: int) -> None:
    """BadInput unless the network can read these images and every label is one of its classes."""
    if len(data) == 0:
        raise BadInput(f"{data.name} holds no images")
    shape = tuple(data.images.shape[1:])
    if shape != input_shape:
        raise BadInput(
            f"images of {data.name} have shape {_text(shape)} but the network reads "
            f"{_text(input_shape)} (channels x height x width); resize or transpose them"
        )
    if data.images.is_floating_point() and not torch.isfinite(data.images).all():
        raise BadInput(f"images of {data.name} hold NaN or infinite values; remove them")
    if data.labels is None:
        return
    if tuple(data.labels.shape) != (len(data),):
        raise BadInput(
            f"{data.name} has {len(data)} images but labels of shape {tuple(data.labels.shape)}; "
            "give one label for each image"
        )
    low, high = int(data.labels.min()), int(data.labels.max())
    if low < 0 or high >= outputs:
        raise BadInput(
            f"labels of {data.name} run from {low} to {high} but the network has {outputs} "
            f"classes (0 to {outputs - 1}); use the numbers it was trained with"
        )


def _text(shape: tuple[int, ...]) -> str:
    return "x".join(str(size) for size in shape)
