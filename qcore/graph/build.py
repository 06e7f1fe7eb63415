"""Program -> Network: fold, tidy, describe."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from qcore.data.preprocess import Preprocessing
from qcore.device import default_device
from qcore.errors import BadInput
from qcore.graph.batch import free_batch, varies
from qcore.graph.describe import fingerprint, take_census
from qcore.graph.fold import fold_batch_norms, fold_constants
from qcore.graph.layer import Description
from qcore.graph.network import Network
from qcore.graph.outputs import tidy_outputs
from qcore.graph.program import Program, Shapes, export_module


def build_network(
    module: nn.Module,
    name: str,
    input_shapes: Shapes,
    preprocessing: Preprocessing | None = None,
    *,
    notes: tuple[str, ...] = (),
    weights_note: str | None = None,
    batch: int | None = None,
    input_names: tuple[str, ...] | None = None,
) -> Network:
    """A module in memory as a Network; each of its inputs is (N, *shape).

    ``batch`` is a batch size that the module is known to need; others are tried all the same.
    ``input_names`` are what its owner calls the inputs (default: those of ``forward``). Raises
    BadInput where it cannot be exported, holds values that are not finite, or has nothing to
    quantize.
    """
    module = module.eval()
    check_finite(dict(module.state_dict()))
    parameters = sum(p.numel() for p in module.parameters())
    program = _export(module, input_shapes, batch)
    return network_from_program(
        program,
        name,
        preprocessing,
        parameters=parameters,
        input_names=input_names,
        notes=notes,
        weights_note=weights_note,
    )


def _export(module: nn.Module, shapes: Shapes, batch: int | None) -> Program:
    """With a batch size that varies where the module computes the same for any."""
    try:
        program = export_module(module, shapes)
    except BadInput:
        try:
            return export_module(module, shapes, batch or 1)
        except BadInput:
            pass
        raise
    if batch is None or varies(program, batch, lambda inputs: module(*inputs)):
        return program
    return export_module(module, shapes, batch)


def network_from_program(
    program: Program,
    name: str,
    preprocessing: Preprocessing | None,
    *,
    parameters: int,
    input_names: tuple[str, ...] | None = None,
    notes: tuple[str, ...] = (),
    weights_note: str | None = None,
) -> Network:
    """An exported program as a Network; the program is taken over and changed.

    ``input_names`` are what its owner calls the inputs (default: the graph's names). Raises
    BadInput as ``build_network`` does.
    """
    check_finite(program.tensors)
    program = free_batch(program)
    fold_constants(program)
    folded = fold_batch_norms(program)
    check_finite(program.tensors)
    output_shapes, output_notes = tidy_outputs(program)
    if program.batch is not None:
        output_notes += (f"takes {program.batch} image(s) at a time: the batch size is fixed",)
    census = take_census(program)
    weight_keys = {layer.weight_key for layer in census.layers}
    names = input_names or program.input_nodes
    description = Description(
        name=name,
        fingerprint=fingerprint(program),
        parameters=parameters,
        input_shape=program.input_shapes[0],
        output_shapes=output_shapes,
        layers=census.layers,
        not_quantized=census.not_quantized,
        macs_not_quantized=census.macs_not_quantized,
        other_count=sum(t.numel() for k, t in program.tensors.items() if k not in weight_keys),
        folded_batch_norms=folded,
        weights_note=weights_note,
        notes=notes + output_notes,
        batch=program.batch,
        extra_inputs=tuple(zip(names[1:], program.input_shapes[1:], strict=True)),
    )
    return Network(
        program.graph,
        program.tensors,
        program.constants,
        program.input_nodes,
        description,
        preprocessing,
        default_device(),
    )


def check_finite(tensors: dict[str, Tensor]) -> None:
    """BadInput naming the first tensor that holds NaN or infinity, and how many it holds."""
    for key, tensor in tensors.items():
        if tensor.is_floating_point() and not torch.isfinite(tensor).all():
            count = int((~torch.isfinite(tensor)).sum())
            raise BadInput(
                f"tensor {key!r} holds {count} values that are NaN or infinite; "
                "train or export the network again"
            )
