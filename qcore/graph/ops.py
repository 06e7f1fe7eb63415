"""The ATen operators that hold a weight, and those that multiply two activations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

_aten = torch.ops.aten

LAYER_OPS: dict[Any, str] = {
    _aten.conv1d.default: "conv1d",
    _aten.conv1d.padding: "conv1d",
    _aten.conv2d.default: "conv2d",
    _aten.conv2d.padding: "conv2d",
    _aten.conv3d.default: "conv3d",
    _aten.conv3d.padding: "conv3d",
    _aten.conv_transpose1d.default: "conv_transpose1d",
    _aten.conv_transpose2d.input: "conv_transpose2d",
    _aten.conv_transpose3d.input: "conv_transpose3d",
    _aten.linear.default: "linear",
}
"""Operator -> the name shown; each takes (input, weight, bias, ...)."""

TRANSPOSED_OPS = {target for target, name in LAYER_OPS.items() if "transpose" in name}


def groups_of(target: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> int:
    """The number of groups of a convolution node; 1 for linear.

    conv: (x, w, b, stride, padding, dilation, groups); transposed: (x, w, b, stride, padding,
    output_padding, groups, dilation): position 6 in both.
    """
    if LAYER_OPS[target] == "linear":
        return 1
    return int(kwargs.get("groups", args[6] if len(args) > 6 else 1))


def layer_macs(op: str, weight_shape: tuple[int, ...], groups: int, x: Tensor, y: Tensor) -> int:
    """Multiply-accumulates of one node for the tensors x -> y (a bias is not counted).

    Each output value of a convolution or linear needs one product per weight of its kernel; each
    input value of a transposed convolution is multiplied with weight_shape[1:] weights. Example:
    conv2d, weight (32, 16, 3, 3), y (1, 32, 8, 8): 2,048 * 144 = 294,912.
    """
    per_kernel = 1
    for size in weight_shape[1:]:
        per_kernel *= size
    return per_kernel * (x.numel() if op.startswith("conv_transpose") else y.numel())


def _product_macs(args: tuple[Any, ...], y: Tensor) -> int:
    return y.numel() * int(args[0].shape[-1])


def _add_product_macs(args: tuple[Any, ...], y: Tensor) -> int:
    return y.numel() * int(args[1].shape[-1])


def _attention_macs(args: tuple[Any, ...], y: Tensor) -> int:
    query, key = args[0], args[1]
    scores = query[..., 0].numel() * key.shape[-2]  # (..., L, S)
    return int(scores * query.shape[-1] + scores * args[2].shape[-1])


ACTIVATION_PRODUCTS: dict[Any, Callable[[tuple[Any, ...], Tensor], int]] = {
    _aten.matmul.default: _product_macs,
    _aten.mm.default: _product_macs,
    _aten.bmm.default: _product_macs,
    _aten.addmm.default: _add_product_macs,
    _aten.baddbmm.default: _add_product_macs,
    _aten.scaled_dot_product_attention.default: _attention_macs,
}
"""Operator -> multiply-accumulates of one call, for products that are not a layer."""
