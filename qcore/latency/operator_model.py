"""ONNX models of one operator with operands of full precision."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from qcore.latency.calls import Call

Array = npt.NDArray[np.generic]
FloatArray = npt.NDArray[np.float32]

OPERATORS = {"conv": "Conv", "conv_transpose": "ConvTranspose", "linear": "Gemm"}
_OPSET, _IR_VERSION = 20, 10


def float_model(call: Call, weight: FloatArray, bias: FloatArray | None) -> onnx.ModelProto:
    """Input "x" and output "y" are float32, weights and bias are constants of the model.

    weight: as torch stores it, ``call.weight_shape``; bias: (kernels,).
    """
    constants: dict[str, Array] = {"w": weight}
    if bias is not None:
        constants["b"] = bias
    node = helper.make_node(OPERATORS[call.kind], ["x", *constants], ["y"], **attributes(call))
    return model_of([node], call, constants)


def attributes(call: Call) -> dict[str, Any]:
    """The operator's attributes in ONNX's words; torch's weights of all kinds fit as they are."""
    if call.kind == "linear":
        return {"transB": 1}
    found: dict[str, Any] = {
        "strides": call.strides,
        "pads": call.pads,
        "dilations": call.dilations,
        "group": call.groups,
    }
    if call.kind == "conv_transpose":
        found["output_padding"] = call.output_padding
    return found


def model_of(
    nodes: Sequence[onnx.NodeProto],
    call: Call,
    constants: Mapping[str, Array],
    element: int = TensorProto.FLOAT,
) -> onnx.ModelProto:
    """A model from "x" to "y", both of that type of element."""
    graph = helper.make_graph(
        nodes,
        "layer",
        [helper.make_tensor_value_info("x", element, call.x_shape)],
        [helper.make_tensor_value_info("y", element, call.y_shape)],
        [numpy_helper.from_array(np.ascontiguousarray(v), name) for name, v in constants.items()],
    )
    versions = [helper.make_opsetid("", _OPSET), helper.make_opsetid("com.microsoft", 1)]
    return helper.make_model(graph, opset_imports=versions, ir_version=_IR_VERSION)
