"""Constant shapes that were written for one batch size, followed at another."""

from __future__ import annotations

from typing import Any

from qcore.graph.onnx_import.values import is_symbolic, product


def resolve(target: list[Any], shape: list[Any], allow_zero: bool) -> list[Any]:
    """A Reshape target with 0 replaced by the input's size; -1 stays."""
    if allow_zero:
        return target
    return [
        shape[i] if not is_symbolic(t) and t == 0 and i < len(shape) else t
        for i, t in enumerate(target)
    ]


def moved_axis(seen: tuple[int, ...], shape: list[Any]) -> int | None:
    """The one axis whose size is not what it was at the file's batch size, else None."""
    if len(seen) != len(shape):
        return None
    moved = [i for i, (was, now) in enumerate(zip(seen, shape, strict=True)) if _differs(was, now)]
    return moved[0] if len(moved) == 1 else None


def _differs(was: int, now: Any) -> bool:
    return is_symbolic(now) or bool(was != now)


def follow_batch(
    target: list[Any], seen: tuple[int, ...], shape: list[Any], batch: int
) -> list[Any]:
    """The target of a Reshape whose input has another batch size than the file's.

    ``target`` fits ``seen``. The axis of the target that holds the batch takes what is left.
    Example: target (1, 1280), seen (1, 1280, 1, 1), shape (N, 1280, 1, 1): (-1, 1280).
    """
    axis = moved_axis(seen, shape)
    if axis is None or any(is_symbolic(t) for t in target):
        return target
    known = list(target)
    if -1 in known:
        rest = product(t for t in known if t != -1)
        known[known.index(-1)] = product(seen) // max(rest, 1)
    place = _batch_axis(known, product(seen[:axis]), seen[axis], batch)
    if place is None:
        return target
    known[place] = -1
    return known


def _batch_axis(known: list[int], before: int, length: int, batch: int) -> int | None:
    """The axis of a shape that holds the batch, which lay in an axis of ``length`` after
    ``before`` elements. The file alone cannot tell for certain: its owner compares results."""
    starts = [product(known[:i]) for i in range(len(known))]
    last = len(known) - 1
    for i, start in enumerate(starts):
        if known[i] == batch and before <= start <= before * length:
            return i
    for i, start in enumerate(starts):
        # Features stand last, and their number does not grow with the batch.
        if start == before and known[i] % batch == 0 and (i < last or i == 0):
            return i
    for i, start in enumerate(starts):
        if before % start == 0 and (start * known[i]) % (before * batch) == 0:
            return i
    return None
