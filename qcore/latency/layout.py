"""Layouts that ONNX Runtime computes convolutions in."""

from __future__ import annotations

import onnx
from onnx import helper

from qcore.latency.calls import Call

LAYOUT_CHANGES = frozenset({"Transpose", "ReorderInput", "ReorderOutput"})
_BLOCKED = "com.microsoft.nchwc"

Shape = tuple[int, ...]


def without_layout_changes(optimised: onnx.ModelProto, call: Call) -> onnx.ModelProto | None:
    """The one kernel of an optimised model, reading and writing in its own layout.

    ONNX Runtime computes convolutions channels-last or in blocks of channels. Alone, each is given
    two changes of layout, which it does not have between others of its kind: an 8-bit 1x1
    convolution from 96 to 24 channels took 1.5 times as long with them. None where there are none,
    or the model is not one kernel.
    """
    graph = optimised.graph
    kernels = [node for node in graph.node if node.op_type not in LAYOUT_CHANGES]
    if len(kernels) != 1 or len(graph.node) == 1:
        return None
    (kernel,) = kernels
    x_shape, y_shape = _own_shapes(kernel, graph, call)
    x, y = graph.input[0], graph.output[0]
    if kernel.input[0] == x.name:
        x_shape = call.x_shape
    if kernel.output[0] == y.name:
        y_shape = call.y_shape
    kernel.input[0], kernel.output[0] = x.name, y.name
    alone = helper.make_graph(
        [kernel],
        graph.name,
        [helper.make_tensor_value_info(x.name, x.type.tensor_type.elem_type, x_shape)],
        [helper.make_tensor_value_info(y.name, y.type.tensor_type.elem_type, y_shape)],
        list(graph.initializer),
    )
    return helper.make_model(
        alone, opset_imports=optimised.opset_import, ir_version=optimised.ir_version
    )


def _own_shapes(kernel: onnx.NodeProto, graph: onnx.GraphProto, call: Call) -> tuple[Shape, Shape]:
    """Of what the kernel reads and writes. Blocks of channels are filled up with zeros."""
    if kernel.domain != _BLOCKED:
        return _channels_last(call.x_shape), _channels_last(call.y_shape)
    weight = next(one for one in graph.initializer if one.name == kernel.input[1])
    groups = next((a.i for a in kernel.attribute if a.name == "group"), 1)
    return (
        (call.x_shape[0], weight.dims[1] * groups, *call.x_shape[2:]),
        (call.y_shape[0], weight.dims[0], *call.y_shape[2:]),
    )


def _channels_last(shape: Shape) -> Shape:
    return (shape[0], *shape[2:], shape[1])
