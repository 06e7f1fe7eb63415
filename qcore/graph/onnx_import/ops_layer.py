"""Operators with a stored weight: convolutions and products (ONNX operator specification)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from qcore.errors import BadInput
from qcore.graph.onnx_import.step import Step
from qcore.graph.onnx_import.values import operand, tensor_of
from qcore.graph.onnx_import.windows import window_of

_CONV: dict[int, Callable[..., Tensor]] = {3: F.conv1d, 4: F.conv2d, 5: F.conv3d}
_TRANSPOSED: dict[int, Callable[..., Tensor]] = {
    3: F.conv_transpose1d,
    4: F.conv_transpose2d,
    5: F.conv_transpose3d,
}


def _groups(step: Step) -> int:
    groups = step.get("group", 1)
    if not isinstance(groups, int) or groups < 1:
        raise BadInput(f"{step.op} has group {groups!r}; 1 or more is needed")
    return groups


def _check_not_empty(step: Step, weight: Tensor) -> None:
    if weight.numel() == 0:
        shape = " x ".join(str(size) for size in weight.shape)
        raise BadInput(
            f"the weight of this {step.op} is empty ({shape}): it has no channels or no kernel; "
            "export the network without this layer"
        )


def _conv(step: Step, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    if x.dim() != weight.dim() or x.dim() not in _CONV:
        raise BadInput(f"Conv over {x.dim()} dimensions is not supported; 3 to 5 are")
    _check_not_empty(step, weight)
    window = window_of(step, x, list(weight.shape[2:]))
    padding = window.before
    if not window.symmetric:
        x, padding = window.pad(x), [0] * len(padding)
    function = _CONV[x.dim()]
    return function(x, weight, bias, window.stride, padding, window.dilation, _groups(step))


def _conv_transpose(step: Step, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    if x.dim() != weight.dim() or x.dim() not in _TRANSPOSED:
        raise BadInput(f"ConvTranspose over {x.dim()} dimensions is not supported; 3 to 5 are")
    _check_not_empty(step, weight)
    kernel = list(weight.shape[2:])
    window = window_of(step, x, kernel)
    extra = step.integers("output_padding") or [0] * len(kernel)
    before, after = _transposed_pads(step, x, kernel, extra)
    function, groups = _TRANSPOSED[x.dim()], _groups(step)
    if before == after and all(e < s for e, s in zip(extra, window.stride, strict=True)):
        return function(x, weight, bias, window.stride, before, extra, groups, window.dilation)
    zeros = [0] * len(kernel)
    full = function(x, weight, bias, window.stride, zeros, zeros, groups, window.dilation)
    # What lies beyond the full result is the bias alone, which padding cannot give.
    if any(e > a for e, a in zip(extra, after, strict=True)) and bias is not None:
        raise BadInput("ConvTranspose has an output_padding that torch cannot give")
    for i, (left, right) in enumerate(zip(before, after, strict=True)):
        length = full.shape[2 + i] + extra[i] - left - right
        if extra[i] > right:
            grow = [0, 0] * (len(kernel) - 1 - i) + [0, extra[i] - right]
            full = F.pad(full, grow)
        full = full.narrow(2 + i, left, length)
    return full


def _transposed_pads(
    step: Step, x: Tensor, kernel: list[int], extra: list[int]
) -> tuple[list[int], list[int]]:
    """Padding taken away from the full result; from ``output_shape`` where that is given."""
    rank = len(kernel)
    stride = step.integers("strides") or [1] * rank
    dilation = step.integers("dilations") or [1] * rank
    pads = step.integers("pads") or [0] * (2 * rank)
    mode = step.get("auto_pad", "NOTSET") or "NOTSET"
    shape = step.integers("output_shape")
    if shape is None and mode in ("SAME_UPPER", "SAME_LOWER"):
        shape = [int(size) * s for size, s in zip(x.shape[2:], stride, strict=True)]
    if shape is None:
        return (pads[:rank], pads[rank:]) if mode != "VALID" else ([0] * rank, [0] * rank)
    before, after = [], []
    for i, wanted in enumerate(shape[-rank:]):
        full = stride[i] * (int(x.shape[2 + i]) - 1) + extra[i] + (kernel[i] - 1) * dilation[i] + 1
        total = full - wanted
        if total < 0:
            raise BadInput("ConvTranspose has an output_shape larger than its result")
        first = total // 2 if mode == "SAME_UPPER" else total - total // 2
        before.append(first)
        after.append(total - first)
    return before, after


def _gemm(step: Step, a: Any, b: Any, c: Any = None) -> Any:
    """alpha * A' B' + beta * C. Products with a constant B become ``Linear`` at load."""
    a, b = tensor_of(a), tensor_of(b)
    left = a.t() if step.flag("transA") else a
    right = b.t() if step.flag("transB") else b
    result = left @ right
    if step.get("alpha", 1.0) != 1.0:
        result = result * step.get("alpha")
    if c is None:
        return result
    return result + operand(c, result) * step.get("beta", 1.0)


def _linear(step: Step, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """x (..., in), weight (out, in), bias (out,): made at load, not an ONNX operator."""
    return F.linear(x, weight, bias)


LAYERS: dict[str, Callable[..., Any]] = {
    "Conv": _conv,
    "ConvTranspose": _conv_transpose,
    "Gemm": _gemm,
    "MatMul": lambda step, a, b: torch.matmul(tensor_of(a), tensor_of(b)),
}

LINEAR = "bitdial.Linear"
INTERNAL: dict[str, Callable[..., Any]] = {LINEAR: _linear}
"""Steps that no file can name: a domain other than ONNX's is refused."""
