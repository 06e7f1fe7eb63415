"""Which files of a folder, an archive or an upload are images."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

from qcore.data.archive import ArchiveLimits, check_archive, open_archive, read_entry
from qcore.data.photograph import SUFFIXES
from qcore.errors import BadInput

MOST_IMAGES = 20_000
MOST_FILES = 200_000
# Deflate cannot pack tighter than 1032 to 1, and a black bitmap comes near that.
_ARCHIVE = ArchiveLimits(entries=MOST_FILES, total_bytes=16_000_000_000, ratio=1100)
_LARGEST_FILE_BYTES = 2**28
_SHOWN = 60
_OF_SYSTEMS = {"__macosx", "thumbs.db", "desktop.ini"}


@dataclass(frozen=True)
class ImageFile:
    """An image by name: its path below the folder or archive, parts joined by "/"."""

    name: str
    read: Callable[[], bytes]


@dataclass(frozen=True)
class Listing:
    """Images in the order of their paths, at least one; and what was passed over."""

    files: tuple[ImageFile, ...]
    notes: tuple[str, ...] = ()


def list_folder(folder: Path, title: str) -> Listing:
    """Images of a folder and its sub-folders. Links to folders, and to what lies outside, are not
    followed. Raises BadInput for no image or too many."""
    return _listing(_walk(folder), f"folder {title}")


def list_archive(path: Path, title: str) -> Listing:
    """Images of a ZIP file, each read in memory when it is asked for.

    Names are labels, never paths. Raises BadInput for a broken or hostile archive, no image, or
    too many. The archive stays open as long as the listing lives.
    """
    archive = open_archive(path, title)
    entries = check_archive(archive, title, _ARCHIVE)
    return _listing(
        (
            ImageFile(e.filename, partial(read_entry, archive, e, _LARGEST_FILE_BYTES))
            for e in entries
            if not e.is_dir()
        ),
        title,
    )


def list_files(paths: Mapping[str, Path], title: str) -> Listing:
    """Loose images by the names their owner gave them. Raises BadInput as the others do."""
    return _listing((ImageFile(n, partial(_read_file, p)) for n, p in paths.items()), title)


def shown(name: str) -> str:
    """A file's name as one line of plain text, cut to 60 characters."""
    text = "".join(c for c in name if c.isprintable())
    return text if len(text) <= _SHOWN else "…" + text[1 - _SHOWN :]


def is_image(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() in SUFFIXES


def _listing(candidates: Iterable[ImageFile], title: str) -> Listing:
    images, others = [], []
    for number, file in enumerate(candidates):
        if number >= MOST_FILES:
            raise BadInput(f"{title} holds more than {MOST_FILES:,} files; choose a smaller one")
        parts = file.name.split("/")
        if any(part.startswith(".") or part.lower() in _OF_SYSTEMS for part in parts):
            continue
        if not is_image(file.name):
            others.append(file.name)
            continue
        images.append(file)
        if len(images) > MOST_IMAGES:
            raise BadInput(
                f"{title} holds more than {MOST_IMAGES:,} images; give fewer, a few hundred do"
            )
    if not images:
        raise BadInput(f"{title} holds no .jpg, .png, .bmp or .webp image; choose one that does")
    images.sort(key=lambda file: file.name.split("/"))
    return Listing(tuple(images), _note(sorted(others)))


def _note(others: list[str]) -> tuple[str, ...]:
    if not others:
        return ()
    files = "1 file that is" if len(others) == 1 else f"{len(others):,} files that are"
    more = ", ..." if len(others) > 3 else ""
    return (f"passed over {files} no image: {', '.join(map(shown, others[:3]))}{more}",)


def _walk(folder: Path) -> Iterator[ImageFile]:
    root = folder.resolve()
    for where, below, names in os.walk(root):
        below[:] = sorted(name for name in below if not name.startswith("."))
        for name in sorted(names):
            file = Path(where, name)
            if file.is_file() and (not file.is_symlink() or file.resolve().is_relative_to(root)):
                yield ImageFile(file.relative_to(root).as_posix(), partial(_read_file, file))


def _read_file(path: Path) -> bytes:
    if path.stat().st_size > _LARGEST_FILE_BYTES:
        raise BadInput(f"{shown(path.name)} is larger than 256 MiB; give a smaller file")
    return path.read_bytes()
