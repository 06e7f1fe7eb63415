"""Activation functions (ONNX operator specification, opsets 9 to 21)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from qcore.graph.onnx_import.step import Step
from qcore.graph.onnx_import.values import axis_in, tensor_of


def _prelu(step: Step, x: Tensor, slope: Any) -> Tensor:
    return torch.where(x < 0, x * tensor_of(slope, x.device), x)


def _hard_sigmoid(step: Step, x: Tensor) -> Tensor:
    return torch.clamp(x * step.get("alpha", 0.2) + step.get("beta", 0.5), 0.0, 1.0)


def _elu(step: Step, x: Tensor) -> Tensor:
    return F.elu(x, alpha=step.get("alpha", 1.0))


def _selu(step: Step, x: Tensor) -> Any:
    alpha = step.get("alpha", 1.6732632423543772)
    gamma = step.get("gamma", 1.0507009873554805)
    return gamma * torch.where(x > 0, x, alpha * torch.expm1(x.clamp(max=0.0)))


def _gelu(step: Step, x: Tensor) -> Tensor:
    return F.gelu(x, approximate=step.get("approximate", "none"))


def _thresholded(step: Step, x: Tensor) -> Tensor:
    return torch.where(x > step.get("alpha", 1.0), x, torch.zeros_like(x))


def _normalised(function: Callable[..., Tensor]) -> Callable[..., Any]:
    """Softmax and its logarithm: before opset 13 over all axes from ``axis`` on, flattened."""

    def run(step: Step, x: Tensor) -> Tensor:
        axis = axis_in(step.get("axis", -1 if step.opset >= 13 else 1), x.dim())
        if step.opset >= 13 or axis == x.dim() - 1:
            return function(x, dim=axis)
        return function(x.flatten(axis), dim=-1).reshape(x.shape)

    return run


ACTIVATIONS: dict[str, Callable[..., Any]] = {
    "Relu": lambda step, x: torch.relu(x),
    "LeakyRelu": lambda step, x: F.leaky_relu(x, step.get("alpha", 0.01)),
    "PRelu": _prelu,
    "Elu": _elu,
    "Selu": _selu,
    "Celu": lambda step, x: F.celu(x, alpha=step.get("alpha", 1.0)),
    "Sigmoid": lambda step, x: torch.sigmoid(x),
    "HardSigmoid": _hard_sigmoid,
    "HardSwish": lambda step, x: F.hardswish(x),
    "Mish": lambda step, x: F.mish(x),
    "Tanh": lambda step, x: torch.tanh(x),
    "Softplus": lambda step, x: F.softplus(x),
    "Softsign": lambda step, x: F.softsign(x),
    "Gelu": _gelu,
    "ThresholdedRelu": _thresholded,
    "Softmax": _normalised(torch.softmax),
    "LogSoftmax": _normalised(torch.log_softmax),
}
