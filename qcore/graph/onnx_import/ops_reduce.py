"""Reductions (ONNX operator specification, opsets 9 to 21)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from qcore.graph.onnx_import.ops_shape import axes_of
from qcore.graph.onnx_import.step import Step
from qcore.graph.onnx_import.values import axis_in, tensor_of

Reduction = Callable[[Tensor, list[int], bool], Tensor]


def _reduction(function: Reduction) -> Callable[..., Any]:
    def run(step: Step, x: Any, axes: Any = None) -> Any:
        x = tensor_of(x)
        chosen = axes_of(step, axes)
        if not chosen:
            if step.flag("noop_with_empty_axes"):
                return x
            chosen = list(range(x.dim()))
        chosen = sorted({axis_in(axis, x.dim()) for axis in chosen}) if x.dim() else []
        return function(x, chosen, step.flag("keepdims", 1))

    return run


def _product(x: Tensor, axes: list[int], keep: bool) -> Tensor:
    for axis in axes[::-1]:
        x = torch.prod(x, axis, keepdim=keep).to(x.dtype)
    return x


def _sum(x: Tensor, axes: list[int], keep: bool) -> Tensor:
    return x.sum(axes, keepdim=keep).to(x.dtype)


REDUCTIONS: dict[str, Callable[..., Any]] = {
    "ReduceMean": _reduction(lambda x, axes, keep: x.mean(axes, keepdim=keep)),
    "ReduceSum": _reduction(_sum),
    "ReduceMax": _reduction(lambda x, axes, keep: x.amax(axes, keepdim=keep)),
    "ReduceMin": _reduction(lambda x, axes, keep: x.amin(axes, keepdim=keep)),
    "ReduceProd": _reduction(_product),
    "ReduceL1": _reduction(lambda x, axes, keep: _sum(x.abs(), axes, keep)),
    "ReduceL2": _reduction(lambda x, axes, keep: torch.sqrt(_sum(x * x, axes, keep))),
    "ReduceLogSum": _reduction(lambda x, axes, keep: torch.log(_sum(x, axes, keep))),
    "ReduceLogSumExp": _reduction(lambda x, axes, keep: torch.logsumexp(x, axes, keepdim=keep)),
    "ReduceSumSquare": _reduction(lambda x, axes, keep: _sum(x * x, axes, keep)),
}
