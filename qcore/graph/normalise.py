"""Make a graph independent of memory: of layouts, and of what was in it before."""

from __future__ import annotations

import torch
from torch import fx

_aten = torch.ops.aten
_ZEROS = {
    _aten.empty.memory_format: (_aten.zeros.default, 1),
    _aten.empty_strided.default: (_aten.zeros.default, 1),
    _aten.empty_permuted.default: (_aten.zeros.default, 1),
    _aten.empty_like.default: (_aten.zeros_like.default, 1),
    _aten.new_empty.default: (_aten.new_zeros.default, 2),
    _aten.new_empty_strided.default: (_aten.new_zeros.default, 2),
}
"""Operator without values -> the one with zeros, and how many of its arguments that takes."""


def normalise(graph: fx.Graph) -> None:
    """Replace views by reshapes and allocations by zeros; drop nodes without effect.

    A view that was legal for the traced layout need not be for channels-last. What an allocation
    holds is chance (torch makes some itself, for example to pad in a circle), and may be data of
    another network.
    """
    for node in graph.nodes:
        if node.target is _aten.view.default:
            node.target = _aten.reshape.default
        elif node.target in _ZEROS:
            node.target, count = _ZEROS[node.target]
            node.args = node.args[:count]
            node.kwargs = {k: v for k, v in node.kwargs.items() if k != "memory_format"}
    for node in reversed(list(graph.nodes)):
        if node.op == "call_function" and not node.users:
            graph.erase_node(node)
