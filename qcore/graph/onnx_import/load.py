"""An ONNX file as a module (ONNX operator specification, opsets 9 to 21)."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from torch import nn

from qcore.errors import BadInput, is_out_of_memory
from qcore.graph.onnx_import.checks import check_opset, check_size
from qcore.graph.onnx_import.files import open_model
from qcore.graph.onnx_import.functions import inlined
from qcore.graph.onnx_import.inputs import graph_inputs
from qcore.graph.onnx_import.linear import Linears
from qcore.graph.onnx_import.module import build_module
from qcore.graph.onnx_import.walk import Walk


@dataclass(frozen=True, eq=False)
class OnnxNetwork:
    """A network read from a file.

    ``module`` is in evaluation mode and takes one tensor (N, *shape) per entry of
    ``input_shapes``, images as (C, H, W). ``batch`` is the batch size the file is fixed to, None
    where it may vary: with a fixed one, the module at another size should be compared with it.
    ``notes`` are facts for the user, a line each.
    """

    module: nn.Module
    input_names: tuple[str, ...]
    input_shapes: tuple[tuple[int, ...], ...]
    batch: int | None
    notes: tuple[str, ...]


def read_onnx(files: Mapping[str, Path], input_shape: tuple[int, ...] | None = None) -> OnnxNetwork:
    """Read the one ``.onnx`` of ``files`` (name given by the user -> path of the content).

    The other files can only be its external data. ``input_shape`` (C, H, W) fills in sizes the
    file leaves free; without it height and width become 224. Nothing is allocated before the
    sizes in the file have been compared with its length.

    Raises BadInput for anything that is not a float network in opset 9 to 21 made of the
    operators in ``table.OPERATORS``, for missing or damaged weights, and for an input whose size
    is free or contradicts ``input_shape``.
    """
    # What torch has to say of shapes that do not fit is in the message of the error.
    logging.getLogger("torch._subclasses.fake_tensor").setLevel(logging.CRITICAL)
    try:
        return _read(files, input_shape)
    except BadInput:
        raise
    except Exception as error:  # a damaged message has fields of any kind, names that are no text
        if is_out_of_memory(error):
            raise
        raise BadInput(
            f"this .onnx is damaged ({type(error).__name__}: {str(error)[:80]}); "
            "export the network again"
        ) from error


def _read(files: Mapping[str, Path], input_shape: tuple[int, ...] | None) -> OnnxNetwork:
    model, reader = open_model(files)
    opset = check_opset(model)
    check_size(model.graph)
    model = inlined(model)
    inputs = graph_inputs(model.graph, input_shape)
    outputs = tuple(value.name for value in model.graph.output)
    if not outputs or "" in outputs:
        raise BadInput("this .onnx has no output; export the network again")
    walk = Walk(reader, opset, inputs)
    walk.run(model.graph)
    linears = Linears(walk.steps, walk.constants, list(outputs))
    module = build_module(linears.steps, walk.constants, linears.origin, inputs, outputs)
    notes = [note for item in inputs for note in item.notes]
    if reader.narrowed:
        notes.append(f"{' and '.join(sorted(reader.narrowed))} weights are computed as float32")
    return OnnxNetwork(
        module,
        tuple(item.name for item in inputs),
        tuple(item.shape for item in inputs),
        inputs[0].batch,
        tuple(notes),
    )
