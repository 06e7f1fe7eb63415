"""ZIP archives from strangers: what is in one is judged before a byte of it is unpacked.

Nothing here writes a file or extracts to disk; entries are read to memory up to a limit. What is
guarded against: names that leave the target folder, links, bombs by size, by ratio and by entries
that share their data (Fifield 2019, "A better zip bomb"), and directories that disagree with the
data. Python's ``zipfile`` checks none of these when it opens a file.
"""

from __future__ import annotations

import lzma
import re
import stat
import struct
import unicodedata
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from qcore.errors import BadInput

MOST_ENTRIES = 100_000
MOST_BYTES = 8 * 2**30
MOST_RATIO = 200.0

_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
_ENCRYPTED = 0x1 | 0x40 | 0x2000
_LOCAL_HEADER = struct.Struct("<4s5H3L2H")
_END_BYTES = 22
_DIRECTORY_BYTES = 64 * 2**20
_DIRECTORY_ENTRIES = 200_000
_ENTRY_START = b"PK\1\2"
_BLOCK_BYTES = 2**20
# Tiny entries of one repeated byte have any ratio; the total is limited all the same.
_RATIO_SLACK_BYTES = 64 * 2**10
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    OSError,
    NotImplementedError,
    RuntimeError,
    OverflowError,
    ValueError,
)


@dataclass(frozen=True)
class ArchiveLimits:
    """The most entries, the most bytes unpacked in all, and the most bytes out per byte in."""

    entries: int = MOST_ENTRIES
    total_bytes: int = MOST_BYTES
    ratio: float = MOST_RATIO


def open_archive(path: Path, title: str) -> zipfile.ZipFile:
    """Open a ZIP for reading; the caller closes it.

    Raises BadInput where the file is no ZIP, is cut off, lists other than as many entries as it
    states, or has a directory of more than 64 MB or 200,000 entries (``zipfile`` would read all of
    it before anything can be checked).
    """
    try:
        with path.open("rb") as file:
            size, stated = _end_record(file)
            count = _directory_entries(file, size) if size <= _DIRECTORY_BYTES else 0
        if size <= _DIRECTORY_BYTES and count <= _DIRECTORY_ENTRIES:
            archive = zipfile.ZipFile(path)
            if (len(archive.infolist()) - stated) % 2**16:  # many writers count no further
                archive.close()
                raise zipfile.BadZipFile("its directory has not as many entries as it states")
            return archive
    except _DAMAGE as error:
        raise BadInput(
            f"{title} is no ZIP archive, or is cut off ({_reason(error)}); save or copy it again"
        ) from error
    holds = f"about {count:,} entries" if count else f"a directory of {size} bytes"
    raise BadInput(f"{title} has {holds}; give an archive of fewer files")


def check_archive(
    archive: zipfile.ZipFile, title: str, limits: ArchiveLimits
) -> list[zipfile.ZipInfo]:
    """The regular files of an archive in order, once every entry has been found harmless.

    Checked before anything is unpacked: number of entries, total size, ratio per entry and in
    all, names (absolute, drive letters, backslashes, empty parts, '.', '..', control characters,
    duplicates), links and devices, encryption, compression method, and that the entries' data
    neither overlap nor run into the directory. Raises BadInput naming the first entry at fault.
    """
    entries = archive.infolist()
    if len(entries) > limits.entries:
        raise BadInput(
            f"{title} holds {len(entries)} entries, at most {limits.entries} are read; "
            "give an archive of fewer files"
        )
    seen: set[str] = set()
    for info in entries:
        fault = _name_fault(info) or _kind_fault(info) or _ratio_fault(info, limits.ratio)
        if fault is None and info.orig_filename in seen:
            fault = "is there twice"
        if fault:
            raise BadInput(f"{title}: entry {_shown(info)} {fault}; pack the archive again")
        seen.add(info.orig_filename)
    _check_total(entries, title, limits)
    _check_overlap(archive, entries, title)
    return [info for info in entries if not info.is_dir()]


def read_entry(archive: zipfile.ZipFile, info: zipfile.ZipInfo, limit_bytes: int) -> bytes:
    """The content of one entry, never more than the archive's directory states.

    Raises BadInput where that is more than ``limit_bytes``, and where the data are damaged, cut
    off, or fail their checksum.
    """
    if info.file_size > limit_bytes:
        raise BadInput(
            f"entry {_shown(info)} has {info.file_size} bytes, at most {limit_bytes} are read; "
            "make it smaller"
        )
    content = bytearray()
    try:
        with archive.open(info) as stream:
            while block := stream.read(min(_BLOCK_BYTES, info.file_size - len(content) + 1)):
                content += block
                if len(content) > info.file_size:
                    break
    except _DAMAGE as error:
        raise BadInput(
            f"entry {_shown(info)} is damaged ({_reason(error)}); save or copy the file again"
        ) from error
    if len(content) != info.file_size:
        raise BadInput(
            f"entry {_shown(info)} has not the {info.file_size} bytes that are stated; "
            "save or copy the file again"
        )
    return bytes(content)


def _end_record(file: IO[bytes]) -> tuple[int, int]:
    """Size of the central directory and number of its entries, as the end record states them; 0
    where there is none. The number may lack multiples of 2^16."""
    length = file.seek(0, 2)
    file.seek(max(0, length - _END_BYTES - 2**16 - 76))
    tail = file.read()
    at = len(tail) - _END_BYTES
    if at < 0 or tail[at : at + 4] != b"PK\5\6" or tail[-2:] != b"\0\0":
        at = tail.rfind(b"PK\5\6")
    if at < 0 or len(tail) < at + 16:
        return 0, 0
    size = int.from_bytes(tail[at + 12 : at + 16], "little")
    entries = int.from_bytes(tail[at + 10 : at + 12], "little")
    wide = tail.rfind(b"PK\6\6", 0, at)
    if wide >= 0:  # it counts also where the short record could have held the size
        size = max(size % 0xFFFFFFFF, int.from_bytes(tail[wide + 40 : wide + 48], "little"))
        if entries == 0xFFFF:
            entries = int.from_bytes(tail[wide + 32 : wide + 40], "little")
    return size, entries


def _directory_entries(file: IO[bytes], size: int) -> int:
    """How many entries the directory has, or a few more: it ends within the last 66 kB."""
    length = file.seek(0, 2)
    file.seek(max(0, length - _END_BYTES - 2**16 - 76 - size))
    return sum(block.count(_ENTRY_START) for block in iter(lambda: file.read(_BLOCK_BYTES), b""))


def _name_fault(info: zipfile.ZipInfo) -> str | None:
    name = info.orig_filename
    # Other unprintable characters do no harm: macOS puts U+202F into the names of screenshots.
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in name):
        return "has control characters in its name"
    if name.startswith("/") or re.match("[A-Za-z]:", name):
        return "has an absolute path"
    if "\\" in name:
        return "has a backslash in its name"
    parts = name.removesuffix("/").split("/")
    if ".." in parts:
        return "leaves the archive ('..')"
    return "has an empty part in its name" if "" in parts or "." in parts else None


def _kind_fault(info: zipfile.ZipInfo) -> str | None:
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind == stat.S_IFLNK:
        return "is a symbolic link"
    if kind not in (0, stat.S_IFDIR if info.is_dir() else stat.S_IFREG):
        return "is no regular file"
    if info.flag_bits & _ENCRYPTED:
        return "is encrypted"
    if info.compress_type not in _METHODS:
        return f"is compressed by an unknown method ({info.compress_type})"
    if info.is_dir() and info.file_size:
        return "is a folder with content"
    if info.compress_type == zipfile.ZIP_STORED and info.file_size != info.compress_size:
        return "is stored with two different sizes"
    return None


def _ratio_fault(info: zipfile.ZipInfo, ratio: float) -> str | None:
    if info.file_size > _RATIO_SLACK_BYTES + ratio * info.compress_size:
        return f"unpacks {info.compress_size} bytes to {info.file_size}: a ZIP bomb"
    return None


def _check_total(entries: list[zipfile.ZipInfo], title: str, limits: ArchiveLimits) -> None:
    total = sum(info.file_size for info in entries)
    packed = sum(info.compress_size for info in entries)
    if total > limits.total_bytes:
        raise BadInput(
            f"{title} unpacks to {total} bytes, at most {limits.total_bytes} are read; "
            "give a smaller archive"
        )
    if total > max(_RATIO_SLACK_BYTES, limits.ratio * packed):
        raise BadInput(
            f"{title} unpacks {packed} bytes to {total}: a ZIP bomb; pack the archive again"
        )


def _check_overlap(archive: zipfile.ZipFile, entries: list[zipfile.ZipInfo], title: str) -> None:
    """Every entry's header and data lie behind those of the one before it in the file."""
    end: int | None = 0
    previous: zipfile.ZipInfo | None = None
    for info in sorted(entries, key=lambda one: one.header_offset):
        start = info.header_offset
        if previous is not None and end is not None and start < end:
            raise BadInput(
                f"{title}: entries {_shown(previous)} and {_shown(info)} share their data: "
                "a ZIP bomb; pack the archive again"
            )
        end = _data_end(archive, info)
        if end is None or end > archive.start_dir:
            raise BadInput(
                f"{title}: the data of entry {_shown(info)} are not where the directory says; "
                "save or copy the file again"
            )
        previous = info


def _data_end(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> int | None:
    file = archive.fp
    if file is None or info.header_offset < 0:
        return None
    file.seek(info.header_offset)
    header = file.read(_LOCAL_HEADER.size)
    if len(header) < _LOCAL_HEADER.size:
        return None
    signature, *_, name_bytes, extra_bytes = _LOCAL_HEADER.unpack(header)
    if signature != b"PK\3\4":
        return None
    return int(info.header_offset + len(header) + name_bytes + extra_bytes + info.compress_size)


def _shown(info: zipfile.ZipInfo) -> str:
    return repr(info.orig_filename[:100])


def _reason(error: BaseException) -> str:
    text = "".join(c if c.isprintable() else " " for c in str(error))
    return text.strip()[:160] or type(error).__name__
