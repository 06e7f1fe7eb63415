"""DATA -> Dataset: ``sample:NAME``, a .npz file, or a folder of photographs."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
import torch
from PIL import Image

from qcore.data.dataset import Dataset, check_fits
from qcore.data.preprocess import Preprocessing
from qcore.errors import BadInput
from qcore.graph.network import Network
from qcore.samples import SAMPLES

Split = Literal["calibration", "evaluation"]
_PHOTOGRAPHS = {".jpg", ".jpeg", ".png"}


def load_data(reference: str, network: Network, split: Split) -> Dataset:
    """Load data for a network and check that they fit. ``split`` chooses among a sample's two.

    Raises BadInput for an unknown sample, a missing or unreadable file, a wrong image shape, labels
    out of range, or values that are not finite.
    """
    data = _read(reference, network.preprocessing, split)
    check_fits(data, network.description.input_shape, network.description.outputs)
    return data


def _read(reference: str, preprocessing: Preprocessing | None, split: Split) -> Dataset:
    if reference.startswith("sample:"):
        name = reference.removeprefix("sample:")
        if name not in SAMPLES:
            raise BadInput(f"no sample data are called {name!r}; there are: {', '.join(SAMPLES)}")
        sample = SAMPLES[name]
        path = sample.calibration if split == "calibration" else sample.evaluation
        return _read_path(path, reference, sample.preprocessing)
    path = Path(reference)
    if not reference or not path.exists():
        raise BadInput(
            f"there are no data at {reference!r}; "
            "give sample:NAME, a .npz file or a folder of photographs"
        )
    return _read_path(path, path.name or path.resolve().name, preprocessing)


def _read_path(path: Path, name: str, preprocessing: Preprocessing | None) -> Dataset:
    if path.is_dir():
        return _read_folder(path, name, preprocessing)
    if path.suffix == ".npz":
        return _read_npz(path, name, preprocessing)
    raise BadInput(f"{name} is neither a .npz file nor a folder of photographs")


def _read_npz(path: Path, name: str, preprocessing: Preprocessing | None) -> Dataset:
    try:
        with np.load(path, allow_pickle=False) as archive:
            names = ", ".join(archive)
            # A member that is no array comes as bytes.
            images, labels = (
                np.asarray(archive[key]) if key in archive else None for key in ("images", "labels")
            )
    except Exception as error:  # numpy, zipfile and zlib raise many types on a broken file
        raise BadInput(
            f"{name} cannot be read as .npz; save it with np.savez(file, images=..., labels=...)"
        ) from error
    if images is None:
        raise BadInput(f"{name} has no array 'images' (it has: {names})")
    if images.ndim != 4 or images.dtype.kind not in "uf":
        raise BadInput(
            f"'images' of {name} is {images.dtype} of shape {images.shape}; "
            "uint8 or float of shape (images, channels, height, width) is needed"
        )
    if images.dtype.kind == "u" and (images.dtype != np.uint8 or preprocessing is None):
        raise BadInput(f"'images' of {name} is {images.dtype}; give uint8, or normalised float32")
    if labels is not None and labels.dtype.kind not in "ui":
        raise BadInput(f"'labels' of {name} is {labels.dtype}; whole numbers are needed")
    tensor = torch.from_numpy(images if images.dtype == np.uint8 else images.astype(np.float32))
    return Dataset(
        name,
        tensor,
        None if labels is None else torch.from_numpy(labels.astype(np.int64)),
        preprocessing if images.dtype == np.uint8 else None,
    )


def _read_folder(path: Path, name: str, preprocessing: Preprocessing | None) -> Dataset:
    if preprocessing is None:
        raise BadInput("how to prepare photographs for this network is not known; give a .npz")
    files = sorted(f for f in path.iterdir() if f.suffix.lower() in _PHOTOGRAPHS and f.is_file())
    if not files:
        raise BadInput(f"folder {name} holds no .jpg or .png file; name a folder that does")
    images = np.stack([_read_photograph(file, preprocessing) for file in files])
    return Dataset(name, torch.from_numpy(images), None, preprocessing)


def _read_photograph(file: Path, preprocessing: Preprocessing) -> np.ndarray:
    """(C, H, W) uint8: short side resized (bicubic), centre cropped."""
    try:
        with Image.open(file) as opened:
            image = opened.convert("RGB" if preprocessing.channels == 3 else "L")
    except Exception as error:  # the decoders raise many types on a broken file
        raise BadInput(f"{file.name} cannot be read as an image; remove it") from error
    crop = preprocessing.crop_px
    if image.size != (crop, crop):
        ratio = preprocessing.short_side_px / min(image.size)
        size = (max(crop, round(image.width * ratio)), max(crop, round(image.height * ratio)))
        image = image.resize(size, Image.Resampling.BICUBIC)
        left, top = (size[0] - crop) // 2, (size[1] - crop) // 2
        image = image.crop((left, top, left + crop, top + crop))
    pixels = np.asarray(image, dtype=np.uint8)
    return np.moveaxis(pixels.reshape(crop, crop, -1), 2, 0).copy()
