"""What a .pt2 file says about tensors, held against the bytes that it holds.

``_build_file_map`` and ``_load_state_dict`` in ``torch/export/pt2_archive/_package.py`` (2.13)
unpickle payloads with ``weights_only=False`` where the file says ``use_pickle``, and allocate what
the header states where the payload is empty.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from qcore.graph.pt2.expressions import Expressions
from qcore.graph.pt2.text import Refused, check_path

ITEM_BYTES = {
    **dict.fromkeys((1, 2, 12, 29, 30, 31, 32, 33), 1),
    **dict.fromkeys((3, 6, 9, 13, 28), 2),
    **dict.fromkeys((4, 7, 34), 4),
    **dict.fromkeys((5, 8, 10, 35), 8),
    9: 4,
    11: 16,
}
_RANK = 16
_MOST_ELEMENTS = 2**40
# A stored tensor may repeat its data (stride 0) up to this many elements.
_MOST_REPEATED = 2**20
_FILE = {"weight": re.compile(r"weight_\d{1,9}"), "tensor": re.compile(r"tensor_\d{1,9}")}


@dataclass(frozen=True)
class Payloads:
    """The clean configuration and the files that it names, old name -> new name."""

    config: dict[str, Any]
    files: dict[str, str]


def check_device(device: Mapping[str, Any]) -> None:
    """Refused unless it is the CPU."""
    if device["type"] != "cpu" or device.get("index") not in (None, 0):
        raise Refused(
            f"was exported on the device {ascii(device['type'])[:40]}; "
            "export it on the CPU: model.cpu()"
        )


def check_meta(meta: Mapping[str, Any], expressions: Expressions, name: str) -> dict[str, Any]:
    """A tensor's description with sizes that can be; its expressions are written anew."""
    check_device(meta["device"])
    if len(meta["sizes"]) != len(meta["strides"]) or len(meta["sizes"]) > _RANK:
        raise Refused(f"gives tensor {name!r} strides that do not fit its sizes; save it again")

    def clean(size: dict[str, Any]) -> dict[str, Any]:
        return clean_symbolic(size, expressions, non_negative=name)

    sizes = [clean(size) for size in meta["sizes"]]
    if math.prod(max(1, size.get("as_int", 1)) for size in sizes) > _MOST_ELEMENTS:
        raise Refused(f"has tensor {name!r} of more than 2^40 elements; export a smaller network")
    return {
        **meta,
        "sizes": sizes,
        "strides": [clean(stride) for stride in meta["strides"]],
        "storage_offset": clean(meta["storage_offset"]),
    }


def clean_symbolic(
    value: dict[str, Any], expressions: Expressions, non_negative: str | None = None
) -> dict[str, Any]:
    """A SymInt, SymFloat or SymBool whose expression is written anew."""
    if "as_expr" in value:
        expression = value["as_expr"]
        return {"as_expr": {**expression, "expr_str": expressions.check(expression["expr_str"])}}
    if non_negative is not None and value["as_int"] < 0:
        raise Refused(f"gives tensor {non_negative!r} a negative size; save it again")
    return value


def check_payloads(
    config: dict[str, Any], kind: str, size_of: Callable[[str], int | None]
) -> Payloads:
    """The tensors of one configuration ("weight" or "tensor"), each within its file's bytes.

    Refused, by name: pickled payloads and custom objects, files that are missing, tensors whose
    sizes, strides and offset reach out of the file or are of another type than its first one.
    """
    clean: dict[str, Any] = {}
    files: dict[str, str] = {}
    dtypes: dict[str, int] = {}
    for path, entry in config["config"].items():
        check_path(path)
        file, meta = entry["path_name"], entry["tensor_meta"]
        if entry["use_pickle"] or meta is None or not _FILE[kind].fullmatch(file):
            raise Refused(
                f"holds {path!r} as a Python object (a pickle), which could run code; "
                "export the network with plain tensors"
            )
        size = size_of(file)
        if size is None:
            raise Refused(f"lacks the data of tensor {path!r}; save it again")
        _check_extent(check_meta(meta, Expressions(), path), path, size)
        if dtypes.setdefault(file, meta["dtype"]) != meta["dtype"]:
            raise Refused(f"shares the data of {path!r} between two types; save it again")
        files.setdefault(file, f"{kind}_{len(files)}")
        clean[path] = {**entry, "path_name": files[file]}
    return Payloads({"config": clean}, files)


def _check_extent(meta: dict[str, Any], path: str, stored_bytes: int) -> None:
    for value in (*meta["sizes"], *meta["strides"], meta["storage_offset"]):
        if "as_int" not in value:
            raise Refused(f"gives the stored tensor {path!r} a free size; save it again")
    item = ITEM_BYTES[meta["dtype"]]
    stored, rest = divmod(stored_bytes, item)
    sizes = [size["as_int"] for size in meta["sizes"]]
    offset = meta["storage_offset"]["as_int"]
    strides = [stride["as_int"] for stride in meta["strides"]]
    last = offset + sum((n - 1) * step for n, step in zip(sizes, strides, strict=True))
    numel = math.prod(sizes)
    if rest or (numel and last >= stored) or (not numel and offset > stored):
        raise Refused(
            f"gives tensor {path!r} the sizes {sizes[:8]}, strides {strides[:8]} and offset "
            f"{offset}, which do not fit its {stored_bytes} bytes; save it again"
        )
    if numel > max(stored, _MOST_REPEATED):
        raise Refused(f"repeats the data of tensor {path!r} {numel // stored} times; save it again")
