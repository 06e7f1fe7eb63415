"""What was uploaded together -> a dataset, by the suffixes of the files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from qcore.data.dataset import Dataset
from qcore.data.decoded_store import decoded_once
from qcore.data.idx import is_idx, read_idx_files
from qcore.data.images import Decoded, decode
from qcore.data.listing import Listing, is_image, list_archive, list_files, shown
from qcore.data.npz import read_npz
from qcore.data.photographs import labelled
from qcore.data.target import Target
from qcore.errors import BadInput
from qcore.store.uploads import Upload

ACCEPTED = "a .zip of images, a .npz, idx files, or .jpg, .png, .bmp or .webp images"


def read_upload(upload: Upload, target: Target) -> Dataset:
    """The dataset of an upload. Raises BadInput for kinds of files, or a mixture, not accepted."""
    paths, title = upload.paths(), upload.title
    if any(not path.is_file() for path in paths.values()):
        raise BadInput(f"files of upload {upload.id} are gone; upload them again")
    only = next(iter(paths)) if len(paths) == 1 else ""
    if only.lower().endswith(".npz"):
        return read_npz(paths[only], title, target)
    if only.lower().endswith(".zip") or all(map(is_image, paths)):
        return _photographs(upload.id, paths, title, target)
    if all(map(is_idx, paths)):
        return read_idx_files(paths, title, target)
    names = ", ".join(shown(name) for name in list(paths)[:3])
    more = f" and {len(paths) - 3} more" if len(paths) > 3 else ""
    raise BadInput(f"{names}{more} cannot be read as images; give {ACCEPTED}")


def _photographs(upload_id: str, paths: Mapping[str, Path], title: str, target: Target) -> Dataset:
    preprocessing = target.for_photographs()

    def listing() -> Listing:
        if all(map(is_image, paths)):
            return list_files(paths, title)
        return list_archive(next(iter(paths.values())), title)

    def fresh() -> Decoded:
        return decode(listing(), title, preprocessing)

    return labelled(
        decoded_once(upload_id, preprocessing, fresh), title, target.classes, preprocessing
    )
