"""From a module to a functional ATen graph (``torch.export``) whose tensors stand beside it."""

from __future__ import annotations

import inspect
import logging
import operator
import warnings
from dataclasses import dataclass

import torch
from torch import Tensor, fx, nn
from torch.export import Dim, ExportedProgram, export
from torch.export.graph_signature import (
    ConstantArgument,
    InputKind,
    InputSpec,
    OutputKind,
    TensorArgument,
)

from qcore.errors import BadInput, is_out_of_memory
from qcore.graph.normalise import normalise
from qcore.graph.operand_sizes import check_graph

# Nobody reads which line of source a node is from; to find out took half of a .pt2's loading time.
fx.config.do_not_emit_stack_traces = True
_CONSTANT_KINDS = (InputKind.PARAMETER, InputKind.BUFFER, InputKind.CONSTANT_TENSOR)

Shapes = tuple[tuple[int, ...], ...]
"""Of each input, without its leading batch dimension."""


@dataclass(frozen=True, eq=False)
class Program:
    """A graph with every parameter, buffer and constant as a named tensor.

    ``input_nodes`` are the placeholders that take a batch each, ``input_shapes`` their shapes
    without it. ``batch`` is the one batch size that the graph was recorded for, None where any
    size will do.
    """

    graph: fx.Graph
    tensors: dict[str, Tensor]
    constants: dict[str, str]
    input_nodes: tuple[str, ...]
    input_shapes: Shapes
    batch: int | None


def export_module(module: nn.Module, input_shapes: Shapes, batch: int | None = None) -> Program:
    """Export an eval-mode module that takes (N, *shape) for each of the shapes.

    N varies unless ``batch`` fixes it. The graph is functional (no operator writes to its inputs)
    and keeps convolution, linear and attention whole. Raises BadInput where torch cannot export
    the module.
    """
    examples = tuple(torch.zeros(batch or 2, *shape) for shape in input_shapes)
    axis = None if batch else Dim("batch")
    logging.getLogger("torch.export").setLevel(logging.ERROR)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        try:
            free = tuple({0: axis} if axis else None for _ in examples)
            return from_exported(
                export(module.eval(), examples, dynamic_shapes=_axes(module, free))
            )
        except BadInput:
            raise
        except Exception as error:  # torch.export raises many types
            if is_out_of_memory(error):
                raise
            reason = str(error).strip().splitlines()[0] if str(error).strip() else repr(error)
            raise BadInput(
                f"this network cannot be exported by torch.export: {reason[:200]}; "
                "make its forward free of data-dependent control flow"
            ) from error


def _axes(module: nn.Module, free: tuple[object, ...]) -> tuple[object, ...]:
    """The free axes as torch wants them: a ``forward(*inputs)`` is one argument of many."""
    parameters = inspect.signature(module.forward).parameters.values()
    gathered = any(p.kind is inspect.Parameter.VAR_POSITIONAL for p in parameters)
    return (free,) if gathered else free


def from_exported(exported: ExportedProgram, input_shapes: Shapes | None = None) -> Program:
    """Take graph and tensors out of an exported program, decomposed to functional ATen.

    ``input_shapes`` replaces sizes that the program leaves free (other than the batch). Raises
    BadInput unless images go in and at least one tensor comes out, and for operands that torch
    would read beyond.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch warns of its own use of what it gave up
        exported = exported.run_decompositions({})
    stored = {**exported.state_dict, **exported.constants}
    constants: dict[str, str] = {}
    inputs: list[str] = []
    for spec in exported.graph_signature.input_specs:
        if spec.kind in _CONSTANT_KINDS:
            constants[spec.arg.name] = str(spec.target)
        elif _takes_a_tensor(spec):
            inputs.append(spec.arg.name)
    # Other results are what a module writes to its input or its buffers: nothing reads those here.
    outputs = [
        i
        for i, result in enumerate(exported.graph_signature.output_specs)
        if result.kind is OutputKind.USER_OUTPUT and isinstance(result.arg, TensorArgument)
    ]
    if not inputs or not outputs:
        raise BadInput(
            f"this network has {len(inputs)} inputs and {len(outputs)} outputs that are tensors; "
            "one of each at least is needed"
        )
    graph = fx.Graph()
    copies: dict[fx.Node, fx.Node] = {}
    results = graph.graph_copy(exported.graph, copies)
    graph.output(tuple(results[i] for i in outputs))  # type: ignore[index]
    for old, new in copies.items():
        new.meta = dict(old.meta)
    normalise(graph)
    check_graph(graph)
    tensors = {key: stored[key].detach() for key in constants.values()}
    # A copy may be called otherwise: "input" is a name that Python has taken.
    copy_of = {old.name: new for old, new in copies.items()}
    shapes, batch = _sizes([copy_of[name] for name in inputs], input_shapes)
    return Program(
        graph,
        tensors,
        {copy_of[name].name: key for name, key in constants.items()},
        tuple(copy_of[name].name for name in inputs),
        shapes,
        batch,
    )


def _takes_a_tensor(spec: InputSpec) -> bool:
    if spec.kind is not InputKind.USER_INPUT:
        raise BadInput(f"this network has an input of kind {spec.kind.name}: not supported")
    if isinstance(spec.arg, ConstantArgument):
        return False  # a number or None that was given at export: already in the graph
    if not isinstance(spec.arg, TensorArgument):
        kind = type(spec.arg).__name__
        raise BadInput(f"this network has an input that is no tensor ({kind}): not supported")
    return True


def _sizes(nodes: list[fx.Node], given: Shapes | None) -> tuple[Shapes, int | None]:
    """Shapes without the batch, and the batch where it is fixed."""
    shapes, batches = [], set()
    for number, node in enumerate(nodes):
        value = node.meta["val"]
        if value.dim() == 0 or not value.is_floating_point():
            raise BadInput(
                f"input {node.name!r} is {str(value.dtype).removeprefix('torch.')} of "
                f"{value.dim()} dimensions; floating-point batches are needed"
            )
        wanted = given[number] if given and number < len(given) else None
        shapes.append(_shape_of(node, wanted))
        batches.add(None if isinstance(value.shape[0], torch.SymInt) else int(value.shape[0]))
    if len(batches) > 1:
        raise BadInput("the inputs of this network do not all begin with the same batch size")
    return tuple(shapes), batches.pop()


def _shape_of(node: fx.Node, wanted: tuple[int, ...] | None) -> tuple[int, ...]:
    sizes = node.meta["val"].shape[1:]
    if wanted is None:
        if any(isinstance(size, torch.SymInt) for size in sizes):
            text = " x ".join("?" if isinstance(s, torch.SymInt) else str(s) for s in sizes)
            raise BadInput(
                f"input {node.name!r} leaves its size free ({text}); "
                "say which to use after the file's name: model.pt2#3x224x224"
            )
        return tuple(int(size) for size in sizes)
    fixed = [None if isinstance(size, torch.SymInt) else int(size) for size in sizes]
    if len(fixed) != len(wanted) or any(
        f not in (None, w) for f, w in zip(fixed, wanted, strict=True)
    ):
        text = " x ".join("?" if f is None else str(f) for f in fixed)
        asked = " x ".join(str(w) for w in wanted)
        raise BadInput(f"input {node.name!r} reads {text}, not {asked}; leave the size away")
    return wanted


def is_arithmetic_on_sizes(node: fx.Node) -> bool:
    """True for nodes that compute shapes or unpack tuples, not tensors."""
    target = node.target
    if target is torch.ops.aten.sym_size.int or target is operator.getitem:
        return True
    return not isinstance(target, torch._ops.OpOverload)
