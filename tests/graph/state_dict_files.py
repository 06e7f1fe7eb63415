"""Files of weights, good and harmful, and what is asked of every refusal."""

from __future__ import annotations

import os
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from qcore.errors import BadInput
from qcore.graph.state_dict import read_state

HUGE = 10**12


def refused(path: Path) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(BadInput) as caught:
            read_state(path, "mine.pt")
    message = str(caught.value)
    assert len(message.splitlines()) == 1
    assert "mine.pt" in message
    assert len(message) < 600
    assert ";" in message or "Give" in message, "says what to do"
    return message


def save(value: Any, path: Path, kind: str = "zip") -> Path:
    if kind == "safetensors":
        save_file(value, path)
    else:
        torch.save(value, path, _use_new_zipfile_serialization=kind == "zip")
    return path


def repack(path: Path, change: Callable[[str, bytes], bytes], compression: int = 0) -> Path:
    with zipfile.ZipFile(path) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in entries.items():
            archive.writestr(name, change(name.partition("/")[2], content))
    return path


class Bomb:
    """Makes a folder when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return os.mkdir, (str(self.marker),)
