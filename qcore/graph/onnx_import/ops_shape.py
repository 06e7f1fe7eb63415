"""Operators that rearrange tensors (ONNX operator specification, opsets 9 to 21)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from qcore.errors import BadInput
from qcore.graph.onnx_import.follow import follow_batch, resolve
from qcore.graph.onnx_import.step import Step
from qcore.graph.onnx_import.values import (
    axis_in,
    is_symbolic,
    number,
    numbers,
    product,
    tensor_of,
)


def axes_of(step: Step, given: Any) -> list[int] | None:
    """``axes``: an input from opset 13 (18 for reductions) on, an attribute before."""
    if given is not None:
        return [int(axis) for axis in numbers(given)]
    return step.integers("axes")


def _reshape(step: Step, x: Any, shape: Any) -> Any:
    x, target, zero = tensor_of(x), numbers(shape), step.flag("allowzero")
    if step.seen is None or not step.written_for_batch(target):
        return x.reshape(resolve(target, list(x.shape), zero))
    fixed = resolve(target, list(step.seen), zero)
    return x.reshape(follow_batch(fixed, step.seen, list(x.shape), step.batch or 1))


def _flatten(step: Step, x: Tensor) -> Tensor:
    axis = step.get("axis", 1)
    axis = axis + x.dim() if axis < 0 else axis
    if axis == 1 and x.dim() > 1:
        return torch.flatten(x, 1)
    return x.reshape(product(x.shape[:axis]), product(x.shape[axis:]))


def _transpose(step: Step, x: Tensor) -> Tensor:
    order = step.integers("perm")
    return x.permute(order if order is not None else list(range(x.dim()))[::-1])


def _squeeze(step: Step, x: Tensor, axes: Any = None) -> Tensor:
    chosen = axes_of(step, axes)
    if chosen is None:
        chosen = [i for i, size in enumerate(x.shape) if not is_symbolic(size) and size == 1]
    for axis in sorted((axis_in(a, x.dim()) for a in chosen), reverse=True):
        if is_symbolic(x.shape[axis]) or x.shape[axis] != 1:
            raise BadInput(
                "Squeeze takes away an axis that is not 1 wide, or the batch; "
                "export the network with a batch size that may vary"
            )
        x = x.squeeze(axis)
    return x


def _unsqueeze(step: Step, x: Tensor, axes: Any = None) -> Tensor:
    chosen = axes_of(step, axes) or []
    rank = x.dim() + len(chosen)
    for axis in sorted(axis_in(a, rank) for a in chosen):
        x = x.unsqueeze(axis)
    return x


def _concat(step: Step, *values: Any) -> Tensor:
    device = next((v.device for v in values if isinstance(v, Tensor)), None)
    parts = [tensor_of(v, device) for v in values]
    axis = axis_in(step.get("axis", 0), parts[0].dim())
    if step.batch == 1 and axis > 0:
        parts = _same_batch(parts)
    return torch.cat(parts, axis)


def _same_batch(parts: list[Tensor]) -> list[Tensor]:
    """Repeat what was stored for a batch of one, a class token for example."""
    wide = [p for p in parts if is_symbolic(p.shape[0]) or p.shape[0] != 1]
    if not wide or len(wide) == len(parts):
        return parts
    batch = wide[0].shape[0]
    return [p if any(p is w for w in wide) else p.expand([batch, *p.shape[1:]]) for p in parts]


def split_sizes(step: Step, length: int, given: Any) -> list[int]:
    """How long each part is. BadInput where the parts do not add up."""
    sizes = step.integers("split") if given is None else [int(n) for n in numbers(given)]
    if sizes is None:
        parts = step.get("num_outputs") or len(step.outputs)
        each = -(-length // parts)
        sizes = [min(each, max(length - i * each, 0)) for i in range(parts)]
    if sum(sizes) != length or min(sizes) < 0:
        raise BadInput(f"Split cuts an axis of {length} into {sizes}")
    return sizes


def _split(step: Step, x: Tensor, split: Any = None) -> tuple[Tensor, ...]:
    axis = axis_in(step.get("axis", 0), x.dim())
    return torch.split(x, split_sizes(step, int(x.shape[axis]), split), axis)


def _expand(step: Step, x: Any, shape: Any) -> Any:
    x, target = tensor_of(x), numbers(shape)
    if step.seen and len(step.seen) == x.dim() and step.written_for_batch(target):
        offset = len(target) - x.dim()
        for i, was in enumerate(step.seen):
            at = i + offset
            if at >= 0 and not is_symbolic(target[at]) and target[at] == was:
                target[at] = 1
    rank = max(len(target), x.dim())
    sizes = [1] * (rank - x.dim()) + list(x.shape)
    target = [1] * (rank - len(target)) + target
    # -1 keeps the input's size, as the target 1 does in ONNX.
    final = [s if not is_symbolic(t) and t == 1 else t for s, t in zip(sizes, target, strict=True)]
    return x.expand(final)


def _tile(step: Step, x: Any, repeats: Any) -> Tensor:
    return tensor_of(x).repeat(numbers(repeats))


def _blocks(step: Step, x: Tensor) -> tuple[int, Any, int, int, int]:
    size = step.get("blocksize")
    if not isinstance(size, int) or size < 1 or x.dim() != 4:
        raise BadInput(f"{step.op} needs a blocksize of 1 or more and 4 dimensions")
    return (size, *x.shape)


def _depth_to_space(step: Step, x: Tensor) -> Tensor:
    size, n, c, h, w = _blocks(step, x)
    if step.get("mode", "DCR") == "DCR":
        y = x.reshape(n, size, size, c // size**2, h, w).permute(0, 3, 4, 1, 5, 2)
    else:
        y = x.reshape(n, c // size**2, size, size, h, w).permute(0, 1, 4, 2, 5, 3)
    return y.reshape(n, c // size**2, h * size, w * size)


def _space_to_depth(step: Step, x: Tensor) -> Tensor:
    size, n, c, h, w = _blocks(step, x)
    y = x.reshape(n, c, h // size, size, w // size, size).permute(0, 3, 5, 1, 2, 4)
    return y.reshape(n, c * size**2, h // size, w // size)


def _dropout(step: Step, x: Tensor, *_: Any) -> Any:
    """The network is in evaluation mode: nothing is dropped."""
    return (x, torch.ones_like(x, dtype=torch.bool)) if len(step.outputs) > 1 else x


def _trilu(step: Step, x: Tensor, k: Any = None) -> Tensor:
    diagonal = 0 if k is None else int(number(k))
    return torch.triu(x, diagonal) if step.flag("upper", 1) else torch.tril(x, diagonal)


SHAPES: dict[str, Callable[..., Any]] = {
    "Reshape": _reshape,
    "Flatten": _flatten,
    "Transpose": _transpose,
    "Squeeze": _squeeze,
    "Unsqueeze": _unsqueeze,
    "Concat": _concat,
    "Split": _split,
    "Expand": _expand,
    "Tile": _tile,
    "Identity": lambda step, x: x,
    "Dropout": _dropout,
    "DepthToSpace": _depth_to_space,
    "SpaceToDepth": _space_to_depth,
    "Trilu": _trilu,
}
