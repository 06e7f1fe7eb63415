"""Decode many photographs; those that cannot be read are left out and named."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from qcore.data.listing import ImageFile, Listing, shown
from qcore.data.photograph import Unusable, read_photograph
from qcore.data.preprocess import Preprocessing
from qcore.data.target import LIMIT_BYTES
from qcore.errors import BadInput

_THREADS = 2
_NAMED = 3


@dataclass(frozen=True, eq=False)
class Decoded:
    """pixels (N, C, H, W) uint8 in RGB; the name of each image, and of those that could not be
    read; what the user should know."""

    pixels: Tensor
    names: tuple[str, ...]
    left_out: tuple[str, ...]
    notes: tuple[str, ...]


def decode(listing: Listing, title: str, preprocessing: Preprocessing) -> Decoded:
    """All images of a listing at the network's size, in its order.

    Raises BadInput where they would take more than 4 GB, and where more than half of the files
    cannot be read.
    """
    files, shape = listing.files, preprocessing.input_shape
    most = LIMIT_BYTES // int(np.prod(shape))
    if len(files) > most:
        raise BadInput(
            f"{title} holds {len(files):,} images of {shape[1]} x {shape[2]} pixels, more than "
            f"{LIMIT_BYTES // 10**9} GB of memory can take; give at most {most:,}"
        )
    pixels = np.empty((len(files), *shape), np.uint8)

    def one(number: int) -> str | None:
        """Why the image is left out, None where it is not."""
        try:
            pixels[number] = read_photograph(_content(files[number]), preprocessing)
        except Unusable as error:
            return str(error)
        return None

    with ThreadPoolExecutor(_THREADS) as pool:  # Pillow decodes outside the interpreter's lock
        reasons = list(pool.map(one, range(len(files))))
    kept = [number for number, reason in enumerate(reasons) if reason is None]
    left_out = _left_out(files, reasons)
    if 2 * len(kept) < len(files):
        raise BadInput(
            f"{left_out[0]}; {title} has too few usable images, give JPEG, PNG, BMP or WebP files"
        )
    for target, number in enumerate(kept):  # in place: a copy could be gigabytes
        if target != number:
            pixels[target] = pixels[number]
    return Decoded(
        torch.from_numpy(pixels[: len(kept)]),
        tuple(files[number].name for number in kept),
        tuple(file.name for file, reason in zip(files, reasons, strict=True) if reason),
        (*listing.notes, *left_out),
    )


def _content(file: ImageFile) -> bytes:
    try:
        return file.read()
    except Exception as error:  # a damaged entry of an archive, a file without permission
        raise Unusable("cannot be read as an image") from error


def _left_out(files: Sequence[ImageFile], reasons: Sequence[str | None]) -> tuple[str, ...]:
    bad = [
        f"{shown(file.name)} {reason}"
        for file, reason in zip(files, reasons, strict=True)
        if reason
    ]
    if not bad:
        return ()
    more = f" and {len(bad) - _NAMED:,} more" if len(bad) > _NAMED else ""
    named = ", ".join(bad[:_NAMED])
    return (f"left out {len(bad):,} of {len(files):,} files: {named}{more}",)
