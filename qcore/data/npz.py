"""A .npz file: arrays ``images``, ``labels`` and one for each further input of the network."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from qcore.data.archive import ArchiveLimits, check_archive, open_archive
from qcore.data.dataset import Dataset
from qcore.data.listing import shown
from qcore.data.npy_header import claimed_dtype
from qcore.data.target import LIMIT_BYTES, Target
from qcore.errors import BadInput

# Deflate cannot pack tighter than 1032 to 1, and arrays of zeros come near that.
_LIMITS = ArchiveLimits(entries=1000, total_bytes=LIMIT_BYTES, ratio=1100)


def read_npz(path: Path, title: str, target: Target) -> Dataset:
    """Arrays saved by ``np.savez(file, images=..., labels=...)``; labels may be missing.

    Floating-point images (N, ...) are taken as they are; uint8 images (N, C, H, W), or (N, H, W, C)
    where only that fits, are normalised. Raises BadInput for what cannot be read or used; nothing
    is unpickled, and sizes are checked before memory is taken.
    """
    wanted = ("images", "labels", *(name for name, _ in target.extra_inputs))
    with _opened(path, title) as archive:
        check_archive(archive, title, _LIMITS)
        arrays = {key: _array(archive, key, title) for key in dict.fromkeys(wanted)}
        found = [name.removesuffix(".npy") for name in archive.namelist()]
    missing = [key for key in wanted if key != "labels" and arrays[key] is None]
    if missing:
        there = ", ".join(shown(name) for name in found[:10])
        raise BadInput(f"{title} has no array {missing[0]!r} (it has: {there}); add it")
    images, notes = _images(arrays["images"], title, target)
    return Dataset(
        title,
        images,
        _labels(arrays["labels"], title),
        target.for_bytes() if images.dtype == torch.uint8 else None,
        notes,
        extras=tuple(_extra(arrays[name], name, title) for name, _ in target.extra_inputs),
    )


def _opened(path: Path, title: str) -> zipfile.ZipFile:
    try:
        return open_archive(path, title)
    except BadInput as error:  # it speaks of ZIP archives, which its owner does not know it to be
        raise _unreadable(title) from error


def _unreadable(title: str) -> BadInput:
    return BadInput(
        f"{title} cannot be read as .npz; save it with np.savez(file, images=..., labels=...)"
    )


def _array(archive: zipfile.ZipFile, key: str, title: str) -> np.ndarray | None:
    entry = next((e for e in archive.infolist() if e.filename in (f"{key}.npy", key)), None)
    if entry is None:
        return None
    try:
        dtype = claimed_dtype(archive, entry)
        if dtype.kind in "fiub":
            with archive.open(entry) as stream:
                return np.lib.format.read_array(stream, allow_pickle=False)
    except MemoryError as error:
        raise BadInput(f"{key!r} of {title} does not fit in memory; give less") from error
    except Exception as error:  # numpy, zipfile and zlib raise many types on a broken file
        raise _unreadable(title) from error
    if dtype.hasobject:
        raise BadInput(f"{key!r} of {title} holds pickled objects; save plain arrays")
    raise BadInput(f"{key!r} of {title} is {dtype}; save plain numbers")


def _images(
    images: np.ndarray | None, title: str, target: Target
) -> tuple[Tensor, tuple[str, ...]]:
    assert images is not None
    if images.ndim < 2 or images.dtype.kind not in "uf":
        raise BadInput(
            f"'images' of {title} is {images.dtype} of shape {images.shape}; "
            "uint8 or float of shape (images, ...) is needed, such as (N, channels, height, width)"
        )
    if images.dtype.kind == "f":
        return _floats(images), ()
    if images.dtype != np.uint8:
        raise BadInput(f"'images' of {title} is {images.dtype}; give uint8, or normalised float32")
    target.for_bytes()
    channels, height, width = target.input_shape
    notes: tuple[str, ...] = ()
    if images.shape[1:] == (height, width, channels) != target.input_shape:
        images = np.moveaxis(images, 3, 1)
        notes = ("images are stored as height x width x channels and were transposed",)
    return torch.from_numpy(np.ascontiguousarray(images)), notes


def _labels(labels: np.ndarray | None, title: str) -> Tensor | None:
    if labels is None:
        return None
    if labels.dtype.kind not in "ui":
        raise BadInput(f"'labels' of {title} is {labels.dtype}; whole numbers are needed")
    if labels.dtype == np.uint64:  # what does not fit must not come out as another number
        labels = labels.clip(max=np.iinfo(np.int64).max)
    return torch.from_numpy(labels.astype(np.int64))


def _extra(values: np.ndarray | None, name: str, title: str) -> Tensor:
    assert values is not None
    if values.ndim < 1:
        raise BadInput(f"{name!r} of {title} is a single number; give one entry for each image")
    return _floats(values)


def _floats(values: np.ndarray[Any, Any]) -> Tensor:
    with np.errstate(over="ignore"):  # infinite values are refused by name later
        return torch.from_numpy(np.ascontiguousarray(values, np.float32))
