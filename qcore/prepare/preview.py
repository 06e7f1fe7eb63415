"""A few images as the network will see them, for the page."""

from __future__ import annotations

import os
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from qcore.store.disk import MOST_BYTES, keep_newest, used_now
from qcore.store.home import home

if TYPE_CHECKING:
    from qcore.data.dataset import Dataset

_IMAGES = 18


@dataclass(frozen=True, eq=False)
class Preview:
    """images (N, H, W, C) uint8, resized and cropped but not normalised; labels (N,) or None."""

    images: np.ndarray
    labels: np.ndarray | None


def write_preview(data: Dataset, fingerprint: str) -> None:
    """Keep some images, evenly spread; nothing for data that are no bytes of pixels."""
    path = _path(fingerprint)
    if path.exists():
        used_now(path)
        return
    if not _is_pixels(data):
        return
    count = min(_IMAGES, len(data))
    chosen = [len(data) * i // count for i in range(count)]
    arrays = {"images": np.moveaxis(data.images[chosen].numpy(), 1, 3)}
    if data.labels is not None:
        arrays["labels"] = data.labels[chosen].numpy()
    draft = path.with_suffix(f".{os.getpid()}.draft")
    with draft.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **arrays)
    draft.replace(path)
    keep_newest(path.parent, MOST_BYTES)


def read_preview(fingerprint: str) -> Preview | None:
    """What was kept for data of that fingerprint; None where there is nothing, or it is damaged."""
    path = _path(fingerprint)
    if not path.is_file():
        return None
    used_now(path)
    try:
        with np.load(path, allow_pickle=False) as archive:
            return Preview(archive["images"], archive.get("labels"))
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile, zlib.error):
        return None


def remove_preview(fingerprint: str) -> None:
    """Delete what was kept for data of that fingerprint; nothing where there is nothing."""
    _path(fingerprint).unlink(missing_ok=True)


def _is_pixels(data: Dataset) -> bool:
    shape = tuple(data.images.shape)
    return len(shape) == 4 and shape[1] in (1, 3) and data.images.numpy().dtype == np.uint8


def _path(fingerprint: str) -> Path:
    folder = home() / "previews"
    folder.mkdir(exist_ok=True)
    return folder / f"{fingerprint}.npz"
