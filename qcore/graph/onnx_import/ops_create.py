"""Operators that make values: constants, shapes, casts (ONNX operator specification)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from qcore.errors import BadInput
from qcore.graph.onnx_import.step import Step
from qcore.graph.onnx_import.values import (
    HostArray,
    check_count,
    host_array,
    is_symbolic,
    number,
    numbers,
    product,
    tensor_of,
)

DTYPES: dict[int, torch.dtype] = {
    1: torch.float32,
    2: torch.uint8,
    3: torch.int8,
    5: torch.int16,
    6: torch.int32,
    7: torch.int64,
    9: torch.bool,
    # Half and double precision are computed in float32 throughout.
    10: torch.float32,
    11: torch.float32,
    16: torch.float32,
}
"""TensorProto.DataType -> what torch computes in."""


def dtype_of(code: Any) -> torch.dtype:
    if code not in DTYPES:
        raise BadInput(f"a cast to ONNX element type {code} is not supported; use float32")
    return DTYPES[code]


def _constant(step: Step) -> Any:
    for key, value in step.attributes.items():
        if key == "value" and isinstance(value, np.ndarray):
            return value
        if key in ("value_float", "value_floats"):
            return np.array(value, dtype=np.float32)
        if key in ("value_int", "value_ints"):
            return np.array(value, dtype=np.int64)
    raise BadInput("a Constant holds text or a sparse tensor; export the network without it")


def _constant_of_shape(step: Step, shape: Any) -> Any:
    sizes = numbers(shape)
    fill = step.get("value")
    item = 0.0 if fill is None else number(fill)
    if len(sizes) <= 1 and not isinstance(item, float):
        return _small_constant(sizes, item)
    kind = torch.float32 if fill is None or isinstance(item, float) else tensor_of(fill).dtype
    return torch.full(sizes, item, dtype=kind)


def _small_constant(sizes: list[Any], item: Any) -> HostArray:
    count = product(sizes)
    if is_symbolic(count):
        raise BadInput("ConstantOfShape makes a list as long as the batch; use fixed sizes")
    check_count(count, "ConstantOfShape")
    return np.full([int(n) for n in sizes], item)


def _range(step: Step, start: Any, limit: Any, delta: Any) -> HostArray:
    low, high, by = number(start), number(limit), number(delta)
    if any(is_symbolic(v) for v in (low, high, by)) or by == 0:
        raise BadInput("Range counts to the batch size, or by 0; export it with fixed sizes")
    check_count(max(int((high - low) / by) + 1, 0), "Range")
    real = any(isinstance(v, float) for v in (low, high, by))
    return np.arange(low, high, by, dtype=np.float32 if real else np.int64)


def _shape(step: Step, x: Any) -> HostArray:
    sizes = list(x.shape)
    return host_array(sizes[slice(step.get("start", 0), step.get("end"))])


def _size(step: Step, x: Any) -> HostArray:
    return host_array([product(x.shape)]).reshape(())


def _cast(step: Step, x: Tensor) -> Tensor:
    return x.to(dtype_of(step.get("to")))


CREATORS: dict[str, Callable[..., Any]] = {
    "Constant": _constant,
    "ConstantOfShape": _constant_of_shape,
    "Range": _range,
    "Shape": _shape,
    "Size": _size,
    "Cast": _cast,
    "CastLike": lambda step, x, like: tensor_of(x).to(tensor_of(like).dtype),
}
