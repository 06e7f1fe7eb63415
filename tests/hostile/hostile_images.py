"""Hostile and broken pictures, loose and in archives."""

from __future__ import annotations

import struct
import zipfile
import zlib
from pathlib import Path

from attack_files import NAMES, image, images, pickled, zipped
from hostile_case import (
    Case,
    cut,
    encrypted,
    fine,
    linked,
    many_entries,
    marked,
    one,
    overlapping,
    repeated,
    with_entry,
)

GOOD = zipped(images())
NO_IMAGE = "holds no .jpg, .png, .bmp or .webp image"
UNREADABLE = "cannot be read as an image"


def _chunk(kind: bytes, content: bytes) -> bytes:
    return (
        struct.pack(">L", len(content))
        + kind
        + content
        + struct.pack(">L", zlib.crc32(kind + content))
    )


def png(width: int, height: int, *more: bytes) -> bytes:
    """A grey PNG that claims a size and has next to no pixels."""
    header = _chunk(b"IHDR", struct.pack(">2L5B", width, height, 8, 0, 0, 0, 0))
    pixels = _chunk(b"IDAT", zlib.compress(bytes(1000)))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(more) + pixels + _chunk(b"IEND", b"")


def _among(name: str, content: bytes, note: str) -> Case:
    """One bad picture between good ones, which is left out and named."""
    return fine("photos.zip", zipped({**images(), name: content}), note)


def _all(*pictures: bytes) -> bytes:
    return zipped({f"{i}.png": picture for i, picture in enumerate(pictures)})


def _pipe(mark: Path) -> bytes:
    """PostScript, which some readers hand to a program that can run commands."""
    return (
        f"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(%pipe%mkdir {mark}) (w) file".encode()
    )


def _vector(mark: Path) -> bytes:
    """SVG that reads a file."""
    text = f'<!DOCTYPE a [<!ENTITY x SYSTEM "file://{mark.parent}/secret">]>'
    return f'<?xml version="1.0"?>{text}<svg><text>&x;</text></svg>'.encode()


def _bomb_of_text() -> bytes:
    text = b"k\0\0" + zlib.compress(bytes(5 * 10**7))
    return png(20, 20, _chunk(b"zTXt", text))


IMAGES: dict[str, Case] = {
    "truncated": one("photos.zip", cut(GOOD), "is no ZIP archive, or is cut off"),
    "no entries": one("photos.zip", zipped({}), NO_IMAGE),
    "no images": one("photos.zip", zipped({"readme.txt": b"x", "a/b.csv": b"y"}), NO_IMAGE),
    "an archive in it": one("photos.zip", zipped({"a.zip": GOOD}), NO_IMAGE),
    "a folder called .png": one("photos.zip", zipped({"a.png/": b""}), NO_IMAGE),
    "a pickle": one("photos.zip", pickled, "is no ZIP archive"),
    "a web page": one("photos.zip", b"<html>404</html>", "is no ZIP archive"),
    "empty file": one("photos.zip", b"", "is empty"),
    "a bomb": one("photos.zip", zipped({"a.png": bytes(10**8)}, zipfile.ZIP_BZIP2), "a ZIP bomb"),
    "zeros": one("photos.zip", zipped({"a.png": bytes(10**7)}, zipfile.ZIP_DEFLATED), UNREADABLE),
    "a bomb that lies": one("photos.zip", marked(GOOD, 24, struct.pack("<L", 2**31)), "two diff"),
    "10^6 entries": one(
        "photos.zip", lambda mark: many_entries(10**6), "entries; give an archive of fewer"
    ),
    "entries that overlap": one("photos.zip", overlapping(GOOD), "share their data"),
    "a name above": one("photos.zip", with_entry(GOOD, "../../mark.png"), "leaves the archive"),
    "an absolute name": one(
        "photos.zip", lambda mark: with_entry(GOOD, f"{mark}.png"), "an absolute path"
    ),
    "a drive's name": one("photos.zip", with_entry(GOOD, "C:/mark.png"), "an absolute path"),
    "a link": one("photos.zip", linked(GOOD, "l.png", "/etc/passwd"), "a symbolic link"),
    "an entry twice": one("photos.zip", repeated(GOOD, "5.png", "4.png"), "is there twice"),
    "encrypted": one("photos.zip", encrypted(GOOD), "is encrypted"),
    "compressed oddly": one("photos.zip", marked(GOOD, 10, b"\x63\0"), "unknown method (99)"),
    "damaged": fine("photos.zip", GOOD.replace(b"IDAT", b"IDAX", 1), UNREADABLE),
    "PNG of 60,000 x 60,000": one("a.png", png(60_000, 60_000), "more than 64 megapixels"),
    "PNG of 2^31": one("a.png", png(2**31 - 1, 2**31 - 1), "megapixels"),
    "PNG of a line": one("a.png", png(60_000, 1), "too long for its width"),
    "PNG without pixels": one("a.png", png(0, 0), UNREADABLE),
    "PNG cut off": one("a.png", cut(image()), UNREADABLE),
    "PNG with a bomb of text": _among("bomb.png", _bomb_of_text(), "bomb.png cannot be read"),
    "PostScript": one("a.png", _pipe, UNREADABLE),
    "SVG": one("a.png", _vector, UNREADABLE),
    "GIF called .jpg": one("a.jpg", image(kind="GIF"), UNREADABLE),
    "GIF among good ones": _among("x.jpg", image(kind="GIF"), "x.jpg cannot be read"),
    "JPEG cut off among good ones": _among("x.jpg", cut(image(kind="JPEG")), "x.jpg cannot"),
    "text among good ones": _among("x.jpg", b"no image", "left out 1 of 7 files: x.jpg"),
    "JPEG called .png": fine("photos.zip", _all(*(image(i, "JPEG") for i in range(4)))),
    "16 bit": fine("photos.zip", _all(*(image(i, mode="I;16") for i in range(4)))),
    "one bit": fine("photos.zip", _all(*(image(i, mode="1") for i in range(4)))),
    "palette": fine("photos.zip", _all(*(image(i, mode="P") for i in range(4)))),
    "transparent": fine("photos.zip", _all(*(image(i, mode="RGBA") for i in range(4)))),
    "CMYK": fine("photos.zip", _all(*(image(i, "JPEG", "CMYK") for i in range(4)))),
    "labels out of range": fine(
        "photos.zip",
        zipped({f"{i}/{i}.png": image(i) for i in range(8, 12)}),
        "class folders are numbered 8 to 11",
    ),
    "labels of 400 digits": fine(
        "photos.zip", zipped({f"{i}{'9' * 400}/a.png": image(i) for i in range(1, 4)}), ""
    ),
    "files of other systems": fine(
        "photos.zip",
        zipped({**images(), "__MACOSX/._0.png": b"x", "Thumbs.db": b"x", ".hidden.png": b"x"}),
    ),
    "a mixture": Case(
        lambda mark: {"a.png": image(), "b.npz": b"x"}, "cannot be read as images; give"
    ),
    "one name twice": Case(
        lambda mark: {"a/x.png": image(), "b/x.png": image(1)}, "have the same name"
    ),
    "a path as a name": Case(lambda mark: {"../../mark.png": image()}, works=True),
    "dots as a name": Case(lambda mark: {"..": image()}, "cannot be read as images"),
    "no name": Case(lambda mark: {"/": image()}, "unnamed cannot be read as images"),
    **{f"file called {n[:12]!a}": fine(f"{n}.png", image()) for n in NAMES},
    "folders called to mislead": fine(
        "photos.zip",
        zipped({f"{n.replace('/', '')}/{i}.png": image(i) for i, n in enumerate(NAMES)}),
        "class folders but the network has 10 classes",
    ),
}
