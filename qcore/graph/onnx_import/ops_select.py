"""Operators that pick elements by position (ONNX operator specification, opsets 9 to 21)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from qcore.errors import BadInput
from qcore.graph.onnx_import.step import Step
from qcore.graph.onnx_import.values import (
    HostArray,
    axis_in,
    check_count,
    is_symbolic,
    number,
    numbers,
    tensor_of,
)


def _gather(step: Step, x: Any, indices: Any) -> Any:
    device = indices.device if isinstance(indices, Tensor) else x.device
    x = tensor_of(x, device)
    axis = axis_in(step.get("axis", 0), x.dim())
    if isinstance(indices, np.ndarray) and indices.ndim == 0:
        return x.select(axis, int(number(indices)))
    where = _wrapped(tensor_of(indices, x.device), x.shape[axis])
    flat = x.index_select(axis, where.reshape(-1))
    return flat.reshape([*x.shape[:axis], *where.shape, *x.shape[axis + 1 :]])


def _wrapped(indices: Tensor, length: Any) -> Tensor:
    """Negative positions count from the end."""
    return torch.where(indices < 0, indices + length, indices).to(torch.int64)


def _gather_elements(step: Step, x: Any, indices: Any) -> Tensor:
    device = indices.device if isinstance(indices, Tensor) else x.device
    x, indices = tensor_of(x, device), tensor_of(indices, device)
    axis = axis_in(step.get("axis", 0), x.dim())
    return torch.gather(x, axis, _wrapped(indices, x.shape[axis]))


def _gather_nd(step: Step, x: Any, indices: Any) -> Any:
    device = indices.device if isinstance(indices, Tensor) else x.device
    x, indices = tensor_of(x, device), tensor_of(indices, device)
    batch = int(step.get("batch_dims", 0))
    depth = int(indices.shape[-1])
    # Axes before batch_dims are paired with a count of their own.
    picks: list[Tensor] = []
    rank = indices.dim() - 1
    for i in range(batch):
        view = [1] * rank
        view[i] = -1
        picks.append(torch.arange(x.shape[i], device=device).reshape(view))
    for i in range(depth):
        picks.append(_wrapped(indices.select(-1, i), x.shape[batch + i]))
    return x[tuple(picks)]


def _scatter_nd(step: Step, x: Any, indices: Any, updates: Any) -> Any:
    device = next((v.device for v in (x, indices, updates) if isinstance(v, Tensor)), None)
    x, indices, updates = (tensor_of(v, device) for v in (x, indices, updates))
    if step.get("reduction", "none") not in ("none", "add"):
        raise BadInput(f"ScatterND with reduction {step.get('reduction')!r} is not supported")
    depth = int(indices.shape[-1])
    picks = tuple(_wrapped(indices.select(-1, i), x.shape[i]) for i in range(depth))
    add = step.get("reduction", "none") == "add"
    return torch.index_put(x, picks, updates, accumulate=add)


def slice_spans(step: Step, rank: int, given: tuple[Any, ...]) -> list[tuple[int, Any, Any, int]]:
    """(axis, start, end, step) of a Slice: inputs from opset 10 on, attributes before."""
    if given:
        starts, ends = numbers(given[0]), numbers(given[1])
        axes = numbers(given[2]) if len(given) > 2 and given[2] is not None else None
        steps = numbers(given[3]) if len(given) > 3 and given[3] is not None else None
    else:
        starts, ends = step.integers("starts") or [], step.integers("ends") or []
        axes, steps = step.integers("axes"), None
    axes = axes if axes is not None else list(range(len(starts)))
    steps = steps if steps is not None else [1] * len(starts)
    if not len(starts) == len(ends) == len(axes) == len(steps) or 0 in steps:
        raise BadInput("Slice has lists of different lengths, or a step of 0")
    spans = zip(axes, starts, ends, steps, strict=True)
    return [(axis_in(int(a), rank), s, e, int(by)) for a, s, e, by in spans]


def _slice(step: Step, x: Any, *given: Any) -> Any:
    x = tensor_of(x)
    for axis, start, end, by in slice_spans(step, x.dim(), given):
        size = x.shape[axis]
        if by > 0:
            index = [slice(None)] * axis + [slice(start, end, by)]
            x = x[tuple(index)]
            continue
        if is_symbolic(size):
            raise BadInput("Slice runs backwards over the batch; export the network without it")
        kept = range(*slice(start, _backwards_end(end, size), by).indices(int(size)))
        x = x.index_select(axis, torch.tensor(list(kept), dtype=torch.int64, device=x.device))
    return x


def _backwards_end(end: int, size: int) -> int | None:
    """An end before the first element means all of them; Python would count it from the back."""
    return None if end < -size else end


def _pad(step: Step, x: Any, pads: Any = None, value: Any = None, axes: Any = None) -> Any:
    x, rank = tensor_of(x), x.ndim
    widths = numbers(pads) if pads is not None else step.integers("pads") or []
    chosen = (
        [axis_in(int(a), rank) for a in numbers(axes)] if axes is not None else list(range(rank))
    )
    if len(widths) != 2 * len(chosen):
        raise BadInput(f"Pad gives {len(widths)} widths for {len(chosen)} axes")
    mode = step.get("mode", "constant")
    ends = {a: (widths[i], widths[i + len(chosen)]) for i, a in enumerate(chosen)}
    if mode == "constant":
        fill = step.get("value", 0.0) if value is None else number(value)
        pairs = [n for axis in range(rank)[::-1] for n in ends.get(axis, (0, 0))]
        return F.pad(x, pairs, value=fill)
    for axis, (before, after) in ends.items():
        if before or after:
            kept = _positions(int(x.shape[axis]), int(before), int(after), mode)
            x = x.index_select(axis, torch.tensor(kept, device=x.device))
    return x


def _positions(size: int, before: int, after: int, mode: str) -> HostArray:
    """Which elements of an axis a padded axis holds."""
    if mode not in ("reflect", "edge", "wrap"):
        raise BadInput(f"Pad mode {mode!r} is not supported; constant, reflect, edge and wrap are")
    check_count(size + abs(before) + abs(after), "Pad")
    positions = np.arange(size)[max(-before, 0) : size - max(-after, 0)]
    return np.pad(positions, (max(before, 0), max(after, 0)), mode=mode)  # type: ignore[call-overload,no-any-return]


def _top_k(step: Step, x: Tensor, k: Any = None) -> tuple[Tensor, Tensor]:
    count = int(step.get("k") if k is None else number(k))
    largest, ordered = step.flag("largest", 1), step.flag("sorted", 1)
    values, positions = torch.topk(x, count, step.get("axis", -1), largest, ordered)
    return values, positions


def _arg(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def run(step: Step, x: Tensor) -> Tensor:
        axis, keep = axis_in(step.get("axis", 0), x.dim()), step.flag("keepdims", 1)
        if not step.flag("select_last_index"):
            return function(x, dim=axis, keepdim=keep)
        return int(x.shape[axis]) - 1 - function(x.flip(axis), dim=axis, keepdim=keep)

    return run


def _cumulative_sum(step: Step, x: Tensor, axis: Any) -> Tensor:
    at = axis_in(int(number(axis)), x.dim())
    y = x.flip(at) if step.flag("reverse") else x
    total = torch.cumsum(y, at, dtype=x.dtype)
    total = total - y if step.flag("exclusive") else total
    return total.flip(at) if step.flag("reverse") else total


def _einsum(step: Step, *values: Any) -> Tensor:
    return torch.einsum(step.get("equation").replace(" ", ""), *(tensor_of(v) for v in values))


SELECTORS: dict[str, Callable[..., Any]] = {
    "Gather": _gather,
    "GatherElements": _gather_elements,
    "GatherND": _gather_nd,
    "ScatterND": _scatter_nd,
    "Slice": _slice,
    "Pad": _pad,
    "TopK": _top_k,
    "ArgMax": _arg(torch.argmax),
    "ArgMin": _arg(torch.argmin),
    "CumSum": _cumulative_sum,
    "Einsum": _einsum,
}
