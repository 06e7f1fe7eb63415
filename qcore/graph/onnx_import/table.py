"""Every ONNX operator this importer runs, in one table, and how one is called."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qcore.errors import BadInput
from qcore.graph.onnx_import.host_math import HOST_MATH
from qcore.graph.onnx_import.host_shape import HOST_SHAPES
from qcore.graph.onnx_import.ops_activation import ACTIVATIONS
from qcore.graph.onnx_import.ops_create import CREATORS
from qcore.graph.onnx_import.ops_layer import INTERNAL, LAYERS
from qcore.graph.onnx_import.ops_math import MATH
from qcore.graph.onnx_import.ops_norm import NORMS
from qcore.graph.onnx_import.ops_pool import POOLS
from qcore.graph.onnx_import.ops_reduce import REDUCTIONS
from qcore.graph.onnx_import.ops_resize import RESIZERS
from qcore.graph.onnx_import.ops_select import SELECTORS
from qcore.graph.onnx_import.ops_shape import SHAPES
from qcore.graph.onnx_import.step import Step
from qcore.graph.onnx_import.values import Value, is_host, tensor_of

OPERATORS: dict[str, Callable[..., Any]] = {
    **LAYERS,
    **NORMS,
    **ACTIVATIONS,
    **POOLS,
    **MATH,
    **SHAPES,
    **CREATORS,
    **SELECTORS,
    **REDUCTIONS,
    **RESIZERS,
}
"""ONNX operator -> function of (step, *inputs); an absent optional input is None."""

HOST = {**HOST_MATH, **HOST_SHAPES}
"""Operator -> function of (step, *arrays), used where every input is on the host."""

# Their later inputs are sizes, axes or limits; the first is the tensor they work on.
_FIRST_IS_TENSOR = {
    *ACTIVATIONS,
    *POOLS,
    *NORMS,
    *RESIZERS,
    *SELECTORS,
    "Conv",
    "ConvTranspose",
    "Flatten",
    "Transpose",
    "Squeeze",
    "Unsqueeze",
    "Split",
    "DepthToSpace",
    "SpaceToDepth",
    "Dropout",
    "Trilu",
    "Cast",
    "Clip",
    "IsInf",
    "Pow",
} - {"Gather", "GatherElements", "GatherND", "ScatterND", "Einsum"}


def call(step: Step, values: list[Value | None]) -> tuple[Value | None, ...]:
    """The outputs of one step. Raises BadInput, and whatever torch raises on shapes that do not
    fit."""
    given = [value for value in values if value is not None]
    # A vector of whole numbers that is computed on the host stays there.
    if step.op in HOST and given and all(is_host(value) for value in given):
        result = HOST[step.op](step, *values)
    else:
        function = INTERNAL.get(step.op) or OPERATORS[step.op]
        if step.op in _FIRST_IS_TENSOR and values and is_host(values[0]):
            values = [tensor_of(values[0]), *values[1:]]
        result = function(step, *values)
    results = result if isinstance(result, tuple) else (result,)
    if len(step.outputs) > len(results) and any(step.outputs[len(results) :]):
        raise BadInput(f"{step.op} with {len(step.outputs)} outputs is not supported")
    return results
