"""``.safetensors`` files: the header is checked against the file before the library reads it.

Eight bytes with the header's length N, N bytes of JSON (name -> dtype, shape, [begin, end)), data.
Source: https://github.com/huggingface/safetensors#format
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from safetensors.torch import load_file
from torch import Tensor

from qcore.errors import BadInput, is_out_of_memory

_LARGEST_HEADER_BYTES = 100_000_000
_FIELDS = {"dtype", "shape", "data_offsets"}
_ITEM_BYTES = {
    "F64": 8,
    "I64": 8,
    "U64": 8,
    "F32": 4,
    "I32": 4,
    "U32": 4,
    "F16": 2,
    "BF16": 2,
    "I16": 2,
    "U16": 2,
    "I8": 1,
    "U8": 1,
    "BOOL": 1,
}


def load_safetensors(path: Path, title: str) -> dict[str, Tensor]:
    """Name -> CPU tensor. Raises BadInput for a file whose header and size do not agree."""
    try:
        _check_header(path)
        return dict(load_file(path, device="cpu"))
    except Exception as error:  # the library raises several types on a broken file
        if is_out_of_memory(error):
            raise
        reason = str(error).strip().split("\n")[0][:160] or type(error).__name__
        raise BadInput(
            f"{title} cannot be read as weights: {reason}; "
            "it may be incomplete, so copy or save it again"
        ) from error


def _check_header(path: Path) -> None:
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if length > min(size - 8, _LARGEST_HEADER_BYTES):
            raise ValueError(f"its header claims {length} bytes and the file has {size}")
        header = json.loads(file.read(length), object_pairs_hook=_without_repetition)
    if not isinstance(header, dict):
        raise ValueError("its header is not a JSON object")
    header.pop("__metadata__", None)
    spans = sorted(_span(name, entry) for name, entry in header.items())
    end_before, name_before = 0, ""
    for begin, end, name in spans:
        if begin < end_before:
            raise ValueError(f"tensors {name_before!r} and {name!r} overlap")
        end_before, name_before = end, name
    if end_before > size - 8 - length:
        raise ValueError(f"tensor {name_before!r} reaches beyond the end of the file")


def _span(name: str, entry: Any) -> tuple[int, int, str]:
    if not isinstance(entry, dict) or not entry.keys() >= _FIELDS:
        raise ValueError(f"its header does not say what tensor {name[:60]!r} is")
    kind = str(entry["dtype"])[:20]
    item = _ITEM_BYTES.get(kind)
    if item is None:
        raise ValueError(f"tensor {name!r} holds numbers of a kind that is not read here ({kind})")
    begin, end = entry["data_offsets"]
    if not all(type(n) is int and n >= 0 for n in (begin, end, *entry["shape"])):
        raise ValueError(f"tensor {name!r} has sizes that are not whole numbers from 0")
    if math.prod(entry["shape"]) * item != end - begin:
        raise ValueError(f"tensor {name!r} has a shape that does not fit its {end - begin} bytes")
    return begin, end, name


def _without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({name for name, _ in pairs}) < len(pairs):
        raise ValueError("its header names one tensor twice")
    return dict(pairs)
