"""What flows between operators: tensors, and shapes that stay on the host as arrays.

A traced batch size is a ``torch.SymInt``; arrays that hold one have ``dtype=object``.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeAlias

import numpy as np
import torch
from torch import Tensor

from qcore.errors import BadInput

HostArray: TypeAlias = np.ndarray[Any, Any]
Value: TypeAlias = Tensor | HostArray

HOST_LIMIT = 1 << 20
"""Most elements of a value on the host: shapes and index lists are far shorter."""


def is_host(value: Any) -> bool:
    return isinstance(value, np.ndarray)


def is_symbolic(item: Any) -> bool:
    return isinstance(item, torch.SymInt | torch.SymFloat | torch.SymBool)


def check_count(count: Any, what: str) -> None:
    """BadInput where a host value would hold more elements than any real network needs."""
    if int(count) > HOST_LIMIT or int(count) < 0:
        raise BadInput(f"{what} asks for {int(count)} values; export the network again")


def host_array(items: Iterable[Any]) -> HostArray:
    """A vector of whole numbers, of dtype object where one of them is symbolic."""
    listed = list(items)
    if not any(is_symbolic(item) for item in listed):
        return np.array(listed, dtype=np.int64)
    array = np.empty(len(listed), dtype=object)
    for i, item in enumerate(listed):
        array[i] = item
    return array


def numbers(value: Any) -> list[Any]:
    """The elements of a value that must be known without looking at the image.

    Raises BadInput where the value depends on the image.
    """
    if isinstance(value, np.ndarray):
        return list(value.reshape(-1).tolist())
    raise BadInput(
        "a size, axis or limit is computed from the image; export the network with fixed sizes"
    )


def number(value: Any) -> Any:
    """The one element of a value, as ``numbers`` reads it."""
    items = numbers(value)
    if len(items) != 1:
        raise BadInput(f"one number is needed where the file gives {len(items)}")
    return items[0]


def tensor_of(value: Any, device: torch.device | None = None) -> Tensor:
    """A host value as a tensor; tensors stay."""
    if isinstance(value, Tensor):
        return value
    if value.dtype != object:
        return torch.tensor(value, device=device)
    parts = []
    for item in value.reshape(-1).tolist():
        real = isinstance(item, float | torch.SymFloat)
        kind = torch.float32 if real else torch.int64
        parts.append(torch.scalar_tensor(item, dtype=kind, device=device))
    return torch.stack(parts).reshape(value.shape)


def operand(value: Any, other: Any) -> Any:
    """A host value in arithmetic with a tensor: a plain number where the shape allows it."""
    if not isinstance(value, np.ndarray):
        return value
    if value.size == 1 and isinstance(other, Tensor) and value.ndim <= other.dim():
        return value.reshape(-1).tolist()[0]
    device = other.device if isinstance(other, Tensor) else None
    return tensor_of(value, device)


def axis_in(axis: int, rank: int) -> int:
    """A possibly negative axis as 0..rank-1; BadInput outside."""
    if not -rank <= axis < max(rank, 1):
        raise BadInput(f"axis {axis} does not exist in a tensor of {rank} dimensions")
    return axis % max(rank, 1)


def product(items: Iterable[Any]) -> Any:
    """Product that keeps symbolic sizes."""
    total: Any = 1
    for item in items:
        total = total * item
    return total
