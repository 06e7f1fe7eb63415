"""From a module to a functional ATen graph (``torch.export``) whose tensors stand beside it."""

from __future__ import annotations

import logging
import operator
import warnings
from dataclasses import dataclass

import torch
from torch import Tensor, fx, nn
from torch.export import Dim, ExportedProgram, export
from torch.export.graph_signature import InputKind, OutputKind

from qcore.errors import BadInput

_CONSTANT_KINDS = (InputKind.PARAMETER, InputKind.BUFFER, InputKind.CONSTANT_TENSOR)


@dataclass(frozen=True, eq=False)
class Program:
    """A graph with every parameter, buffer and constant as a named tensor."""

    graph: fx.Graph
    tensors: dict[str, Tensor]
    constants: dict[str, str]
    input_node: str


def export_module(module: nn.Module, input_shape: tuple[int, ...]) -> Program:
    """Export an eval-mode module that takes one image batch (N, *input_shape) with N dynamic.

    The graph is functional (no operator writes to its inputs) and keeps convolution, linear and
    attention whole. Raises BadInput where torch cannot export the module.
    """
    example = torch.zeros(2, *input_shape)
    logging.getLogger("torch.export").setLevel(logging.ERROR)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        try:
            exported = export(module.eval(), (example,), dynamic_shapes=({0: Dim("batch")},))
            exported = exported.run_decompositions({})
        except Exception as error:  # torch.export raises many types
            reason = str(error).strip().splitlines()[0] if str(error).strip() else repr(error)
            raise BadInput(
                f"this network cannot be exported by torch.export: {reason[:200]}; "
                "make its forward free of data-dependent control flow and let the batch size vary"
            ) from error
    return from_exported(exported)


def from_exported(exported: ExportedProgram) -> Program:
    """Take graph and tensors out of an exported program; BadInput unless one image batch goes in
    and one tensor comes out."""
    stored = {**exported.state_dict, **exported.constants}
    constants: dict[str, str] = {}
    inputs: list[str] = []
    for spec in exported.graph_signature.input_specs:
        if spec.kind in _CONSTANT_KINDS:
            constants[spec.arg.name] = str(spec.target)
        elif spec.kind is InputKind.USER_INPUT:
            inputs.append(spec.arg.name)
        else:
            raise BadInput(f"this network has an input of kind {spec.kind.name}: not supported")
    # Other results are what a module writes to its input or its buffers: nothing reads those here.
    specs = exported.graph_signature.output_specs
    outputs = [i for i, spec in enumerate(specs) if spec.kind is OutputKind.USER_OUTPUT]
    if len(inputs) != 1 or len(outputs) != 1:
        raise BadInput(
            f"this network has {len(inputs)} inputs and {len(outputs)} outputs; "
            "a network with one image input and one output of class scores is needed"
        )
    graph = fx.Graph()
    copies: dict[fx.Node, fx.Node] = {}
    results = graph.graph_copy(exported.graph, copies)
    graph.output((results[outputs[0]],))  # type: ignore[index]
    for old, new in copies.items():
        new.meta = dict(old.meta)
    _normalise(graph)
    tensors = {key: stored[key].detach() for key in constants.values()}
    # A copy may be called otherwise: "input" is a name that Python has taken.
    name_of = {old.name: new.name for old, new in copies.items()}
    constants = {name_of[name]: key for name, key in constants.items()}
    return Program(graph, tensors, constants, name_of[inputs[0]])


def _normalise(graph: fx.Graph) -> None:
    """Make the graph independent of memory layout and free of nodes without effect."""
    for node in list(graph.nodes):
        # A view that was legal for the traced layout need not be for channels-last.
        if node.target is torch.ops.aten.view.default:
            node.target = torch.ops.aten.reshape.default
    for node in reversed(list(graph.nodes)):
        if node.op == "call_function" and not node.users:
            graph.erase_node(node)


def is_arithmetic_on_sizes(node: fx.Node) -> bool:
    """True for nodes that compute shapes or unpack tuples, not tensors."""
    target = node.target
    if target is torch.ops.aten.sym_size.int or target is operator.getitem:
        return True
    return not isinstance(target, torch._ops.OpOverload)
