"""Labels from the folders that images lie in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from qcore.data.listing import shown


@dataclass(frozen=True, eq=False)
class FolderLabels:
    """labels (N,) int64, None where the folders do not say; names of the classes 0, 1 ... where
    the order of the folders decided; what the user should know."""

    labels: Tensor | None
    class_names: tuple[str, ...] | None = None
    notes: tuple[str, ...] = ()


def label_by_folder(names: Sequence[str], classes: int | None) -> FolderLabels:
    """Labels of images by their paths ("cat/1.jpg"); folders that all share are looked through.

    Whole numbers as names of folders are the labels; else as many folders as the network has
    classes stand for them in alphabetical order, as in torchvision's ImageFolder; else there are
    none. Example: "set/dog/a.png", "set/cat/b.png" and 2 classes: labels 1, 0.
    """
    folders = [name.split("/")[:-1] for name in names]
    shared = _shared(min(folders), max(folders))  # what the two share, all share
    tops = [folder[shared] if len(folder) > shared else None for folder in folders]
    found = sorted({top for top in tops if top is not None})
    if not found:
        return FolderLabels(None)
    if None in tops:
        return _unlabelled("some images lie in no class folder")
    if classes is None:
        return _unlabelled("the network is no classifier, so class folders say nothing about it")
    if all(name.isascii() and name.isdecimal() and len(name) < 10 for name in found):
        return _numbered([int(str(top)) for top in tops], classes)
    count = f"{len(found):,} class folder{'s' * (len(found) > 1)}"
    if len(found) != classes:
        return _unlabelled(
            f"{count} but the network has {classes:,} classes",
            f"; name the folders by class index, 0 to {classes - 1}",
        )
    position = {name: i for i, name in enumerate(found)}
    labels = torch.tensor([position[str(top)] for top in tops])
    note = (
        f"labels are the alphabetical order of the {count}: {shown(found[0])} is 0, "
        f"{shown(found[-1])} is {classes - 1}"
    )
    return FolderLabels(labels, tuple(found), (note,))


def _shared(first: list[str], last: list[str]) -> int:
    equal = [a == b for a, b in zip(first, last, strict=False)]
    return [*equal, False].index(False)


def _numbered(labels: list[int], classes: int) -> FolderLabels:
    low, high = min(labels), max(labels)
    if high >= classes:
        return _unlabelled(
            f"class folders are numbered {low} to {high} but the network has the classes "
            f"0 to {classes - 1}"
        )
    return FolderLabels(torch.tensor(labels), notes=("labels are the numbers of the folders",))


def _unlabelled(why: str, what_to_do: str = "") -> FolderLabels:
    return FolderLabels(None, notes=(f"{why}: used without labels{what_to_do}",))
