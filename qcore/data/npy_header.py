"""What a .npy member of an archive claims to hold, checked before memory is taken for it."""

from __future__ import annotations

import io
import math
import zipfile
from collections.abc import Callable
from typing import Any

import numpy as np

# Magic, version and length, then a header: numpy itself refuses to parse more than 10,000 bytes.
_HEAD_BYTES = 12 + 10_000
_PARSERS: dict[tuple[int, int], Callable[[io.BytesIO], Any]] = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


def claimed_dtype(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> np.dtype[Any]:
    """The type of the array in a .npy entry, whose size agrees with its header.

    ValueError where it is no .npy or where header and size disagree. Example: a header of shape
    (2, 3) and float32 in an entry that has not exactly 24 bytes after it is refused.
    """
    with archive.open(entry) as stream:
        head = io.BytesIO(stream.read(_HEAD_BYTES))
    version = np.lib.format.read_magic(head)
    if version not in _PARSERS:
        raise ValueError(f"version {version} of .npy")
    parsed: tuple[tuple[int, ...], bool, np.dtype[Any]] = _PARSERS[version](head)
    shape, _, dtype = parsed
    if dtype.hasobject:
        return dtype  # of whatever size: it will not be read
    claimed = head.tell() + math.prod(shape) * dtype.itemsize
    if any(size < 0 for size in shape) or claimed != entry.file_size:
        raise ValueError(f"header of {claimed} bytes, entry of {entry.file_size}")
    return dtype
