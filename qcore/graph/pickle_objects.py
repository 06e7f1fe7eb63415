"""What the pickle of a state dict may name and call, and what stands for it in a scan."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

# Item sizes in bytes of the storage classes that torch.save names.
_ITEM_BYTES = {
    "DoubleStorage": 8,
    "LongStorage": 8,
    "ComplexFloatStorage": 8,
    "FloatStorage": 4,
    "IntStorage": 4,
    "HalfStorage": 2,
    "BFloat16Storage": 2,
    "ShortStorage": 2,
    "ByteStorage": 1,
    "CharStorage": 1,
    "BoolStorage": 1,
}
_TENSORS = ("torch._utils._rebuild_tensor", "torch._utils._rebuild_tensor_v2")
_PARAMETER = "torch._utils._rebuild_parameter"
_OTHER_TENSORS = {
    "torch._utils._rebuild_sparse_tensor": "sparse",
    "torch._utils._rebuild_sparse_csr_tensor": "sparse",
    "torch._utils._rebuild_qtensor": "quantized",
    "torch._utils._rebuild_meta_tensor_no_storage": "without values (device 'meta')",
    "torch._utils._rebuild_nested_tensor": "nested",
}
_CALLED = {
    "collections.OrderedDict",
    "collections.Counter",
    "torch.Size",
    "torch.device",
    "torch.serialization._get_layout",
    "_codecs.encode",
    "builtins.set",
    "__builtin__.set",
}
_NAMED = {"torch.Tensor", "torch.strided", "torch.nn.parameter.Parameter"}
_LARGEST_TUPLE = 10_000


class ForeignObject(Exception):
    """The pickle would import or call something that is no part of a state dict."""


class OddPickle(Exception):
    """Broken, or holding tensors that are not dense arrays inside the file."""


@dataclass(frozen=True)
class Storage:
    """A block of bytes that tensors are views of: its key in the file and its claimed size."""

    key: str
    size_bytes: int
    item_bytes: int


@dataclass(frozen=True)
class Global:
    name: str


class Opaque:
    """A value whose content does not matter: a list, a dictionary, a tensor."""


class BoundedTuple(tuple[Any, ...]):
    """Tuples that share their parts take exponential time to hash: their full size is bounded."""

    def __init__(self, items: Iterable[Any] = ()) -> None:
        self.full_size = 1 + sum(getattr(item, "full_size", 1) for item in self)
        if self.full_size > _LARGEST_TUPLE:
            raise OddPickle("its pickle holds a tuple that is nested too deeply")


class Fillable(Opaque):
    """An OrderedDict, the one object that may be given attributes."""


def named(name: str, place: str) -> Global:
    """A global that a state dict may name. Raises ForeignObject and OddPickle for others."""
    known = name in _CALLED or name in _NAMED or name == _PARAMETER or name in _TENSORS
    storage = name.startswith("torch.") and name.endswith("Storage")
    if not known and name.startswith("torch._utils._rebuild_"):
        kind = _OTHER_TENSORS.get(name, f"of a kind that is not read here ({name})")
        raise OddPickle(f"tensor {place!r} is {kind}; only dense tensors are read")
    if not known and not storage and not _is_dtype(name):
        raise ForeignObject(name)
    return Global(name)


def call(name: str, arguments: Any, place: str) -> Any:
    """What stands for the result of a call. Raises ForeignObject and OddPickle."""
    if name in _TENSORS:
        _check_view(place, *arguments[:4])
    elif name == "torch.Size":
        return BoundedTuple(arguments[0])
    elif name == "_codecs.encode" and arguments[1:] != ("latin1",):
        raise ForeignObject(name)
    elif name not in _CALLED and name != _PARAMETER:
        # Classes of tensors and storages too: called with a number, they allocate that much.
        raise ForeignObject(name)
    return Fillable() if name == "collections.OrderedDict" else Opaque()


def sized(key: str, kind: str, count: int) -> Storage:
    """A storage of ``count`` numbers; ``kind`` such as ``torch.FloatStorage``."""
    item = _ITEM_BYTES.get(kind.removeprefix("torch."), 0)
    if item == 0 or count < 0:
        raise OddPickle(f"it holds numbers of a kind that is not read here ({kind})")
    return Storage(key, count * item, item)


def _check_view(place: str, storage: Any, offset: Any, sizes: Any, strides: Any) -> None:
    whole = (offset, *sizes, *strides)
    if not isinstance(storage, Storage) or not all(type(n) is int and n >= 0 for n in whole):
        raise OddPickle(f"tensor {place!r} has no valid place in the file")
    reach = sum((s - 1) * t for s, t in zip(sizes, strides, strict=True)) + offset + 1
    numbers = math.prod(sizes)
    if numbers and max(reach, numbers) * storage.item_bytes > storage.size_bytes:
        raise OddPickle(
            f"tensor {place!r} claims {numbers} numbers, more than the file stores for it, "
            "as .expand() makes them"
        )


def _is_dtype(name: str) -> bool:
    base = name.removeprefix("torch.").rstrip("0123456789")
    return name.startswith("torch.") and base in {"float", "bfloat", "int", "uint", "bool"}
