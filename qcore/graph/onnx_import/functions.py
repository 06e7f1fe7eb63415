"""Functions that a model defines for itself, written out."""

from __future__ import annotations

import onnx

from qcore.errors import BadInput
from qcore.graph.onnx_import.checks import LARGEST_GRAPH

_DEEPEST = 50


def inlined(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model without functions. BadInput where they call themselves or become too many."""
    if not model.functions:
        return model
    functions = {(f.domain, f.name): f for f in model.functions}
    sizes: dict[tuple[str, str], int] = {}

    def size(nodes: list[onnx.NodeProto], depth: int) -> int:
        if depth > _DEEPEST:
            raise BadInput("functions of this .onnx call each other without end; export it again")
        total = 0
        for node in nodes:
            key = (node.domain, node.op_type)
            if key in functions and key not in sizes:
                sizes[key] = size(list(functions[key].node), depth + 1)
            total += sizes.get(key, 1)
            for attribute in node.attribute:
                for graph in [attribute.g] if attribute.HasField("g") else attribute.graphs:
                    total += size(list(graph.node), depth + 1)
        return total

    if size(list(model.graph.node), 0) > LARGEST_GRAPH:
        raise BadInput(
            f"this .onnx has more than {LARGEST_GRAPH:,} operators with its functions written out"
        )
    from onnx.inliner import inline_local_functions

    try:
        return inline_local_functions(model)
    except Exception as error:  # the C++ inliner raises RuntimeError, ValueError and its own
        raise BadInput("the functions of this .onnx cannot be written out; export it again") from (
            error
        )
