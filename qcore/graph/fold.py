"""Compute at load what does not depend on the image: constants, and batch norm after a layer."""

from __future__ import annotations

import operator
from typing import Any

import torch
from torch import Tensor, fx

from qcore.graph.constant_sizes import Budget
from qcore.graph.operand_sizes import check_operands
from qcore.graph.ops import LAYER_OPS, TRANSPOSED_OPS, groups_of
from qcore.graph.program import Program

_BATCH_NORM = torch.ops.aten._native_batch_norm_legit_no_training.default


def fold_constants(program: Program) -> None:
    """Evaluate every node that depends on stored tensors alone and store the result instead.

    Weight standardisation, weight norm and position tables become plain constants this way.
    Creation operators without a tensor argument stay: nothing is gained by storing zeros. Raises
    BadInput for constants that are much larger than what the file stores.
    """
    budget = Budget(program.tensors)
    nodes = {node.name: node for node in program.graph.nodes}
    known: dict[fx.Node, Any] = {nodes[n]: program.tensors[k] for n, k in program.constants.items()}
    for node in program.graph.nodes:
        sources = node.all_input_nodes
        if node.op == "call_function" and sources and all(s in known for s in sources):
            args, kwargs = fx.node.map_arg((node.args, node.kwargs), known.__getitem__)
            check_operands(node.target, args, kwargs)
            budget.expect(node)
            known[node] = node.target(*args, **kwargs)
            budget.spend(node, known[node])
    stored = []
    for node, value in known.items():
        read = any(user not in known for user in node.users)
        if node.op == "call_function" and read and isinstance(value, Tensor):
            key = _constant_key(node)
            placeholder = _new_placeholder(program, f"constant_{node.name}")
            node.replace_all_uses_with(placeholder)
            stored.append((placeholder.name, key, value))
    _drop_unused(program)  # first, so that a computed weight can take the place of its source
    for name, wanted, value in stored:
        program.constants[name] = key = _free_key(program, wanted)
        program.tensors[key] = value.detach()


def _constant_key(node: fx.Node) -> str:
    """A computed weight is called after the module that uses it, as a stored one would be."""
    for user in node.users:
        if user.target in LAYER_OPS and len(user.args) > 1 and user.args[1] is node:
            stack = list((user.meta.get("nn_module_stack") or {}).values())
            path = stack[-1][0] if stack else ""
            return f"{path}.weight" if path else "weight"
    return f"{node.name}.constant"


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
    # Over a sequence of vectors the norm's channels are positions, not the layer's outputs.
    if LAYER_OPS[layer.target] == "linear" and layer.meta["val"].dim() != 2:
        return False
    weight, bias = layer.args[1], _bias(layer)
    read = (weight, *norm.args[1:5]) if bias is None else (weight, bias, *norm.args[1:5])
    if not all(isinstance(a, fx.Node) and a.name in program.constants for a in read):
        return False
    # A weight shared by two layers has two norms: folding one would change the other.
    if not isinstance(weight, fx.Node) or len(weight.users) != 1:
        return False
    return all(u.target is operator.getitem and u.args[1] == 0 for u in norm.users)


def _bias(layer: fx.Node) -> Any:
    return layer.args[2] if len(layer.args) > 2 else layer.kwargs.get("bias")


def _fold_one(program: Program, norm: fx.Node) -> None:
    layer, weight_node = norm.args[0], norm.args[0].args[1]  # type: ignore[union-attr]
    assert isinstance(layer, fx.Node)
    assert isinstance(weight_node, fx.Node)
    gamma, beta, mean, var = (_value(program, node) for node in norm.args[1:5])
    bias_node = _bias(layer)
    bias = torch.zeros_like(mean) if bias_node is None else _value(program, bias_node)
    factor = gamma / torch.sqrt(var + float(norm.args[6]))  # type: ignore[arg-type]
    weight = _times_per_kernel(_value(program, weight_node), factor, layer)
    weight_key = program.constants[weight_node.name]
    program.tensors[weight_key] = weight.float()
    if bias_node is None or len(bias_node.users) > 1:
        key = _free_key(program, weight_key.removesuffix("weight") + "bias")
        bias_node = _new_placeholder(program, f"folded_{layer.name}_bias")
        program.constants[bias_node.name] = key
    else:
        key = program.constants[bias_node.name]
    program.tensors[key] = ((bias - mean) * factor + beta).float()
    layer.args = (layer.args[0], weight_node, bias_node, *layer.args[3:])
    for user in list(norm.users):
        user.replace_all_uses_with(layer)
        program.graph.erase_node(user)
    program.graph.erase_node(norm)


def _times_per_kernel(weight: Tensor, factor: Tensor, layer: fx.Node) -> Tensor:
    """Each kernel of the weight times its own factor, factor (kernels,)."""
    if layer.target not in TRANSPOSED_OPS:
        return weight * factor.reshape(-1, *[1] * (weight.dim() - 1))
    # Stored as (inputs, outputs / groups, ...), the inputs of one group after another.
    groups = groups_of(layer.target, layer.args, dict(layer.kwargs))
    of_group = factor.reshape(groups, 1, -1, *[1] * (weight.dim() - 2))
    return (weight.reshape(groups, -1, *weight.shape[1:]) * of_group).flatten(0, 1)


def _value(program: Program, node: Any) -> Tensor:
    return program.tensors[program.constants[node.name]].double()


def _new_placeholder(program: Program, name: str) -> fx.Node:
    with program.graph.inserting_before(next(iter(program.graph.nodes))):
        return program.graph.placeholder(name)


def _free_key(program: Program, base: str) -> str:
    key, number = base, 2
    while key in program.tensors:
        key, number = f"{base}.{number}", number + 1
    return key


def _drop_unused(program: Program) -> None:
    for node in reversed(list(program.graph.nodes)):
        if node.op == "output" or node.name in program.input_nodes or node.users:
            continue
        program.graph.erase_node(node)
        program.constants.pop(node.name, None)
    used = set(program.constants.values())
    for key in [key for key in program.tensors if key not in used]:
        del program.tensors[key]
