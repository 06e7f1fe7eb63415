"""A hostile or broken file, what becomes of it, and how archives are bent."""

from __future__ import annotations

import io
import stat
import struct
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from attack_files import zipped

Files = dict[str, bytes]
Content = bytes | Callable[[Path], bytes]


@dataclass(frozen=True)
class Case:
    """``files`` makes what is uploaded, by name; where it runs code it makes the path given.

    ``message`` is a part of the one line by which it is refused. A file that ``works`` has it in a
    note or nowhere.
    """

    files: Callable[[Path], Files]
    message: str = ""
    works: bool = False


def one(name: str, content: Content, message: str) -> Case:
    """A single file that is refused."""
    return Case(lambda mark: {name: content(mark) if callable(content) else content}, message)


def fine(name: str, content: Content, note: str = "") -> Case:
    """A single file that has to work."""
    return replace(one(name, content, note), works=True)


def cut(content: bytes) -> bytes:
    """Its first two thirds."""
    return content[: len(content) * 2 // 3]


def with_entry(content: bytes, name: str, data: bytes = b"x", attributes: int = 0) -> bytes:
    """A ZIP with one more entry; the name is written as it is."""
    file = io.BytesIO(content)
    info = zipfile.ZipInfo("x")
    info.filename = info.orig_filename = name
    info.external_attr = attributes
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr(info, data)
    return file.getvalue()


def linked(content: bytes, name: str, target: str) -> bytes:
    """A ZIP with a symbolic link."""
    return with_entry(content, name, target.encode(), (stat.S_IFLNK | 0o777) << 16)


def marked(content: bytes, offset: int, value: bytes) -> bytes:
    """A ZIP whose last record of the directory is overwritten at an offset."""
    at = content.rfind(b"PK\1\2") + offset
    return content[:at] + value + content[at + len(value) :]


def encrypted(content: bytes) -> bytes:
    """A ZIP whose last entry says that it is encrypted."""
    return marked(content, 8, b"\1\0")


def overlapping(content: bytes) -> bytes:
    """A ZIP whose last entry is where the first one is."""
    return marked(content, 42, bytes(4))


def repeated(content: bytes, old: str, new: str) -> bytes:
    """A ZIP in which an entry gets the name, of equal length, of another one."""
    assert len(old) == len(new)
    return content.replace(old.encode(), new.encode())


def many_entries(count: int) -> bytes:
    """A ZIP that lists so many entries, all of them the same empty one."""
    local = zipped({"a": b""})
    record = local[local.find(b"PK\1\2") : local.find(b"PK\5\6")]
    start = local.find(b"PK\1\2")
    size = len(record) * count
    wide = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, count, count, size, start)
    locator = struct.pack("<4sLQL", b"PK\6\7", 0, start + size, 1)
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, size, start, 0)
    return local[:start] + record * count + wide + locator + end
