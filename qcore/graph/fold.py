"""Compute at load what does not depend on the image: constants, and batch norm after a layer."""

from __future__ import annotations

import operator

import torch
from torch import Tensor, fx
from torch.nn.utils import fuse_conv_bn_weights

from qcore.graph.ops import LAYER_OPS, TRANSPOSED_OPS
from qcore.graph.program import Program

_BATCH_NORM = torch.ops.aten._native_batch_norm_legit_no_training.default


def fold_constants(program: Program) -> None:
    """Evaluate every node that depends on stored tensors alone and store the result instead.

    Weight standardisation, weight norm and position tables become plain constants this way.
    Creation operators without a tensor argument stay: nothing is gained by storing zeros.
    """
    nodes = {node.name: node for node in program.graph.nodes}
    known: dict[fx.Node, str] = {nodes[n]: key for n, key in program.constants.items()}
    for node in list(program.graph.nodes):
        sources = node.all_input_nodes
        if node.op != "call_function" or not sources or any(s not in known for s in sources):
            continue
        arguments = fx.node.map_arg((node.args, node.kwargs), lambda n: program.tensors[known[n]])
        value = node.target(*arguments[0], **arguments[1])
        if not isinstance(value, Tensor):
            continue
        weights = [known[s] for s in sources if known[s].endswith("weight")]
        base = weights[0] if len(weights) == 1 else f"{node.name}.constant"
        key = _free_key(program, base)
        known[node] = key
        _add_constant(program, node, key, value)
    _drop_unused(program)


def fold_batch_norms(program: Program) -> int:
    """Fold each batch norm that alone consumes a layer's output into that layer; returns how many.

    W' = W * gamma / sqrt(var + eps) per output channel, b' = (b - mean) * gamma / sqrt(var + eps) +
    beta, in float64. Jacob et al. 2018 (arXiv 1712.05877), section 3.2, equation 14. Example:
    w = 2, b = 0.5, mean 1, var 4, gamma 3, beta -1, eps 0 gives w' = 3, b' = -1.75.
    """
    folded = 0
    for norm in list(program.graph.nodes):
        if norm.target is _BATCH_NORM and _foldable(program, norm):
            _fold_one(program, norm)
            folded += 1
    _drop_unused(program)
    return folded


def _foldable(program: Program, norm: fx.Node) -> bool:
    layer = norm.args[0]
    if not isinstance(layer, fx.Node) or layer.target not in LAYER_OPS or len(layer.users) != 1:
        return False
    weight = layer.args[1]
    bias = layer.args[2] if len(layer.args) > 2 else None
    constant = all(
        isinstance(a, fx.Node) and a.name in program.constants for a in (weight, *norm.args[1:5])
    )
    # A weight shared by two layers has two norms: folding one would change the other.
    if not constant or len(weight.users) != 1:  # type: ignore[union-attr]
        return False
    only_first_output = all(u.target is operator.getitem and u.args[1] == 0 for u in norm.users)
    return only_first_output and (bias is None or bias.name in program.constants)  # type: ignore


def _fold_one(program: Program, norm: fx.Node) -> None:
    layer, *rest = norm.args
    assert isinstance(layer, fx.Node)
    value = _reader(program)
    gamma, beta, mean, var = (value(node) for node in rest[:4])
    eps = float(norm.args[6])  # type: ignore[arg-type]
    bias_node = layer.args[2] if len(layer.args) > 2 else None
    weight_node = layer.args[1]
    weight = value(weight_node)
    bias = None if bias_node is None else value(bias_node)
    transposed = layer.target in TRANSPOSED_OPS
    new_weight, new_bias = fuse_conv_bn_weights(
        weight, bias, mean, var, eps, gamma, beta, transpose=transposed
    )
    weight_key = program.constants[weight_node.name]  # type: ignore[union-attr]
    program.tensors[weight_key] = new_weight.detach().float()
    if bias_node is None or len(bias_node.users) > 1:  # type: ignore[union-attr]
        key = _free_key(program, weight_key.removesuffix("weight") + "bias")
        first = next(iter(program.graph.nodes))
        with program.graph.inserting_before(first):
            bias_node = program.graph.placeholder(f"folded_{layer.name}_bias")
        program.constants[bias_node.name] = key
    else:
        key = program.constants[bias_node.name]  # type: ignore[union-attr]
    program.tensors[key] = new_bias.detach().float()
    layer.args = (layer.args[0], weight_node, bias_node, *layer.args[3:])
    for user in list(norm.users):
        user.replace_all_uses_with(layer)
        program.graph.erase_node(user)
    program.graph.erase_node(norm)


def _reader(program: Program):  # type: ignore[no-untyped-def]
    return lambda node: program.tensors[program.constants[node.name]].double()


def _add_constant(program: Program, node: fx.Node, key: str, value: Tensor) -> None:
    first = next(iter(program.graph.nodes))
    with program.graph.inserting_before(first):
        stored = program.graph.placeholder(f"constant_{node.name}")
    program.tensors[key] = value.detach()
    program.constants[stored.name] = key
    node.replace_all_uses_with(stored)


def _free_key(program: Program, base: str) -> str:
    key, number = base, 2
    while key in program.tensors:
        key, number = f"{base}.{number}", number + 1
    return key


def _drop_unused(program: Program) -> None:
    for node in reversed(list(program.graph.nodes)):
        if node.op == "output" or node.name == program.input_node or node.users:
            continue
        program.graph.erase_node(node)
        program.constants.pop(node.name, None)
    used = set(program.constants.values())
    for key in [key for key in program.tensors if key not in used]:
        del program.tensors[key]
