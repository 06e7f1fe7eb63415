"""Decoded pixels of uploads, kept so that several jobs on the same images decode them once."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file

from qcore.data.images import Decoded
from qcore.data.preprocess import Preprocessing
from qcore.errors import BadInput
from qcore.store.disk import MOST_BYTES, keep_newest, used_now
from qcore.store.home import home
from qcore.store.uploads import get_upload

_VERSION = 1  # raise it where the same file would give other pixels or notes
_MOST_BYTES = MOST_BYTES
_TEXTS = ("names", "left_out", "notes")


def decoded_once(
    upload_id: str, preprocessing: Preprocessing, decode: Callable[[], Decoded]
) -> Decoded:
    """What ``decode`` returns, from disk where it was there before.

    Only what changes pixels decides: sizes, fit, interpolation and the number of channels. A file
    that is damaged or cannot be written costs time, never an error. Removing the upload removes it.
    """
    file = _file(upload_id, preprocessing)
    kept = _read(file, preprocessing.input_shape)
    if kept is not None:
        return kept
    fresh = decode()
    with contextlib.suppress(OSError):
        _write(file, fresh)
    try:
        get_upload(upload_id)
    except BadInput:  # removed while its images were decoded: nothing of it may stay
        file.unlink(missing_ok=True)
    return fresh


def _file(upload_id: str, preprocessing: Preprocessing) -> Path:
    p = preprocessing
    geometry = (_VERSION, p.resize_px, p.crop_px, p.fit, p.interpolation, p.channels)
    name = hashlib.sha256(json.dumps(geometry).encode()).hexdigest()
    return home() / "data" / f"{upload_id}-{name}.safetensors"


def _read(file: Path, input_shape: tuple[int, ...]) -> Decoded | None:
    try:
        with safe_open(file, framework="pt") as stored:
            about, pixels = stored.metadata(), stored.get_tensor("pixels").clone()
        texts = [tuple(json.loads(about[key])) for key in _TEXTS]
        used_now(file)
    except Exception:  # damaged or not there: it is decoded again
        return None
    whole = (
        pixels.dtype == torch.uint8
        and tuple(pixels.shape) == (len(texts[0]), *input_shape)
        and about.get("sha256") == _sha256(pixels)
    )
    return Decoded(pixels, *texts) if whole else None


def _write(file: Path, decoded: Decoded) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    about = {key: json.dumps(getattr(decoded, key)) for key in _TEXTS}
    about["sha256"] = _sha256(decoded.pixels)
    handle, draft = tempfile.mkstemp(prefix=".draft-", dir=file.parent)
    os.close(handle)
    try:
        save_file({"pixels": decoded.pixels}, draft, metadata=about)
        used_now(Path(draft))
        os.replace(draft, file)
        keep_newest(file.parent, _MOST_BYTES)
    except Exception as error:  # safetensors has an error type of its own for a full disk
        raise OSError(str(error)) from error
    finally:
        Path(draft).unlink(missing_ok=True)


def _sha256(pixels: torch.Tensor) -> str:
    return hashlib.sha256(pixels.contiguous().numpy().data).hexdigest()
