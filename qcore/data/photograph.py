"""One encoded photograph -> the pixels that a network was trained to see."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from qcore.data.preprocess import Preprocessing

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp")
_FORMATS = ("JPEG", "PNG", "BMP", "WEBP")
_LARGEST_PIXELS = 64_000_000
_LONGEST_RATIO = 20
_FILTERS = {
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "nearest": Image.Resampling.NEAREST,
}


class Unusable(Exception):
    """An image that is left out; the text goes on from its name: "is 30,000 x 9 pixels, ..."."""


def read_photograph(content: bytes, preprocessing: Preprocessing) -> np.ndarray:
    """(C, H, W) uint8, RGB or grey, of the size ``preprocessing.crop_px``.

    Equal to torchvision's ``CenterCrop(crop_px)(Resize(resize_px)(image))`` on Pillow images: an
    image of 640 x 480 with resize 256 becomes 341 x 256 before the crop. The orientation that a
    camera wrote into EXIF is not applied, as in torchvision's ImageFolder. Transparency is
    dropped; 16 bit grey is scaled to 8 bit (65535 becomes 255).

    Raises Unusable for what is no readable JPEG, PNG, BMP or WebP, for more than 64 megapixels and
    for a long side above 20 times the short one. Sizes are checked before pixels are decoded.
    """
    try:
        with Image.open(io.BytesIO(content), formats=_FORMATS) as opened:
            _check_size(opened.size, preprocessing)
            image = _convert(opened, "RGB" if preprocessing.channels == 3 else "L")
    except Unusable:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise Unusable("has more than 64 megapixels") from error
    except Exception as error:  # the decoders raise many types on a broken file
        raise Unusable("cannot be read as an image") from error
    height, width = preprocessing.crop_px
    pixels = np.asarray(_fit(image, preprocessing), dtype=np.uint8)
    return np.moveaxis(pixels.reshape(height, width, -1), 2, 0)


def resized_size(width: int, height: int, short_px: int) -> tuple[int, int]:
    """(width, height) with the short side ``short_px``; the long one is rounded down.

    Source: torchvision ``Resize``. Example: 640 x 480 to 256 is 341 x 256.
    """
    if width <= height:
        return short_px, int(short_px * height / width)
    return int(short_px * width / height), short_px


def _check_size(size: tuple[int, int], preprocessing: Preprocessing) -> None:
    width, height = size
    if width * height > _LARGEST_PIXELS:
        raise Unusable(f"is {width:,} x {height:,} pixels, more than 64 megapixels")
    after = resized_size(width, height, preprocessing.resize_px)
    too_large = preprocessing.fit == "crop" and after[0] * after[1] > _LARGEST_PIXELS
    if max(size) > _LONGEST_RATIO * min(size) or too_large:
        raise Unusable(f"is {width:,} x {height:,} pixels, too long for its width to be resized")


def _convert(image: Image.Image, mode: str) -> Image.Image:
    if image.mode.startswith("I"):  # Pillow would cut 16 bit off at 255 instead of scaling it
        values = np.asarray(image).astype(np.int64).clip(0, 65535)
        image = Image.fromarray(((values + 128) // 257).astype(np.uint8))
    elif image.mode == "P" and "transparency" in image.info:
        image = image.convert("RGBA")  # same colours; Pillow warns on the direct way
    return image.convert(mode)


def _fit(image: Image.Image, preprocessing: Preprocessing) -> Image.Image:
    height, width = preprocessing.crop_px
    how = _FILTERS[preprocessing.interpolation]
    if preprocessing.fit == "stretch":
        return image if image.size == (width, height) else image.resize((width, height), how)
    size = resized_size(*image.size, preprocessing.resize_px)
    if image.size != size:
        image = image.resize(size, how)
    left, top = round((size[0] - width) / 2), round((size[1] - height) / 2)  # half to even
    return image.crop((left, top, left + width, top + height))
