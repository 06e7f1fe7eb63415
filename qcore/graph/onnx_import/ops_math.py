"""Elementwise arithmetic, comparison and logic (ONNX operator specification, opsets 9 to 21)."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any

import numpy as np
import torch
from torch import Tensor

from qcore.graph.onnx_import.step import Step
from qcore.graph.onnx_import.values import is_host, operand, tensor_of

Function = Callable[..., Any]


def _unary(function: Function) -> Function:
    return lambda step, x: function(tensor_of(x))


def _binary(function: Function) -> Function:
    return lambda step, a, b: function(operand(a, b), operand(b, a))


def _tensors(function: Function) -> Function:
    def run(step: Step, a: Any, b: Any) -> Tensor:
        device = a.device if isinstance(a, Tensor) else b.device
        result: Tensor = function(tensor_of(a, device), tensor_of(b, device))
        return result

    return run


def _divide(step: Step, a: Any, b: Any) -> Any:
    tensor = b if is_host(a) else a
    if tensor.is_floating_point():
        return operand(a, b) / operand(b, a)
    return torch.div(tensor_of(a), tensor_of(b), rounding_mode="trunc")


def _power(step: Step, a: Any, b: Any) -> Tensor:
    if is_host(b):
        exponent = operand(b, a)
        if not isinstance(exponent, Tensor) and exponent == 2:
            return a * a  # type: ignore[no-any-return]
        return torch.pow(a, exponent).to(a.dtype)
    return torch.pow(tensor_of(a, b.device), b).to(tensor_of(a).dtype)


def _modulo(step: Step, a: Any, b: Any) -> Tensor:
    function = torch.fmod if step.flag("fmod") else torch.remainder
    return function(tensor_of(a), tensor_of(b))


def _fold(function: Function) -> Function:
    """Operators of one or more inputs, taken pair by pair."""

    def run(step: Step, *values: Any) -> Any:
        return reduce(lambda a, b: function(tensor_of(a), tensor_of(b)), values)

    return run


def _mean(step: Step, *values: Any) -> Tensor:
    total: Tensor = reduce(lambda a, b: tensor_of(a) + tensor_of(b), values)
    return total / len(values)


def _where(step: Step, condition: Any, a: Any, b: Any) -> Tensor:
    device = next(v.device for v in (condition, a, b) if isinstance(v, Tensor))
    return torch.where(tensor_of(condition, device), tensor_of(a, device), tensor_of(b, device))


def _is_inf(step: Step, x: Tensor) -> Tensor:
    positive, negative = step.flag("detect_positive", 1), step.flag("detect_negative", 1)
    if positive and negative:
        return torch.isinf(x)
    if not positive and not negative:
        return torch.zeros_like(x, dtype=torch.bool)
    return torch.isposinf(x) if positive else torch.isneginf(x)


def _clip(step: Step, x: Tensor, low: Any = None, high: Any = None) -> Tensor:
    if step.opset < 11:
        low = None if step.get("min") is None else np.array(step.get("min"))
        high = None if step.get("max") is None else np.array(step.get("max"))
    if low is None and high is None:
        return x
    if all(limit is None or is_host(limit) for limit in (low, high)):
        ends = [None if v is None else v.reshape(-1).tolist()[0] for v in (low, high)]
        return torch.clamp(x, min=ends[0], max=ends[1])
    low, high = (None if v is None else tensor_of(v, x.device) for v in (low, high))
    return torch.clamp(x, min=low, max=high)


MATH: dict[str, Function] = {
    "Add": _binary(lambda a, b: a + b),
    "Sub": _binary(lambda a, b: a - b),
    "Mul": _binary(lambda a, b: a * b),
    "Div": _divide,
    "Pow": _power,
    "Mod": _modulo,
    "Min": _fold(torch.minimum),
    "Max": _fold(torch.maximum),
    "Sum": _fold(torch.add),
    "Mean": _mean,
    "Sqrt": _unary(torch.sqrt),
    "Reciprocal": _unary(torch.reciprocal),
    "Neg": _unary(torch.neg),
    "Abs": _unary(torch.abs),
    "Exp": _unary(torch.exp),
    "Log": _unary(torch.log),
    "Floor": _unary(torch.floor),
    "Ceil": _unary(torch.ceil),
    "Round": _unary(torch.round),
    "Sign": _unary(torch.sign),
    "Erf": _unary(torch.erf),
    "Sin": _unary(torch.sin),
    "Cos": _unary(torch.cos),
    "Tan": _unary(torch.tan),
    "Asin": _unary(torch.asin),
    "Acos": _unary(torch.acos),
    "Atan": _unary(torch.atan),
    "Sinh": _unary(torch.sinh),
    "Cosh": _unary(torch.cosh),
    "Asinh": _unary(torch.asinh),
    "Acosh": _unary(torch.acosh),
    "Atanh": _unary(torch.atanh),
    "Equal": _tensors(torch.eq),
    "Greater": _tensors(torch.gt),
    "Less": _tensors(torch.lt),
    "GreaterOrEqual": _tensors(torch.ge),
    "LessOrEqual": _tensors(torch.le),
    "And": _tensors(torch.logical_and),
    "Or": _tensors(torch.logical_or),
    "Xor": _tensors(torch.logical_xor),
    "Not": _unary(torch.logical_not),
    "Where": _where,
    "IsNaN": _unary(torch.isnan),
    "IsInf": _is_inf,
    "Clip": _clip,
}
