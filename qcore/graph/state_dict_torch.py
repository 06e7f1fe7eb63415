"""Files of ``torch.save``, checked before torch opens them: sizes and what they would call.

Two containers: a ZIP file with ``NAME/data.pkl`` and one entry ``NAME/data/KEY`` per storage
(since torch 1.6), and before that five pickles followed by the bytes. Source:
``torch/serialization.py``.
"""

from __future__ import annotations

import io
import pickle
import warnings
import zipfile
from pathlib import Path, PurePosixPath
from typing import Any

import torch

from qcore.data.archive import open_archive
from qcore.errors import BadInput, is_out_of_memory
from qcore.graph.pickle_objects import ForeignObject, OddPickle, Storage
from qcore.graph.pickle_scan import scan_pickle
from qcore.graph.recipes import EXPORT_HINT, STATE_DICT_HINT

_LARGEST_PICKLE_BYTES = 2**24
_MOST_ENTRIES = 200_000
# What the first of the five pickles holds: torch.serialization.MAGIC_NUMBER.
ZIP_START = b"PK\x03\x04"
PICKLE_START = b"\x80"
_LEGACY_START = pickle.dumps(0x1950A86A20F9469CFC6C, protocol=2)


def load_torch_file(path: Path, title: str) -> Any:
    """What ``torch.save`` wrote to the file: any nesting of containers and CPU tensors.

    Raises BadInput for a file that is broken, holds code (whole modules, TorchScript), claims more
    than its size, or holds tensors that are not dense.
    """
    try:
        # By the same four bytes as torch.load: a file may be a ZIP at its end and not at its start.
        with path.open("rb") as file:
            start = file.read(4)
        if start == ZIP_START:
            _check_zip(path, title)
        else:
            _check_legacy(path)
        # An open file, because torch goes by the name's suffix where it is given a path.
        with path.open("rb") as file, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return torch.load(file, map_location="cpu", weights_only=True)
    except BadInput:
        raise
    except ForeignObject as error:
        name = str(error)[:100]
        module = name.startswith("torch.nn.")
        what = "is a pickled module" if module else "holds pickled objects besides tensors"
        raise BadInput(
            f"{title} {what} ({name}): opening it could run any code, so it was not opened; "
            f"{STATE_DICT_HINT}, or {EXPORT_HINT}"
        ) from error
    except OddPickle as error:
        raise BadInput(f"{title} cannot be read as weights: {error}; {STATE_DICT_HINT}") from error
    except Exception as error:  # torch and zipfile raise many types on a broken file
        if is_out_of_memory(error):
            raise
        reason = str(error).strip().split("\n")[0].split(". ")[0][:160] or type(error).__name__
        raise BadInput(
            f"{title} cannot be read as weights ({reason}); {STATE_DICT_HINT}"
        ) from error


def _check_zip(path: Path, title: str) -> None:
    size = path.stat().st_size
    with open_archive(path, title) as archive:
        entries = archive.infolist()
        roots = {entry.filename.partition("/")[0] for entry in entries}
        inner = {entry.filename.partition("/")[2]: entry for entry in entries}
        if "constants.pkl" in inner or any(name.startswith("code/") for name in inner):
            raise BadInput(
                f"{title} is a TorchScript archive, which holds code, so it was not opened; "
                f"{STATE_DICT_HINT}, or {EXPORT_HINT}"
            )
        if "models/model.json" in inner or "serialized_exported_program.json" in inner:
            raise BadInput(
                f"{title} is a program exported by torch.export, not weights; "
                "give it as a network of its own, with the name ending in .pt2"
            )
        _check_entries(entries, size, bool(archive.comment))
        if "data.pkl" not in inner or len(roots) != 1:
            raise BadInput(f"{title} is a ZIP file without weights of torch; {STATE_DICT_HINT}")
        if inner["data.pkl"].file_size > _LARGEST_PICKLE_BYTES:
            raise OddPickle("its list of tensors is longer than 16 MB")
        storages = scan_pickle(io.BytesIO(archive.read(inner["data.pkl"])))
    for key, storage in storages.items():
        entry = inner.get(f"data/{key}")
        if entry is None or entry.file_size < storage.size_bytes:
            raise OddPickle(f"it is incomplete, storage {key!r} is shorter than it claims")


def _check_entries(entries: list[zipfile.ZipInfo], size: int, comment: bool) -> None:
    """OddPickle for an archive that torch.save would not write."""
    names = [entry.filename for entry in entries]
    if len(entries) > _MOST_ENTRIES or len(set(names)) < len(names):
        raise OddPickle("its archive lists too many entries or one entry twice")
    if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
        raise OddPickle("its archive is compressed, which torch.save never does")
    if any(entry.flag_bits & 1 for entry in entries):
        raise OddPickle("its archive is encrypted")
    if any(name.startswith("/") or ".." in PurePosixPath(name).parts for name in names):
        raise OddPickle("its archive names paths outside of itself")
    if sum(entry.file_size for entry in entries) > size or comment:
        raise OddPickle("its archive claims more bytes than the file has")
    begins = min((entry.header_offset for entry in entries), default=0)
    if begins != 0 or any(entry.file_size != entry.compress_size for entry in entries):
        raise OddPickle("its archive contradicts itself")


def _check_legacy(path: Path) -> None:
    size, storages = path.stat().st_size, dict[str, Storage]()
    with path.open("rb") as file:
        if file.read(len(_LEGACY_START)) != _LEGACY_START:
            file.seek(0)
            scan_pickle(file)
            raise OddPickle("it is a plain pickle, not a file of torch.save")
        for _ in range(4):  # version, machine, what was saved, order of the storages
            storages |= scan_pickle(file)
            if file.tell() > _LARGEST_PICKLE_BYTES:
                raise OddPickle("its list of tensors is longer than 16 MB")
        left = size - file.tell()
    if sum(storage.size_bytes for storage in storages.values()) > left:
        raise OddPickle("it is incomplete, its tensors claim more bytes than it has")
