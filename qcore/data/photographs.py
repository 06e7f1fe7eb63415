"""Decoded photographs, with labels from their folders, as a dataset."""

from __future__ import annotations

from qcore.data.class_folders import label_by_folder
from qcore.data.dataset import Dataset
from qcore.data.images import Decoded, decode
from qcore.data.listing import Listing
from qcore.data.preprocess import Preprocessing
from qcore.data.target import Target


def read_photographs(listing: Listing, title: str, target: Target) -> Dataset:
    """Decode a listing at the network's size. Raises BadInput as ``decode`` does."""
    preprocessing = target.for_photographs()
    decoded = decode(listing, title, preprocessing)
    return labelled(decoded, title, target.classes, preprocessing)


def labelled(
    decoded: Decoded, title: str, classes: int | None, preprocessing: Preprocessing
) -> Dataset:
    """The images with the labels that the folders in their names give.

    A folder of which no image could be read counts: otherwise later folders would move up.
    """
    found = label_by_folder((*decoded.names, *decoded.left_out), classes)
    labels = None if found.labels is None else found.labels[: len(decoded.names)]
    notes = (*decoded.notes, *found.notes)
    return Dataset(title, decoded.pixels, labels, preprocessing, notes, found.class_names)
