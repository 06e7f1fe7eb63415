"""Where the weights of a convolution meet its input: patches without a copy where there is one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor
from torch.nn import functional


@dataclass(frozen=True)
class Geometry:
    """Sizes of a convolution along its spatial axes; ``padding`` is (before, after) of each."""

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[tuple[int, int], ...]
    dilation: tuple[int, ...]
    groups: int


def geometry_of(
    target: Any, rest: tuple[Any, ...], kwargs: Mapping[str, Any], kernel: tuple[int, ...]
) -> Geometry:
    """Of a convolution, not transposed; rest and kwargs follow (input, weight, bias)."""
    stated = target._schema.arguments
    bound = {a.name: a.default_value for a in stated if a.has_default_value()}
    bound.update(zip((a.name for a in stated[3:]), rest, strict=False))
    bound.update(kwargs)
    axes = len(kernel)
    dilation = _each(bound["dilation"], axes)
    return Geometry(
        kernel,
        _each(bound["stride"], axes),
        _padding(bound["padding"], kernel, dilation),
        dilation,
        int(bound["groups"]),
    )


def pad(x: Tensor, geometry: Geometry) -> Tensor:
    """x (N, channels, ...) with the zeros that the convolution puts around it."""
    if not any(side for pair in geometry.padding for side in pair):
        return x
    return functional.pad(x, [side for pair in reversed(geometry.padding) for side in pair])


def patches(x: Tensor, geometry: Geometry) -> Tensor:
    """(N, groups, positions, weights per kernel) of x (N, channels, ...).

    Weights are in *patch order*: the kernel's spatial axes first, the input channel last. A view of
    x where that is possible, as for a kernel of one point in a channels-last tensor.
    """
    last = pad(x, geometry).movedim(1, -1).contiguous()
    count, channels, groups = len(last), last.shape[-1], geometry.groups
    spans = [d * (k - 1) + 1 for k, d in zip(geometry.kernel, geometry.dilation, strict=True)]
    inside = last.shape[1:-1]
    out = [(n - s) // step + 1 for n, s, step in zip(inside, spans, geometry.stride, strict=True)]
    strides = last.stride()
    windows = last.as_strided(
        (count, groups, *out, *geometry.kernel, channels // groups),
        (
            strides[0],
            channels // groups,
            *(s * step for s, step in zip(strides[1:-1], geometry.stride, strict=True)),
            *(s * step for s, step in zip(strides[1:-1], geometry.dilation, strict=True)),
            1,
        ),
        last.storage_offset(),
    )
    positions = 1
    for size in out:
        positions *= size
    return windows.reshape(count, groups, positions, -1)


def _each(value: Any, axes: int) -> tuple[int, ...]:
    values = tuple(value) if isinstance(value, list | tuple) else (value,)
    return values * axes if len(values) == 1 else values


def _padding(
    padding: Any, kernel: tuple[int, ...], dilation: tuple[int, ...]
) -> tuple[tuple[int, int], ...]:
    if padding == "same":  # one more after than before where the sum is odd
        sums = [d * (k - 1) for k, d in zip(kernel, dilation, strict=True)]
        return tuple((s // 2, s - s // 2) for s in sums)
    sizes = (0,) * len(kernel) if padding == "valid" else _each(padding, len(kernel))
    return tuple((size, size) for size in sizes)
