"""A file of weights -> names and tensors. No code in a file is ever run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from qcore.errors import BadInput
from qcore.graph.recipes import STATE_DICT_HINT
from qcore.graph.state_dict_safetensors import load_safetensors
from qcore.graph.state_dict_torch import PICKLE_START, ZIP_START, load_torch_file
from qcore.graph.state_dict_unwrap import find_weights, strip_prefixes

_CONVERTED = (torch.float16, torch.bfloat16, torch.float64)
_KEPT = (torch.float32, torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool)
# Tied weights are listed twice or more; thousands of views of one block are an attack.
_MOST_REPEATED = 4


@dataclass(frozen=True, eq=False)
class StateDict:
    """Names and dense CPU tensors (float32, or whole numbers), and what was done to get them.

    ``notes`` are sentences without a full stop, for people. Example:
    ``("prefix 'module.' taken off all names",)``.
    """

    tensors: dict[str, Tensor]
    notes: tuple[str, ...]


def read_state(path: Path, title: str) -> StateDict:
    """Read a .safetensors, .pt or .pth file, told apart by content; ``title`` is its shown name.

    Checkpoints that keep the weights beside other things are entered, and prefixes that wrappers
    give to all names are taken off. Raises BadInput for anything else, a file that is broken or
    claims more than its size, and files with code in them. Values are not checked to be finite.
    """
    if not path.is_file():
        raise BadInput(f"there is no file {title!r}; check the path")
    size_bytes = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(512)
    if start[8:9] == b"{":
        loaded: Any = load_safetensors(path, title)
    elif start.startswith((ZIP_START, PICKLE_START)):
        loaded = load_torch_file(path, title)
    else:
        what = "is empty" if not start else "is neither a .safetensors file nor one of torch.save"
        raise BadInput(f"{title} {what}; {STATE_DICT_HINT}")
    found, notes = find_weights(loaded, title)
    tensors, prefix_notes = strip_prefixes(found)
    _check(tensors, size_bytes, title)
    tensors, converted = _as_float32(tensors)
    return StateDict(tensors, (*notes, *prefix_notes, *converted))


def _check(tensors: Mapping[str, Tensor], size_bytes: int, title: str) -> None:
    total = 0
    for key, tensor in tensors.items():
        plain = type(tensor) in (Tensor, nn.Parameter) and tensor.layout == torch.strided
        if not plain or tensor.device.type != "cpu" or tensor.is_quantized:
            raise BadInput(
                f"tensor {key!r} of {title} is sparse, quantized or otherwise not a dense array; "
                "save the trained float32 weights"
            )
        if tensor.dtype not in (*_KEPT, *_CONVERTED):
            raise BadInput(
                f"tensor {key!r} of {title} holds {str(tensor.dtype).removeprefix('torch.')} "
                "numbers; save the trained float32 weights"
            )
        used = tensor.numel() * tensor.element_size()
        total += used
        if used > tensor.untyped_storage().nbytes():
            raise BadInput(
                f"tensor {key!r} of {title} claims {tensor.numel()} numbers, more than are "
                "stored; save it with .contiguous()"
            )
    if total > _MOST_REPEATED * size_bytes:
        raise BadInput(
            f"the tensors of {title} claim {total} bytes and the file has {size_bytes}; "
            "save each tensor once"
        )


def _as_float32(tensors: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], list[str]]:
    counts: Counter[str] = Counter()
    result = {}
    for key, tensor in tensors.items():
        plain = tensor.detach()
        if tensor.dtype in _CONVERTED:
            counts[str(tensor.dtype).removeprefix("torch.")] += 1
            plain = plain.to(torch.float32)
        result[key] = plain
    return result, [
        f"{count} tensor{'s' if count > 1 else ''} converted from {dtype} to float32"
        for dtype, count in sorted(counts.items())
    ]
