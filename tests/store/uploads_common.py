"""Uploads of bytes, and what is in the store."""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import IO

import pytest

from qcore.errors import BadInput
from qcore.store.home import home
from qcore.store.uploads import Role, Upload, add_upload

A, B = ("a.onnx", b"network"), ("b.bin", b"weights")


def streams(files: Iterable[tuple[str, bytes]]) -> list[tuple[str, IO[bytes]]]:
    return [(name, io.BytesIO(content)) for name, content in files]


def add(*files: tuple[str, bytes], role: Role = "network") -> Upload:
    return add_upload(streams(files), role)


def stored() -> list[str]:
    folder = home() / "uploads"
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def refusal(*files: tuple[str, bytes]) -> str:
    with pytest.raises(BadInput) as caught:
        add(*files)
    assert "\n" not in str(caught.value)
    return str(caught.value)
