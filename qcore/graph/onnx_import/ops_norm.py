"""Normalisation (ONNX operator specification, opsets 9 to 21)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from qcore.errors import BadInput
from qcore.graph.onnx_import.step import Step
from qcore.graph.onnx_import.values import axis_in, tensor_of


def _batch_norm(step: Step, x: Tensor, scale: Any, bias: Any, mean: Any, var: Any) -> Tensor:
    if step.flag("training_mode"):
        raise BadInput(
            "BatchNormalization is in training mode in this file; "
            "export the network after model.eval()"
        )
    scale, bias, mean, var = (tensor_of(v, x.device) for v in (scale, bias, mean, var))
    return F.batch_norm(x, mean, var, scale, bias, False, 0.0, step.get("epsilon", 1e-5))


def _instance_norm(step: Step, x: Tensor, scale: Any, bias: Any) -> Tensor:
    # One group per channel is the same arithmetic, and it stays one operator when traced.
    scale, bias = tensor_of(scale, x.device), tensor_of(bias, x.device)
    return torch.group_norm(x, int(x.shape[1]), scale, bias, step.get("epsilon", 1e-5))


def _layer_norm(step: Step, x: Tensor, scale: Any, bias: Any = None) -> Tensor:
    axis = axis_in(step.get("axis", -1), x.dim())
    shape = [int(size) for size in x.shape[axis:]]
    scale = tensor_of(scale, x.device).expand(shape)
    bias = None if bias is None else tensor_of(bias, x.device).expand(shape)
    return F.layer_norm(x, shape, scale, bias, step.get("epsilon", 1e-5))


def _group_norm(step: Step, x: Tensor, scale: Any, bias: Any) -> Tensor:
    groups, channels = int(step.get("num_groups")), int(x.shape[1])
    scale, bias = tensor_of(scale, x.device), tensor_of(bias, x.device)
    if step.opset < 21 and scale.numel() == groups:
        repeats = channels // groups
        scale, bias = scale.repeat_interleave(repeats), bias.repeat_interleave(repeats)
    return torch.group_norm(x, groups, scale, bias, step.get("epsilon", 1e-5))


def _lrn(step: Step, x: Tensor) -> Any:
    """x / (bias + alpha / size * sum of squares over ``size`` neighbouring channels) ** beta."""
    size = int(step.get("size"))
    alpha, beta, k = step.get("alpha", 1e-4), step.get("beta", 0.75), step.get("bias", 1.0)
    channels = int(x.shape[1])
    if size < 1:
        raise BadInput(f"LRN has size {size}; 1 or more is needed")
    reach = min((size - 1) // 2, channels), min(size // 2, channels)
    spatial = [0, 0] * (x.dim() - 2)
    squares = F.pad(x * x, [*spatial, *reach])
    total = squares.narrow(1, 0, channels)
    for offset in range(1, sum(reach) + 1):
        total = total + squares.narrow(1, offset, channels)
    return x / (k + alpha / size * total) ** beta


def _lp_norm(step: Step, x: Tensor) -> Tensor:
    p, axis = step.get("p", 2), axis_in(step.get("axis", -1), x.dim())
    if p not in (1, 2):
        raise BadInput(f"LpNormalization with p = {p} is not supported; 1 and 2 are")
    norm = x.abs().sum(axis, keepdim=True) if p == 1 else (x * x).sum(axis, keepdim=True).sqrt()
    return torch.where(norm == 0, torch.zeros_like(x), x / norm)


NORMS: dict[str, Callable[..., Any]] = {
    "BatchNormalization": _batch_norm,
    "InstanceNormalization": _instance_norm,
    "LayerNormalization": _layer_norm,
    "GroupNormalization": _group_norm,
    "LRN": _lrn,
    "LpNormalization": _lp_norm,
}
