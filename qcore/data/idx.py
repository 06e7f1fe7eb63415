"""idx files, the format of MNIST and Fashion-MNIST.

Source: Y. LeCun, "The MNIST database of handwritten digits", section on file formats: two zero
bytes, the type (8 is unsigned byte), the number of axes, each size as big-endian 32 bit, the bytes.
"""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import IO

import numpy as np
import torch

from qcore.data.dataset import Dataset
from qcore.data.listing import shown
from qcore.data.target import LIMIT_BYTES, Target
from qcore.errors import BadInput

_BLOCK_BYTES = 2**20
_UNSIGNED_BYTE = 8


def is_idx(name: str) -> bool:
    """By name: ``train-images-idx3-ubyte.gz`` is, ``a.zip`` is not."""
    return "idx" in name.lower() or "ubyte" in name.lower()


def read_idx(path: Path, title: str, target: Target) -> Dataset:
    """An images file, with the labels from the file beside it where there is one.

    ``t10k-images-idx3-ubyte`` goes with ``t10k-labels-idx1-ubyte``; each may end in ``.gz``.
    """
    images = _read(path, shown(path.name))
    labels_path = _labels_beside(path)
    labels = None if labels_path is None else _read(labels_path, shown(labels_path.name))
    return _dataset(title, images, labels, target)


def read_idx_files(paths: Mapping[str, Path], title: str, target: Target) -> Dataset:
    """Images and perhaps labels that were brought together; their headers say which is which."""
    arrays = [_read(path, name) for name, path in paths.items()]
    images = [array for array in arrays if array.ndim != 1]
    labels = [array for array in arrays if array.ndim == 1]
    if len(images) != 1 or len(labels) > 1:
        raise BadInput(
            f"{title} holds {len(images)} files of images and {len(labels)} of labels; "
            "give one of images, and the one of its labels"
        )
    return _dataset(title, images[0], labels[0] if labels else None, target)


def _dataset(title: str, images: np.ndarray, labels: np.ndarray | None, target: Target) -> Dataset:
    """Images (N, H, W) -> (N, 1, H, W). A wrong size is refused later, with both sizes named."""
    if images.ndim != 3:
        raise BadInput(
            f"{title} holds an array of {images.ndim} axes; "
            "name the file of images (images, height, width), such as train-images-idx3-ubyte"
        )
    if labels is not None and labels.ndim != 1:
        raise BadInput(f"labels of {title} have {labels.ndim} axes; give one label for each image")
    target.refuse_extra_inputs()
    return Dataset(
        title,
        torch.from_numpy(images[:, None]),
        None if labels is None else torch.from_numpy(labels.astype(np.int64)),
        target.for_bytes(),
        () if labels is not None else ("no file of labels lies beside the images: used without",),
    )


def _labels_beside(path: Path) -> Path | None:
    name = path.name.replace("images", "labels").replace("idx3", "idx1").removesuffix(".gz")
    for choice in (name, name + ".gz"):
        file = path.with_name(choice)
        if file.name != path.name and file.is_file():
            return file
    return None


def _read(path: Path, name: str) -> np.ndarray:
    """The array, of any number of axes. Raises BadInput where header and size disagree."""
    try:
        with path.open("rb") as file:
            if file.read(2) != b"\x1f\x8b":
                return _parse(_rewound(file), name)
            with gzip.open(_rewound(file)) as stream:
                return _parse(stream, name)
    except (EOFError, zlib.error, OSError) as error:
        raise BadInput(f"{name} cannot be read ({_why(error)}); download it again") from error


def _parse(stream: IO[bytes] | gzip.GzipFile, name: str) -> np.ndarray:
    zeros, kind, axes = struct.unpack(">HBB", _exactly(stream, 4, name))
    if zeros != 0 or not 1 <= axes <= 4:
        raise BadInput(f"{name} is no idx file; give one such as train-images-idx3-ubyte")
    if kind != _UNSIGNED_BYTE:
        raise BadInput(f"{name} holds values of type {kind:#04x}; only unsigned bytes are read")
    shape = struct.unpack(f">{axes}I", _exactly(stream, 4 * axes, name))
    count = math.prod(shape)
    if count == 0:
        raise BadInput(f"{name} holds no values; give another file")
    if count > LIMIT_BYTES:
        raise BadInput(
            f"{name} announces {count:,} bytes, more than {LIMIT_BYTES // 10**9} GB; give fewer"
        )
    values = _exactly(stream, count, name)
    if stream.read(1):
        raise BadInput(f"{name} is longer than its header says; download it again")
    return np.frombuffer(values, np.uint8).reshape(shape)


def _exactly(stream: IO[bytes] | gzip.GzipFile, count: int, name: str) -> bytearray:
    """In blocks, because one large read would take the memory before there is content for it."""
    content = bytearray()
    while len(content) < count:
        block = stream.read(min(_BLOCK_BYTES, count - len(content)))
        if not block:
            raise BadInput(f"{name} is shorter than its header says; download it again")
        content += block
    return content


def _rewound(file: IO[bytes]) -> IO[bytes]:
    file.seek(0)
    return file


def _why(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or "damaged"
