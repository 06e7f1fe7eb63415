"""A source of data -> a Dataset that fits a network."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from qcore.data.dataset import Dataset, check_fits
from qcore.data.idx import is_idx, read_idx
from qcore.data.listing import is_image, list_archive, list_files, list_folder, shown
from qcore.data.npz import read_npz
from qcore.data.photographs import read_photographs
from qcore.data.preprocess import without_resize
from qcore.data.source import DataSource, Split
from qcore.data.target import Target
from qcore.data.uploaded import ACCEPTED, read_upload
from qcore.errors import BadInput
from qcore.graph.network import Network
from qcore.samples import SAMPLES
from qcore.store.uploads import PREFIX, get_upload

_SAMPLE = "sample:"


def load_data(source: DataSource, network: Network, split: Split) -> Dataset:
    """Load data for a network and check that they fit.

    ``split`` chooses among a sample's two sets, or the half where ``source.halved``; otherwise both
    splits are the same whole. Example: five images of 28 x 28 for a grey network, halved, are
    (3, 1, 28, 28) uint8 to calibrate on and (2, 1, 28, 28) to measure on.

    Raises BadInput for an unknown sample, files that are missing, unreadable or of another kind,
    wrong shapes, labels out of range, values that are not finite, and preprocessing that is not
    known or does not fit.
    """
    description = network.description
    target = Target(
        description.input_shape,
        description.classes,
        source.preprocessing or network.preprocessing,
        description.extra_inputs,
    )
    data = _read(source.reference, target, split)
    if target.classes is None and data.labels is not None:
        unused = "labels are not used: the network is no classifier"
        data = replace(data, labels=None, notes=(*data.notes, unused))
    check_fits(data, target.input_shape, target.classes, target.extra_inputs)
    halved = source.halved and not source.reference.startswith(_SAMPLE)
    return data.half(split) if halved else data


def _read(reference: str, target: Target, split: Split) -> Dataset:
    if reference.startswith(_SAMPLE):
        return _read_sample(reference, target, split)
    if reference.startswith(PREFIX):
        return read_upload(get_upload(reference.removeprefix(PREFIX)), target)
    if not reference or not os.path.exists(reference):  # Path.exists raises for too long a name
        raise BadInput(
            f"there are no data at {shown(reference)!r}; give sample:NAME, a folder, or {ACCEPTED}"
        )
    path = Path(reference)
    title = shown(path.name or path.resolve().name)
    try:
        return _read_path(path, title, target)
    except OSError as error:
        raise BadInput(
            f"{title} cannot be read ({error.strerror or 'damaged'}); check its permissions"
        ) from error


def _read_path(path: Path, title: str, target: Target) -> Dataset:
    suffix = path.suffix.lower()
    if path.is_dir():
        return read_photographs(list_folder(path, title), title, target)
    if suffix == ".npz":
        return read_npz(path, title, target)
    if suffix == ".zip":
        return read_photographs(list_archive(path, title), title, target)
    if is_image(path.name):
        return read_photographs(list_files({path.name: path}, title), title, target)
    if is_idx(path.name):
        return read_idx(path, title, target)
    raise BadInput(f"{title} cannot be read as images; give a folder, or {ACCEPTED}")


def _read_sample(reference: str, target: Target, split: Split) -> Dataset:
    name = reference.removeprefix(_SAMPLE)
    if name not in SAMPLES:
        raise BadInput(f"no sample data are called {name!r}; there are: {', '.join(SAMPLES)}")
    sample = SAMPLES[name]
    path = sample.calibration if split == "calibration" else sample.evaluation
    preprocessing = target.preprocessing or sample.preprocessing
    if path.suffix == ".npz":
        return read_npz(path, reference, replace(target, preprocessing=preprocessing))
    stored = replace(target, preprocessing=without_resize(preprocessing))
    data = read_photographs(list_folder(path, reference), reference, stored)
    return replace(data, preprocessing=preprocessing)
