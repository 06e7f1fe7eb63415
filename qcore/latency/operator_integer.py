"""ONNX models of one operator with weights of fewer bits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper

from qcore.latency.calls import Call, Range
from qcore.latency.operator_model import OPERATORS, Array, FloatArray, attributes, model_of

BLOCK = 32
"""Weights that share a scale in ``four_bit_model``."""

_SMALLEST = float(np.finfo(np.float32).tiny)
_FULL_PRECISION_INPUT = 1  # accuracy_level of MatMulNBits: sums of float32, the input not rounded


@dataclass(frozen=True)
class UnsignedGrid:
    """The 8-bit numbers that stand for a range: real value = scale * (number - zero_point)."""

    scale: float
    zero_point: int


def unsigned_grid(span: Range) -> UnsignedGrid:
    """256 numbers over a range that is made to hold 0. Example: -1 to 1.55: scale 0.01, zero point
    100."""
    low, high = min(span[0], 0.0), max(span[1], 0.0)
    scale = max((high - low) / 255, _SMALLEST)
    return UnsignedGrid(scale, round(-low / scale))


def int8_model(
    call: Call, weight: FloatArray, bias: FloatArray | None, x_range: Range, y_range: Range
) -> onnx.ModelProto:
    """The operator between dequantizing and quantizing nodes, as ONNX Runtime looks for to put an
    integer kernel in their place. "x" and "y" are uint8.

    Weights are symmetric int8 with one scale per kernel (one for all of a transposed convolution),
    biases int32.
    """
    x, y = unsigned_grid(x_range), unsigned_grid(y_range)
    per_kernel = call.kind != "conv_transpose"
    levels, scales = signed_weights(weight, per_kernel)
    axis: dict[str, Any] = {"axis": 0} if per_kernel else {}
    constants: dict[str, Array] = {
        **_constants("x", x),
        **_constants("y", y),
        "w": levels,
        "w_scale": scales,
        "w_zero": np.zeros_like(scales, np.int8),
    }
    nodes = [_dequantize("x", {}), _dequantize("w", axis)]
    operands = ["x_real", "w_real"]
    if bias is not None:
        steps = (scales * np.float32(x.scale)).astype(np.float32)
        limits = np.iinfo(np.int32)
        rounded = np.rint(bias / np.maximum(steps, _SMALLEST).astype(np.float64))
        constants["b"] = rounded.clip(limits.min, limits.max).astype(np.int32)
        constants["b_scale"], constants["b_zero"] = steps, np.zeros_like(steps, np.int32)
        nodes.append(_dequantize("b", axis))
        operands.append("b_real")
    nodes.append(helper.make_node(OPERATORS[call.kind], operands, ["y_real"], **attributes(call)))
    nodes.append(helper.make_node("QuantizeLinear", ["y_real", "y_scale", "y_zero"], ["y"]))
    return model_of(nodes, call, constants, TensorProto.UINT8)


def _dequantize(name: str, axis: dict[str, Any]) -> onnx.NodeProto:
    inputs = [name, f"{name}_scale", f"{name}_zero"]
    return helper.make_node("DequantizeLinear", inputs, [f"{name}_real"], **axis)


def _constants(name: str, grid: UnsignedGrid) -> dict[str, Array]:
    scale, zero = np.asarray(grid.scale, np.float32), np.asarray(grid.zero_point, np.uint8)
    return {f"{name}_scale": scale, f"{name}_zero": zero}


def signed_weights(weight: FloatArray, per_kernel: bool) -> tuple[npt.NDArray[np.int8], FloatArray]:
    """Levels from -127 to 127, and the scale of each kernel (along axis 0) or of all."""
    axes = tuple(range(1, weight.ndim)) if per_kernel else None
    largest = np.abs(weight).max(axis=axes, keepdims=True)
    scale = np.maximum(largest / 127, _SMALLEST).astype(np.float32)
    levels = np.rint(weight / scale).clip(-127, 127).astype(np.int8)
    return levels, scale.reshape(-1) if per_kernel else scale.reshape(())


def four_bit_model(call: Call, weight: FloatArray, bias: FloatArray | None) -> onnx.ModelProto:
    """A linear layer with float32 input and output whose weights are kept at 4 bits.

    ``BLOCK`` weights of a kernel have a scale of their own, levels -7 to 7 are stored as 1 to 15,
    two in a byte.
    """
    kernels, inputs = weight.shape
    blocks = -(-inputs // BLOCK)
    padded = np.zeros((kernels, blocks * BLOCK), np.float32)
    padded[:, :inputs] = weight
    each = padded.reshape(kernels, blocks, BLOCK)
    scale = np.maximum(np.abs(each).max(-1) / 7, _SMALLEST).astype(np.float32)
    levels = (np.rint(each / scale[..., None]).clip(-7, 7) + 8).astype(np.uint8)
    constants: dict[str, Array] = {
        "w": levels[..., ::2] | (levels[..., 1::2] << 4),
        "w_scale": scale.reshape(-1),
    }
    operands = ["x", "w", "w_scale"]
    if bias is not None:
        constants["b"] = bias
        operands += ["", "", "b"]
    node = helper.make_node(
        "MatMulNBits",
        operands,
        ["y"],
        domain="com.microsoft",
        K=inputs,
        N=kernels,
        bits=4,
        block_size=BLOCK,
        accuracy_level=_FULL_PRECISION_INPUT,
    )
    return model_of([node], call, constants)
