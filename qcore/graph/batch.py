"""Let the batch size of a graph vary that was recorded for one size."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, fx
from torch.utils._pytree import tree_leaves

from qcore.graph.program import Program
from qcore.graph.run import Runner, as_tuple

_aten = torch.ops.aten
_SHAPE_POSITION = {
    _aten.reshape.default: 1,
    _aten.expand.default: 1,
    _aten.full.default: 0,
    _aten.zeros.default: 0,
    _aten.ones.default: 0,
    _aten.new_full.default: 1,
    _aten.new_zeros.default: 1,
    _aten.new_ones.default: 1,
}
"""Operator -> where its shape stands among the arguments."""

_TOLERANCE = 1e-3  # of the largest value: other batch sizes take other kernels, never other maths
_GROUPS = 2


def free_batch(program: Program) -> Program:
    """The program with a batch size that varies where it computes the same; else as it is.

    A network exported for one image has shapes like (1, 1280) written into it. Where such a shape
    begins with the recorded batch size it is made to follow the input. Whether that was its meaning
    is not known from the graph, so it is tried: a batch must give what its images give one by one.
    """
    if program.batch is None:
        return program
    changed = _follow_input(program, program.batch)
    if varies(program, program.batch):
        return replace(program, batch=None)
    for node, args in changed:
        node.args = args
    return program


def varies(
    program: Program, batch: int, truth: Callable[[tuple[Tensor, ...]], object] | None = None
) -> bool:
    """True where several batches at once give what each of them gives by itself.

    ``truth`` computes the outputs of one batch of that size (default: the program).
    """
    generator = torch.Generator().manual_seed(0)
    shapes = [(_GROUPS * batch, *shape) for shape in program.input_shapes]
    inputs = tuple(torch.rand(shape, generator=generator) for shape in shapes)
    runner = Runner(program.graph, program.tensors, program.constants, program.input_nodes)
    alone = truth or runner
    try:
        with torch.inference_mode():
            together = as_tuple(runner(inputs))
            parts = [
                _tensors(alone(tuple(x[i : i + batch] for x in inputs)))
                for i in range(0, _GROUPS * batch, batch)
            ]
    except Exception:  # a shape that does not fit is found by whichever operator meets it
        return False
    return all(len(part) == len(together) for part in parts) and all(
        _close(whole, [part[i] for part in parts], batch) for i, whole in enumerate(together)
    )


def _tensors(outputs: object) -> list[Tensor]:
    """Whatever a module returns, as a list of its tensors."""
    return [leaf for leaf in tree_leaves(outputs) if isinstance(leaf, Tensor)]


def _close(whole: Tensor, parts: list[Tensor], batch: int) -> bool:
    if any(part.dim() == 0 or part.shape[0] != batch for part in parts):
        return False
    apart = torch.cat(parts)
    if whole.shape != apart.shape:
        return False
    largest = float(apart.abs().max()) if apart.numel() else 0.0
    return bool(torch.allclose(whole, apart, rtol=0, atol=_TOLERANCE * largest))


def _follow_input(program: Program, batch: int) -> list[tuple[fx.Node, tuple[Any, ...]]]:
    """Replace the batch size in shapes; returns the changed nodes and their old arguments."""
    first = next(n for n in program.graph.nodes if n.name == program.input_nodes[0])
    fixed = {n for n in program.graph.nodes if n.name in program.constants}
    changed: list[tuple[fx.Node, tuple[Any, ...]]] = []
    size: fx.Node | None = None
    for node in list(program.graph.nodes):
        if node.target not in _SHAPE_POSITION:
            continue
        position = _SHAPE_POSITION[node.target]
        shape = node.args[position]
        if not isinstance(shape, list | tuple) or not shape or shape[0] != batch:
            continue
        if node.target is _aten.reshape.default and node.args[0] in fixed:
            continue  # a weight's shape has nothing to do with images
        if size is None:
            with program.graph.inserting_after(_last_placeholder(program.graph)):
                size = program.graph.call_function(_aten.sym_size.int, (first, 0))
        changed.append((node, node.args))
        arguments = list(node.args)
        arguments[position] = [size, *shape[1:]]
        node.args = tuple(arguments)
    return changed


def _last_placeholder(graph: fx.Graph) -> fx.Node:
    found: fx.Node = [node for node in graph.nodes if node.op == "placeholder"][-1]
    return found
