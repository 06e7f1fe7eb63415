"""Arithmetic on shapes: arrays on the host, which may hold a symbolic batch size."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from functools import reduce
from typing import Any

import numpy as np
import torch

from qcore.errors import BadInput
from qcore.graph.onnx_import.ops_shape import axes_of
from qcore.graph.onnx_import.step import Step
from qcore.graph.onnx_import.values import HostArray, check_count, is_symbolic

HostFunction = Callable[..., Any]


def tidy(value: Any) -> HostArray:
    """An object array without symbolic items becomes a plain one again."""
    array: HostArray = np.asarray(value)
    if array.dtype != object or any(is_symbolic(item) for item in array.reshape(-1)):
        return array
    items = array.reshape(-1).tolist()
    kind: Any = np.int64
    if any(isinstance(item, float) for item in items):
        kind = np.float32
    elif items and all(isinstance(item, bool) for item in items):
        kind = np.bool_
    return np.array(items, dtype=kind).reshape(array.shape)


def _binary(function: Callable[[Any, Any], Any]) -> HostFunction:
    def run(step: Step, a: HostArray, b: HostArray) -> HostArray:
        check_count(math.prod(np.broadcast_shapes(a.shape, b.shape)), step.op)
        return tidy(function(a, b))

    return run


def _is_real(array: HostArray) -> bool:
    if array.dtype == object:
        return any(isinstance(item, float | torch.SymFloat) for item in array.reshape(-1))
    return bool(np.issubdtype(array.dtype, np.floating))


def _divide(a: HostArray, b: HostArray) -> Any:
    if _is_real(a) or _is_real(b):
        return a / b
    if (tidy(b) == 0).any() if b.dtype != object else False:
        raise BadInput("a size is divided by zero; export the network again")
    if a.dtype == object or b.dtype == object:
        return a // b  # sizes are not negative, where // and ONNX agree
    return (np.sign(a) * np.sign(b)) * (np.abs(a) // np.abs(b))


def _compare(function: Callable[[Any, Any], Any]) -> HostFunction:
    """Comparisons item by item: one of a symbolic size with a number asks torch for a decision."""

    def run(a: HostArray, b: HostArray) -> HostArray:
        left, right = np.broadcast_arrays(a, b)
        pairs = zip(left.reshape(-1), right.reshape(-1), strict=True)
        return np.array([bool(function(x, y)) for x, y in pairs], bool).reshape(left.shape)

    return _binary(run)


def each(function: Callable[[Any], Any]) -> HostFunction:
    def run(step: Step, x: HostArray) -> HostArray:
        if x.dtype != object:
            return np.asarray(function(x))
        items = np.empty(x.size, dtype=object)
        for i, item in enumerate(x.reshape(-1)):
            items[i] = function(item)
        return tidy(items.reshape(x.shape))

    return run


def _rounded(of_array: Callable[[Any], Any], of_item: Callable[[Any], Any]) -> HostFunction:
    """Floor and Ceil: NumPy knows arrays, ``math`` symbolic numbers."""
    return each(lambda x: of_array(x) if isinstance(x, np.ndarray) else torch.sym_float(of_item(x)))


def _reduce(function: Callable[[Any, Any], Any]) -> HostFunction:
    def run(step: Step, x: HostArray, axes: Any = None) -> HostArray:
        if x.ndim > 1:
            raise BadInput(f"{step.op} of a list of shapes is not supported")
        if not axes_of(step, axes) and step.flag("noop_with_empty_axes"):
            return x
        total = np.empty((), dtype=object)
        total[()] = reduce(function, x.reshape(-1).tolist())
        return tidy(total.reshape([1] if step.flag("keepdims", 1) and x.ndim else []))

    return run


def _smaller(a: Any, b: Any) -> Any:
    return torch.sym_min(a, b)


def _larger(a: Any, b: Any) -> Any:
    return torch.sym_max(a, b)


def _folded(function: Callable[[Any, Any], Any], plain: Callable[[Any, Any], Any]) -> HostFunction:
    def pair(a: HostArray, b: HostArray) -> Any:
        if a.dtype != object and b.dtype != object:
            return plain(a, b)
        return np.frompyfunc(function, 2, 1)(a, b)

    return lambda step, *values: reduce(lambda a, b: _binary(pair)(step, a, b), values)


HOST_MATH: dict[str, HostFunction] = {
    "Add": _binary(operator.add),
    "Sub": _binary(operator.sub),
    "Mul": _binary(operator.mul),
    "Div": _binary(_divide),
    "Mod": _binary(lambda a, b: a % b),
    "Min": _folded(_smaller, np.minimum),
    "Max": _folded(_larger, np.maximum),
    "Equal": _compare(operator.eq),
    "Greater": _compare(operator.gt),
    "Less": _compare(operator.lt),
    "GreaterOrEqual": _compare(operator.ge),
    "LessOrEqual": _compare(operator.le),
    "And": _compare(lambda a, b: bool(a) and bool(b)),
    "Or": _compare(lambda a, b: bool(a) or bool(b)),
    "Not": lambda step, x: np.logical_not(x),
    "Neg": each(operator.neg),
    "Abs": each(abs),
    "Sqrt": each(lambda x: torch.sym_float(x) ** 0.5 if is_symbolic(x) else x**0.5),
    "Floor": _rounded(np.floor, math.floor),
    "Ceil": _rounded(np.ceil, math.ceil),
    "ReduceProd": _reduce(operator.mul),
    "ReduceSum": _reduce(operator.add),
    "ReduceMax": _reduce(_larger),
    "ReduceMin": _reduce(_smaller),
}
