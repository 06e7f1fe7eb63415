"""Hardware that people brought: rooflines and tables, kept under the hash of what they say.

Each is one file ``hardware/ID.json`` with its title, kind and text, so that it is there whole or
not at all; ID is the start of the SHA-256 of the three. No title or name is ever a path.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Literal, get_args

from qcore import fields
from qcore.errors import BadInput
from qcore.hardware.model import Hardware
from qcore.hardware.own_table import own_table_hardware
from qcore.hardware.own_table_file import read_table_csv
from qcore.hardware.roofline import Roofline, roofline_hardware
from qcore.hardware.roofline_file import checked_title, read_roofline, roofline_to_json
from qcore.store.home import home
from qcore.store.spool import full_disk_is_bad_input

Kind = Literal["roofline", "table"]

PREFIX = "own:"
MOST_KEPT = 100
_ID = re.compile(r"[0-9a-f]{32}")
_DAMAGE = (BadInput, OSError, ValueError, KeyError, TypeError, RecursionError)


@dataclass(frozen=True)
class _Kept:
    title: str
    kind: Kind
    text: str


def keep_hardware(title: str, kind: Kind, text: str) -> str:
    """Keep a roofline (JSON) or a table (CSV) under a title; its name, the same for the same text.

    A roofline takes the title. Raises BadInput for a wrong title or text, where too many are kept,
    and where the disk is full. Example: ``"own:3f2a..."``.
    """
    kept = _Kept(checked_title(title), kind, text)
    if kind == "roofline":
        roofline = replace(read_roofline(text), title=kept.title)
        kept = replace(kept, text=json.dumps(roofline_to_json(roofline), indent=2) + "\n")
    else:
        read_table_csv(text, None)
    content = json.dumps({"title": kept.title, "kind": kept.kind, "text": kept.text})
    identity = hashlib.sha256(content.encode()).hexdigest()[:32]
    if _read(identity) != kept:  # missing, or damaged
        if identity not in _ids() and len(_ids()) >= MOST_KEPT:
            raise BadInput(f"{MOST_KEPT} hardware descriptions are kept already; remove one first")
        with full_disk_is_bad_input():
            path = _path(identity)
            path.parent.mkdir(exist_ok=True)
            draft = path.with_suffix(f".{os.getpid()}.draft")
            draft.write_text(content, encoding="utf-8")
            draft.replace(path)
    return PREFIX + identity


def own_hardware() -> dict[str, Hardware]:
    """Name -> machine of everything that is kept, by title; what is damaged is left out."""
    machines = {}
    for identity in _ids():
        with contextlib.suppress(*_DAMAGE):
            if (kept := _read(identity)) is not None:
                machines[PREFIX + identity] = _hardware(identity, kept)
    return dict(sorted(machines.items(), key=lambda item: (item[1].title.lower(), item[0])))


def get_own_hardware(name: str) -> Hardware:
    """One machine. Raises BadInput where it is not kept, or damaged."""
    kept = _get(name)
    try:
        return _hardware(name.removeprefix(PREFIX), kept)
    except _DAMAGE as error:
        raise BadInput(f"hardware {name[:40]!r} is damaged; bring its file again") from error


def remove_hardware(name: str) -> None:
    """Delete what is kept under a name; nothing where there is nothing."""
    identity = name.removeprefix(PREFIX)
    if name.startswith(PREFIX) and _ID.fullmatch(identity):
        with contextlib.suppress(OSError):
            _path(identity).unlink(missing_ok=True)


def own_text(name: str) -> str:
    """The JSON or CSV of what is kept under a name. Raises BadInput where there is none."""
    return _get(name).text


def own_roofline(name: str) -> Roofline | None:
    """The roofline that is kept under a name; None where there is none, or it is a table."""
    with contextlib.suppress(*_DAMAGE):
        kept = _get(name)
        if kept.kind == "roofline":
            return read_roofline(kept.text)
    return None


def hardware_text(content: bytes) -> str:
    """The text of a file of hardware. Raises BadInput for what is not UTF-8."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInput("the file is no UTF-8 text; save it as CSV (UTF-8) or JSON") from error


@lru_cache(maxsize=32)
def _hardware(identity: str, kept: _Kept) -> Hardware:
    name = PREFIX + identity
    if kept.kind == "roofline":
        return roofline_hardware(name, read_roofline(kept.text))
    return own_table_hardware(name, kept.title, read_table_csv(kept.text, None))


def _get(name: str) -> _Kept:
    kept = _read(name.removeprefix(PREFIX)) if name.startswith(PREFIX) else None
    if kept is None:
        raise BadInput(f"hardware {name[:40]!r} is not kept any more; bring its file again")
    return kept


def _read(identity: str) -> _Kept | None:
    """What is kept; None where there is nothing, or it cannot be read."""
    if not _ID.fullmatch(identity):
        return None
    with contextlib.suppress(*_DAMAGE):
        data = json.loads(_path(identity).read_text(encoding="utf-8"))
        kind: Kind = data["kind"]
        if kind in get_args(Kind):
            return _Kept(checked_title(fields.text(data, "title")), kind, fields.text(data, "text"))
    return None


def _ids() -> list[str]:
    return sorted(path.stem for path in _folder().glob("*.json") if _ID.fullmatch(path.stem))


def _path(identity: str) -> Path:
    return _folder() / f"{identity}.json"


def _folder() -> Path:
    return home() / "hardware"
