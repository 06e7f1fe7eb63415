"""Hostile and broken .npz and idx files."""

from __future__ import annotations

import gzip
import io
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from attack_files import Payload, pickled, zipped
from hostile_case import Case, cut, encrypted, fine, linked, one, overlapping, with_entry

PIXELS = np.random.default_rng(0).integers(0, 256, (6, 28, 28), dtype=np.uint8)
VALUES = np.random.default_rng(0).normal(size=(6, 1, 28, 28)).astype(np.float32)
LABELS = np.arange(6)


def _npz(**arrays: Any) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def _with(value: float) -> bytes:
    changed = VALUES.copy()
    changed[2, 0, 3, 3] = value
    return _npz(images=changed)


def _npy(header: str, content: bytes = b"", version: bytes = b"\1\0") -> bytes:
    """A .npz whose images have that header."""
    text = header.encode()
    wide = "<L" if version != b"\1\0" else "<H"
    array = b"\x93NUMPY" + version + struct.pack(wide, len(text)) + text + content
    return zipped({"images.npy": array})


def _claim(shape: str, kind: str = "|u1") -> str:
    return f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}}}\n"


def _objects(mark: Path) -> bytes:
    return _npz(images=np.array([Payload(mark)] * 4, dtype=object))


def _code(mark: Path) -> bytes:
    return _npy(f"{{'descr': __import__('os').mkdir('{mark}'), 'shape': (1,)}}\n")


def idx(array: np.ndarray, *sizes: int, kind: int = 8) -> bytes:
    """An idx file, with other sizes in its header where they are given."""
    stated = sizes or array.shape
    head = struct.pack(f">HBB{len(stated)}I", 0, kind, len(stated), *stated)
    return head + array.astype(np.uint8).tobytes()


def _pair(images: bytes, labels: bytes, message: str, works: bool = False) -> Case:
    files = {"t-images-idx3-ubyte": images, "t-labels-idx1-ubyte.gz": gzip.compress(labels)}
    return Case(lambda mark: files, message, works)


_NAME = "t-images-idx3-ubyte.gz"
_UNREADABLE = "cannot be read as .npz"

ARRAYS: dict[str, Case] = {
    "npz": fine("d.npz", _npz(images=VALUES, labels=LABELS)),
    "truncated npz": one("d.npz", cut(_npz(images=VALUES)), _UNREADABLE),
    "npz that is a pickle": one("d.npz", pickled, _UNREADABLE),
    "npz of objects": one("d.npz", _objects, "holds pickled objects"),
    "npz with code in a header": one("d.npz", _code, _UNREADABLE),
    "npz of 10^18": one("d.npz", _npy(_claim("(1000000000, 1000000000)")), _UNREADABLE),
    "npz of less than nothing": one("d.npz", _npy(_claim("(-4, -7)"), bytes(28)), _UNREADABLE),
    "npz with a long header": one(
        "d.npz", _npy(_claim("(1,)") + " " * 10**5, b"1", b"\2\0"), _UNREADABLE
    ),
    "npz with a deep header": one(
        "d.npz", _npy("(" * 9000 + ")" * 9000, b"1", b"\2\0"), _UNREADABLE
    ),
    "npz of text": one("d.npz", _npz(images=np.array([["a"]])), "save plain numbers"),
    "npz of complex numbers": one("d.npz", _npz(images=VALUES + 1j), "save plain numbers"),
    "npz of int64": one("d.npz", _npz(images=PIXELS.astype(np.int64)), "uint8 or float"),
    "npz with NaN": one("d.npz", _with(np.nan), "NaN"),
    "npz with infinity": one("d.npz", _with(np.inf), "infinite"),
    "npz without images": one("d.npz", _npz(**{"<b>x": LABELS}), "has no array 'images'"),
    "npz of no images": one("d.npz", _npz(images=VALUES[:0]), "holds no images"),
    "npz of another size": one("d.npz", _npz(images=VALUES[:, :, :9]), "have shape 1x9x28"),
    "labels out of range in npz": one(
        "d.npz", _npz(images=VALUES, labels=LABELS + 5), "run from 5 to 10"
    ),
    "labels below zero in npz": one(
        "d.npz", _npz(images=VALUES, labels=LABELS - 1), "run from -1 to 4"
    ),
    "labels of 2^63": one(
        "d.npz",
        _npz(images=VALUES, labels=LABELS.astype(np.uint64) + np.uint64(2**63)),
        "to 9223372036854775807 but",
    ),
    "labels too few in npz": one(
        "d.npz", _npz(images=VALUES, labels=LABELS[:4]), "has 6 images but labels"
    ),
    "labels of fractions": one("d.npz", _npz(images=VALUES, labels=LABELS / 2), "whole numbers"),
    "npz bomb": one(
        "d.npz",
        lambda mark: zipped({"images.npy": bytes(10**8)}, zipfile.ZIP_BZIP2),
        "a ZIP bomb",
    ),
    "npz with a name above": one("d.npz", with_entry(_npz(images=VALUES), "../m"), "leaves the"),
    "npz with a link": one("d.npz", linked(_npz(images=VALUES), "l", "/etc/passwd"), "symbolic"),
    "npz encrypted": one("d.npz", encrypted(_npz(images=VALUES)), "is encrypted"),
    "npz that overlaps": one(
        "d.npz", overlapping(_npz(images=VALUES, labels=LABELS)), "share their data"
    ),
    "idx": _pair(idx(PIXELS), idx(LABELS), "", works=True),
    "idx of 2^31 images": one(_NAME, idx(PIXELS, 2**31, 28, 28), "more than 4 GB"),
    "idx of 2^96 images": one(_NAME, idx(PIXELS, 2**32 - 1, 2**32 - 1, 2**32 - 1), "more than"),
    "idx of 4 GB without them": one(_NAME, idx(PIXELS, 5 * 10**6, 28, 28), "is shorter"),
    "idx of floats": one(_NAME, idx(PIXELS, kind=13), "only unsigned bytes"),
    "idx that is none": one(_NAME, b"<html>404</html>", "is no idx file"),
    "idx cut off": one(_NAME, cut(gzip.compress(idx(PIXELS))), "cannot be read"),
    "idx that is longer": one(_NAME, lambda mark: _long_gzip(), "is longer than its header"),
    "idx damaged": one(_NAME, gzip.compress(idx(PIXELS))[:200] + b"x" * 5000, "cannot be read"),
    "idx of another size": one(_NAME, idx(PIXELS[:, :9]), "have shape 1x9x28"),
    "idx of no images": one(_NAME, idx(PIXELS[:0]), "holds no values"),
    "labels alone": one("t-labels-idx1-ubyte", idx(LABELS), "holds 0 files of images"),
    "labels out of range": _pair(idx(PIXELS), idx(LABELS + 9), "run from 9 to 14"),
    "labels too few": _pair(idx(PIXELS), idx(LABELS[:4]), "has 6 images but labels"),
}


def _long_gzip() -> bytes:
    """Six images and then a gigabyte of zeros."""
    file = io.BytesIO()
    with gzip.open(file, "wb", 1) as stream:
        stream.write(idx(PIXELS))
        for _ in range(200):
            stream.write(bytes(10**6))
    return file.getvalue()
