"""Rearranging shapes: arrays on the host, which may hold a symbolic batch size."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch

from qcore.graph.onnx_import.host_math import HostFunction, each, tidy
from qcore.graph.onnx_import.ops_create import dtype_of
from qcore.graph.onnx_import.ops_select import slice_spans
from qcore.graph.onnx_import.ops_shape import axes_of, split_sizes
from qcore.graph.onnx_import.step import Step
from qcore.graph.onnx_import.values import HostArray, axis_in, check_count, numbers, product

_NUMPY: dict[torch.dtype, Any] = {
    torch.float32: np.float32,
    torch.uint8: np.uint8,
    torch.int8: np.int8,
    torch.int16: np.int16,
    torch.int32: np.int32,
    torch.int64: np.int64,
    torch.bool: np.bool_,
}


def _cast(step: Step, x: HostArray) -> HostArray:
    kind = dtype_of(step.get("to"))
    if x.dtype == object:
        change = torch.sym_float if kind.is_floating_point else torch.sym_int
        return each(change)(step, x)  # type: ignore[no-any-return]
    return x.astype(_NUMPY[kind])


def _gather(step: Step, x: HostArray, indices: HostArray) -> HostArray:
    axis = axis_in(step.get("axis", 0), x.ndim)
    check_count(indices.size * max(x.size // max(x.shape[axis], 1), 1), "Gather")
    return np.asarray(np.take(x, indices.astype(np.int64), axis=axis))


def _concat(step: Step, *values: HostArray) -> HostArray:
    symbolic = any(v.dtype == object for v in values)
    parts = [v.astype(object) if symbolic else v for v in values]
    check_count(sum(v.size for v in parts), "Concat")
    return tidy(np.concatenate(parts, axis=step.get("axis", 0)))


def _slice(step: Step, x: HostArray, *given: Any) -> HostArray:
    for axis, start, end, by in slice_spans(step, x.ndim, given):
        if by < 0 and end < -x.shape[axis]:
            end = None
        x = x[tuple([slice(None)] * axis + [slice(start, end, by)])]
    return x


def _squeeze(step: Step, x: HostArray, axes: Any = None) -> HostArray:
    chosen = axes_of(step, axes)
    return np.squeeze(x, None if chosen is None else tuple(chosen))


def _unsqueeze(step: Step, x: HostArray, axes: Any = None) -> HostArray:
    return np.expand_dims(x, tuple(axes_of(step, axes) or []))


def _reshape(step: Step, x: HostArray, shape: Any) -> HostArray:
    target = numbers(shape)
    if not step.flag("allowzero"):
        target = [x.shape[i] if n == 0 else n for i, n in enumerate(target)]
    return x.reshape(target)


def _expand(step: Step, x: HostArray, shape: Any) -> HostArray:
    target = np.broadcast_shapes(x.shape, tuple(int(n) for n in numbers(shape)))
    check_count(math.prod(target), "Expand")
    return np.broadcast_to(x, target).copy()


def _tile(step: Step, x: HostArray, repeats: Any) -> HostArray:
    check_count(x.size * product(numbers(repeats)), "Tile")
    return np.tile(x, numbers(repeats))


def _split(step: Step, x: HostArray, split: Any = None) -> tuple[HostArray, ...]:
    axis = axis_in(step.get("axis", 0), x.ndim)
    ends = np.cumsum(split_sizes(step, x.shape[axis], split))[:-1]
    return tuple(np.split(x, ends, axis=axis))


def _where(step: Step, condition: HostArray, a: HostArray, b: HostArray) -> HostArray:
    check_count(math.prod(np.broadcast_shapes(condition.shape, a.shape, b.shape)), "Where")
    return tidy(np.where(condition, a, b))


HOST_SHAPES: dict[str, HostFunction] = {
    "Cast": _cast,
    "Gather": _gather,
    "Concat": _concat,
    "Slice": _slice,
    "Squeeze": _squeeze,
    "Unsqueeze": _unsqueeze,
    "Reshape": _reshape,
    "Transpose": lambda step, x: np.transpose(x, step.integers("perm")),
    "Expand": _expand,
    "Tile": _tile,
    "Split": _split,
    "Where": _where,
    "Identity": lambda step, x: x,
    "Shape": lambda step, x: np.array(x.shape[step.get("start", 0) : step.get("end")], np.int64),
    "Size": lambda step, x: np.array(x.size, np.int64),
}
