"""Which results of a network its loss is computed on, in the form the loss needs."""

from __future__ import annotations

import torch
from torch import Tensor, fx

from qcore.errors import BadInput, is_out_of_memory
from qcore.graph.probabilities import are_probabilities, scores_of
from qcore.graph.program import Program
from qcore.graph.run import Runner, as_tuple

_aten = torch.ops.aten

Shape = tuple[int, ...]


def tidy_outputs(program: Program) -> tuple[tuple[Shape, ...], tuple[str, ...]]:
    """Keep what has a row of numbers for each image; returns shapes without the batch, and notes.

    Outputs that are no floating-point numbers or do not begin with the batch are left out. Class
    scores (N, classes, 1, 1) become (N, classes), and probabilities become scores: the losses apply
    a softmax of their own, and the order of the classes stays. Raises BadInput where nothing is
    left.
    """
    inputs = _some_images(program)
    values = _run(program, inputs)
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
    final = []
    for node, value in kept:
        shape = tuple(value.shape[1:])
        if _flat(shape) != shape:
            node = _flattened(program, node)
        if are_probabilities(value.flatten(1)):
            node, note = scores_of(program, node, inputs)
            notes.append(note)
        final.append(node)
    _output(program).args = (tuple(final),)
    _drop_dead(program.graph)
    shapes = tuple(_flat(tuple(value.shape[1:])) for _, value in kept)
    return shapes, tuple(dict.fromkeys(notes))


def _some_images(program: Program) -> tuple[Tensor, ...]:
    generator = torch.Generator().manual_seed(0)
    shapes = [(program.batch or 2, *shape) for shape in program.input_shapes]
    return tuple(torch.rand(shape, generator=generator) for shape in shapes)


def _run(program: Program, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    runner = Runner(program.graph, program.tensors, program.constants, program.input_nodes)
    try:
        with torch.inference_mode():
            return as_tuple(runner(inputs))
    except Exception as error:  # any operator of a broken graph
        if is_out_of_memory(error):
            raise
        reason = str(error).strip().splitlines()[0] if str(error).strip() else repr(error)
        raise BadInput(
            f"this network cannot be run on an image ({reason[:200]}); export it again"
        ) from error


def _fault(value: object, images: int) -> str | None:
    if not isinstance(value, Tensor) or not value.is_floating_point():
        return "holds no floating-point numbers"
    if value.dim() < 2 or value.shape[0] != images or value[0].numel() == 0:
        return f"has shape {tuple(value.shape)} for {images} images"
    return None


def _flattened(program: Program, node: fx.Node) -> fx.Node:
    with program.graph.inserting_before(_output(program)):
        return program.graph.call_function(_aten.flatten.using_ints, (node, 1))


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
