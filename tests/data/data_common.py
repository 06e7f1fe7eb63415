"""What a network reads, without the network; and files of images."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest
from PIL import Image

from qcore.data.dataset import Dataset
from qcore.data.load import load_data
from qcore.data.preprocess import Preprocessing
from qcore.data.source import DataSource, Split
from qcore.errors import BadInput
from qcore.graph.network import Network

HALF = Preprocessing(4, (4, 4), (0.5,) * 3, (0.25,) * 3)
GREY = Preprocessing(4, (4, 4), (0.5,), (0.25,))


def reads(
    preprocessing: Preprocessing | None = HALF,
    shape: tuple[int, ...] | None = None,
    classes: int | None = 5,
    extra: tuple[tuple[str, tuple[int, ...]], ...] = (),
) -> Network:
    """Stands in for a network: loading asks for nothing but its shapes, classes, preprocessing."""
    if shape is None:
        assert preprocessing is not None
        shape = preprocessing.input_shape
    description = SimpleNamespace(input_shape=shape, classes=classes, extra_inputs=extra)
    return cast(Network, SimpleNamespace(description=description, preprocessing=preprocessing))


def load(
    reference: object,
    network: Network | None = None,
    split: Split = "calibration",
    *,
    preprocessing: Preprocessing | None = None,
    halved: bool = False,
) -> Dataset:
    source = DataSource(str(reference), preprocessing, halved)
    return load_data(source, network or reads(), split)


def refusal(reference: object, network: Network | None = None) -> str:
    with pytest.raises(BadInput) as raised:
        load(reference, network)
    assert "\n" not in str(raised.value)
    return str(raised.value)


def pixels(height: int, width: int, *channels: int, seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    return random.integers(0, 256, (height, width, *channels), dtype=np.uint8)


def encoded(image: np.ndarray | Image.Image, kind: str = "PNG", **options: object) -> bytes:
    if isinstance(image, np.ndarray):
        image = Image.fromarray(image)
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def level(value: int, size: int = 4) -> bytes:
    """A grey PNG of one level."""
    return encoded(np.full((size, size), value, np.uint8))


def write_tree(root: Path, files: Mapping[str, bytes]) -> Path:
    for name, content in files.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    return root


def zipped(files: Mapping[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return stream.getvalue()
