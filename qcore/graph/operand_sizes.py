"""Sizes and modes of operands that torch's kernels take on trust.

Some ATen kernels read as many values as their first operand asks for, from operands that may have
fewer: a batch norm of 4,096 channels whose bias holds one value returns what happens to lie behind
it in memory. Others leave their result as it was allocated for a mode that they do not know. So
each such call is checked before it is made: once on the sizes that the graph states, where they
are known, and again on the tensors of every run, because sizes may follow the input.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import fx
from torch.fx.experimental.symbolic_shapes import statically_known_true

from qcore.errors import BadInput

Check = Callable[[dict[str, Any]], str | None]
"""Arguments by name -> what is wrong with them."""


def check_operands(target: Any, args: Any, kwargs: Any) -> None:
    """BadInput, naming the operator, for operands that torch itself does not compare."""
    check = check_of(target)
    if check is None:
        return
    stated = target._schema.arguments
    bound = {a.name: a.default_value for a in stated if a.has_default_value()}
    bound.update(zip((a.name for a in stated), args, strict=False))
    wrong = check({**bound, **kwargs})
    if wrong:
        name = target._schema.name.removeprefix("aten::")
        raise BadInput(f"operator {name} cannot be run: {wrong}; export the network again")


def check_of(target: Any) -> Check | None:
    """What has to be checked before each call of an operator."""
    return _CHECKS.get(target._schema.name) if isinstance(target, torch._ops.OpOverload) else None


def check_graph(graph: fx.Graph) -> None:
    """``check_operands`` for every node of a traced graph, on the sizes it was traced with.

    A size that follows the input is left to the check of the run.
    """
    for node in graph.nodes:
        if node.op != "call_function" or not isinstance(node.target, torch._ops.OpOverload):
            continue
        args, kwargs = fx.node.map_arg((node.args, node.kwargs), lambda n: n.meta.get("val"))
        check_operands(node.target, args, kwargs)
        if node.target._schema.name not in _CHECKS and _is_random(node.target):
            name = node.target._schema.name.removeprefix("aten::")
            raise BadInput(
                f"operator {name} draws random numbers: the network would give another result "
                "each time; export it in evaluation mode"
            )


def _is_random(target: torch._ops.OpOverload) -> bool:
    return torch.Tag.nondeterministic_seeded in target.tags


def _differ(a: Any, b: Any) -> bool:
    """True where two sizes are known not to be equal."""
    return statically_known_true(a != b)


def _text(shape: Any) -> str:
    return " x ".join(str(size) for size in shape) or "none"


def _batch_norm(given: dict[str, Any]) -> str | None:
    x = given["input"]
    if x.dim() < 2:
        return f"its input has {x.dim()} dimension(s), not a batch of channels"
    for name in ("weight", "bias", "running_mean", "running_var"):
        value = given.get(name)
        if value is None:
            continue
        if value.dim() != 1 or _differ(value.shape[0], x.shape[1]):
            return f"its {name} is {_text(value.shape)} for {x.shape[1]} channels"
    return None


def _weight_norm(given: dict[str, Any]) -> str | None:
    v, g, dim = given["v"], given["g"], given["dim"]
    # Along other axes it is computed by operators that broadcast.
    if v.dim() == 0 or dim not in (0, v.dim() - 1):
        return None
    size = v.shape[dim]
    if _differ(g.numel(), size):
        return f"its g holds {g.numel()} value(s) for {size} of v"
    return None


def _attention(given: dict[str, Any]) -> str | None:
    q, k, v = given["query"], given["key"], given["value"]
    if given.get("dropout_p"):
        return "it drops values at random; export the network in evaluation mode"
    if min(q.dim(), k.dim(), v.dim()) < 2:
        return "its query, key and value need two dimensions at least"
    shapes = f"query {_text(q.shape)}, key {_text(k.shape)}, value {_text(v.shape)}"
    if _differ(q.shape[-1], k.shape[-1]) or _differ(k.shape[-2], v.shape[-2]):
        return f"its operands do not fit ({shapes})"
    groups = 3 if given.get("enable_gqa") else 2  # then each key serves several query heads
    leading = [tuple(x.shape[:-groups]) for x in (q, k, v)]
    if not _broadcast(*leading):
        return f"its operands do not fit ({shapes})"
    mask = given.get("attn_mask")
    if mask is None:
        return None
    scores = zip(mask.shape[::-1], (k.shape[-2], q.shape[-2]), strict=False)
    short = any(_differ(have, 1) and _differ(have, want) for have, want in scores)
    if short or not _broadcast(tuple(mask.shape[:-2]), tuple(q.shape[:-2])):
        return f"its mask {_text(mask.shape)} does not fit ({shapes})"
    return None


def _broadcast(*shapes: tuple[Any, ...]) -> bool:
    """False where shapes are known not to broadcast to one."""
    for column in range(1, max(len(shape) for shape in shapes) + 1):
        sizes = [shape[-column] for shape in shapes if len(shape) >= column]
        whole = [size for size in sizes if _differ(size, 1)]
        if any(_differ(size, whole[0]) for size in whole[1:]):
            return False
    return True


def _grid(given: dict[str, Any]) -> str | None:
    for name in ("interpolation_mode", "padding_mode"):
        if given[name] not in (0, 1, 2):
            return f"its {name} is {given[name]}, not 0, 1 or 2"
    return None


def _pooled(given: dict[str, Any]) -> str | None:
    if any(statically_known_true(size < 1) for size in given["output_size"]):
        return f"its output size is {_text(given['output_size'])}"
    return None


def _in_training(given: dict[str, Any]) -> str | None:
    on = given.get("train", given.get("training"))
    chance = given.get("p", given.get("dropout", 1))
    return (
        "it is in training mode; export the network in evaluation mode" if on and chance else None
    )


def _named(check: Check, names: str) -> dict[str, Check]:
    return {f"aten::{name}": check for name in names.split()}


_CHECKS: dict[str, Check] = {
    **_named(
        _batch_norm,
        "batch_norm instance_norm native_batch_norm _native_batch_norm_legit "
        "_native_batch_norm_legit_functional _native_batch_norm_legit_no_training "
        "_batch_norm_impl_index _batch_norm_no_update _batch_norm_with_update cudnn_batch_norm",
    ),
    **_named(_weight_norm, "_weight_norm _weight_norm_interface"),
    **_named(
        _attention,
        "scaled_dot_product_attention _scaled_dot_product_attention_math "
        "_scaled_dot_product_flash_attention_for_cpu",
    ),
    **_named(_grid, "grid_sampler grid_sampler_2d grid_sampler_3d"),
    **_named(
        _pooled,
        "_adaptive_avg_pool2d _adaptive_avg_pool3d adaptive_avg_pool1d adaptive_avg_pool2d "
        "adaptive_avg_pool3d adaptive_max_pool1d adaptive_max_pool2d adaptive_max_pool3d",
    ),
    **_named(
        _in_training,
        "dropout alpha_dropout feature_dropout feature_alpha_dropout native_dropout rrelu lstm gru "
        "rnn_relu rnn_tanh",
    ),
}
