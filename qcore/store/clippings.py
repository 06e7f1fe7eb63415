"""Choices of clipping thresholds, kept under the hash of what they say."""

from __future__ import annotations

import hashlib
import json
import os
import re
from pathlib import Path

from qcore.calibrate.clipping import Clipping
from qcore.errors import BadInput
from qcore.store.home import home

_ID = re.compile(r"[0-9a-f]{32}")


def keep_clipping(clipping: Clipping) -> str:
    """Keep a choice and return its id: the same for the same choice."""
    text = json.dumps(clipping.to_json(), sort_keys=True)
    name = hashlib.sha256(text.encode()).hexdigest()[:32]
    path = _path(name)
    if read_clipping(name) is None:  # missing, or damaged
        draft = path.with_suffix(f".{os.getpid()}.draft")
        draft.write_text(text, encoding="utf-8")
        draft.replace(path)
    return name


def read_clipping(name: str) -> Clipping | None:
    """The choice of that id; None where there is none, or it is damaged."""
    if not _ID.fullmatch(name) or not _path(name).is_file():
        return None
    try:
        return Clipping.from_json(json.loads(_path(name).read_text(encoding="utf-8")))
    except (BadInput, ValueError, OSError, RecursionError):
        return None


def _path(name: str) -> Path:
    folder = home() / "clippings"
    folder.mkdir(exist_ok=True)
    return folder / f"{name}.json"
