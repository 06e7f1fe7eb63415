"""Which results of a network its loss is computed on, in the form the loss needs."""

from __future__ import annotations

import torch
from torch import Tensor, fx

from qcore.errors import BadInput, is_out_of_memory
from qcore.graph.program import Program
from qcore.graph.run import Runner, as_tuple

_aten = torch.ops.aten
_SOFTMAX = {_aten.softmax.int, _aten._softmax.default}

Shape = tuple[int, ...]


def tidy_outputs(program: Program) -> tuple[tuple[Shape, ...], tuple[str, ...]]:
    """Keep what has a row of numbers for each image; returns shapes without the batch, and notes.

    Outputs that are no floating-point numbers or do not begin with the batch are left out. Class
    scores (N, classes, 1, 1) become (N, classes), and a softmax at the very end is taken off: the
    losses apply their own, and the order of the classes stays. Raises BadInput where nothing is
    left.
    """
    values = _run(program)
    images = program.batch or 2
    notes = []
    kept: list[tuple[fx.Node, Tensor]] = []
    results = _results(program)
    for number, (node, value) in enumerate(zip(results, values, strict=True), 1):
        fault = _fault(value, images)
        if fault is None:
            kept.append((node, value))
        elif len(results) > 1:
            notes.append(f"output {number} of {len(results)} is left out of the loss: it {fault}")
        else:
            raise BadInput(f"the output of this network {fault}; nothing can be measured on it")
    if not kept:
        raise BadInput("no output of this network holds numbers for each image")
    final, softmax_taken = [], False
    for node, value in kept:
        node, taken = _scores(program.graph, node, value)
        final.append(node)
        softmax_taken = softmax_taken or taken
    _output(program).args = (tuple(final),)
    _drop_dead(program.graph)
    if softmax_taken:
        notes.append("the softmax at the end is left out: the loss is computed on its input")
    shapes = tuple(_flat(tuple(value.shape[1:])) for _, value in kept)
    return shapes, tuple(notes)


def _run(program: Program) -> tuple[Tensor, ...]:
    runner = Runner(program.graph, program.tensors, program.constants, program.input_nodes)
    inputs = tuple(torch.zeros(program.batch or 2, *shape) for shape in program.input_shapes)
    try:
        with torch.inference_mode():
            return as_tuple(runner(inputs))
    except Exception as error:  # any operator of a broken graph
        if is_out_of_memory(error):
            raise
        reason = str(error).strip().splitlines()[0] if str(error).strip() else repr(error)
        raise BadInput(
            f"this network cannot be run on a blank image ({reason[:200]}); export it again"
        ) from error


def _fault(value: object, images: int) -> str | None:
    if not isinstance(value, Tensor) or not value.is_floating_point():
        return "holds no floating-point numbers"
    if value.dim() < 2 or value.shape[0] != images or value[0].numel() == 0:
        return f"has shape {tuple(value.shape)} for {images} images"
    return None


def _scores(graph: fx.Graph, node: fx.Node, value: Tensor) -> tuple[fx.Node, bool]:
    """The node without its softmax and without trailing sizes of one, and whether there was one."""
    shape = tuple(value.shape[1:])
    taken = False
    if len(_flat(shape)) == 1 and node.target in _SOFTMAX and node.args[1] in (1, 1 - value.dim()):
        node, taken = node.args[0], True  # type: ignore[assignment]
    if _flat(shape) != shape:
        with graph.inserting_before(next(n for n in graph.nodes if n.op == "output")):
            node = graph.call_function(_aten.flatten.using_ints, (node, 1))
    return node, taken


def _flat(shape: Shape) -> Shape:
    return shape[:1] if all(size == 1 for size in shape[1:]) else shape


def _output(program: Program) -> fx.Node:
    found: fx.Node = next(node for node in program.graph.nodes if node.op == "output")
    return found


def _results(program: Program) -> list[fx.Node]:
    return list(_output(program).args[0])  # type: ignore[arg-type]


def _drop_dead(graph: fx.Graph) -> None:
    for node in reversed(list(graph.nodes)):
        if node.op == "call_function" and not node.users:
            graph.erase_node(node)
