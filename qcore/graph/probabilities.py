"""Class probabilities back to scores: the losses apply a softmax of their own."""

from __future__ import annotations

import torch
from torch import Tensor, fx

from qcore.graph.program import Program
from qcore.graph.run import Runner, as_tuple

_aten = torch.ops.aten
_SOFTMAX = {_aten.softmax.int, _aten._softmax.default}
_SHAPE_ONLY = {
    _aten.reshape.default,
    _aten.flatten.using_ints,
    _aten.squeeze.default,
    _aten.squeeze.dim,
    _aten.squeeze.dims,
    _aten.clone.default,
    _aten.alias.default,
    _aten.permute.default,
    _aten.contiguous.default,
}
"""Operators through which probabilities pass as they are."""

_SMALLEST = 1e-30  # of a probability, so that its logarithm is finite
TAKEN = "the softmax at the end is left out: the loss is computed on its input"
LOGARITHM = "the outputs are probabilities: the loss is computed on their logarithm"


def are_probabilities(value: Tensor) -> bool:
    """True where (N, classes) are not negative and sum to 1 for every image."""
    if value.dim() != 2 or value.shape[1] < 2:
        return False
    sums = value.double().sum(1)
    return bool((value >= 0).all() and torch.allclose(sums, torch.ones_like(sums), atol=1e-4))


def scores_of(program: Program, node: fx.Node, inputs: tuple[Tensor, ...]) -> tuple[fx.Node, str]:
    """An output of the graph that gives scores instead of the probabilities ``node`` (N, classes).

    Takes the softmax away where one stands before nothing but changes of shape, and where what is
    left gives the same after a softmax; else takes the logarithm. Returns the node and a note.
    """
    graph = program.graph
    output = next(n for n in graph.nodes if n.op == "output")
    chain: list[fx.Node] = []
    at = node
    # A node of the chain gets another input: nobody else may read it.
    while at.target in _SHAPE_ONLY and set(at.users) <= {output, *chain}:
        chain.append(at)
        at = at.args[0]  # type: ignore[assignment]
    if at.target in _SOFTMAX:
        before = _value_of(program, node, inputs)
        source = at.args[0]
        assert isinstance(source, fx.Node)
        if chain:
            chain[-1].replace_input_with(at, source)
        found = node if chain else source
        after = _value_of(program, found, inputs)
        if after.shape == before.shape and torch.allclose(after.softmax(1), before, atol=1e-5):
            return found, TAKEN
        if chain:
            chain[-1].replace_input_with(source, at)
    with graph.inserting_before(output):
        floor = graph.call_function(_aten.clamp_min.default, (node, _SMALLEST))
        return graph.call_function(_aten.log.default, (floor,)), LOGARITHM


def _value_of(program: Program, node: fx.Node, inputs: tuple[Tensor, ...]) -> Tensor:
    """What a node gives for these inputs."""
    output = next(n for n in program.graph.nodes if n.op == "output")
    kept = output.args
    output.args = ((node,),)
    try:
        runner = Runner(program.graph, program.tensors, program.constants, program.input_nodes)
        with torch.inference_mode():
            return as_tuple(runner(inputs))[0]
    finally:
        output.args = kept
