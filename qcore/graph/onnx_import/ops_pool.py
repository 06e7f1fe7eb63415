"""Pooling (ONNX operator specification, opsets 9 to 21)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from qcore.errors import BadInput
from qcore.graph.onnx_import.step import Step
from qcore.graph.onnx_import.windows import Window, window_of

_MAX: dict[int, Callable[..., Tensor]] = {3: F.max_pool1d, 4: F.max_pool2d, 5: F.max_pool3d}
_AVERAGE: dict[int, Callable[..., Tensor]] = {3: F.avg_pool1d, 4: F.avg_pool2d, 5: F.avg_pool3d}
_CONV: dict[int, Callable[..., Tensor]] = {3: F.conv1d, 4: F.conv2d, 5: F.conv3d}


def _window(step: Step, x: Tensor) -> Window:
    kernel = step.integers("kernel_shape")
    if kernel is None or x.dim() not in _MAX:
        raise BadInput(f"{step.op} needs a kernel_shape and 1 to 3 spatial axes")
    return window_of(step, x, kernel)


def _torch_can_pad(window: Window) -> bool:
    return window.symmetric and all(
        2 * pad <= k for pad, k in zip(window.before, window.kernel, strict=True)
    )


def _crop(y: Tensor, sizes: list[int]) -> Tensor:
    """The leading part of y (N, C, *spatial): torch may count a window that lies in padding."""
    for i, size in enumerate(sizes):
        if int(y.shape[2 + i]) > size:
            y = y.narrow(2 + i, 0, size)
    return y


def _max_pool(step: Step, x: Tensor) -> Tensor:
    window, ceil_mode = _window(step, x), step.flag("ceil_mode")
    sizes = window.outputs([int(size) for size in x.shape[2:]], ceil_mode)
    padding = window.before
    if not _torch_can_pad(window):
        x, padding = window.pad(x, float("-inf")), [0] * len(padding)
    function = _MAX[x.dim()]
    y = function(x, window.kernel, window.stride, padding, window.dilation, ceil_mode)
    return _crop(y, sizes)


def _average_pool(step: Step, x: Tensor) -> Tensor:
    window, ceil_mode = _window(step, x), step.flag("ceil_mode")
    include = step.flag("count_include_pad")
    sizes = window.outputs([int(size) for size in x.shape[2:]], ceil_mode)
    function = _AVERAGE[x.dim()]
    plain = max(window.dilation) == 1
    if plain and _torch_can_pad(window):
        y = function(x, window.kernel, window.stride, window.before, ceil_mode, include)
        return _crop(y, sizes)
    ones = torch.ones([1, 1, *x.shape[2:]], device=x.device)
    ones = window.pad(ones, 1.0 if include else 0.0)
    sums, counts = _sums(window.pad(x), window, sizes), _sums(ones, window, sizes)
    return sums / counts


def _sums(x: Tensor, window: Window, sizes: list[int]) -> Tensor:
    """Sum under each window of padded x (N, C, *spatial), cut or extended to ``sizes``."""
    missing = []
    for i, size in enumerate(sizes):
        extent = (window.kernel[i] - 1) * window.dilation[i] + 1
        missing.append(max((size - 1) * window.stride[i] + extent - int(x.shape[2 + i]), 0))
    x = F.pad(x, [n for m in missing[::-1] for n in (0, m)])
    ones = torch.ones([1, 1, *window.kernel], device=x.device)
    flat = x.reshape(-1, 1, *x.shape[2:])
    y = _CONV[x.dim()](flat, ones, None, window.stride, 0, window.dilation)
    return _crop(y.reshape(x.shape[0], x.shape[1], *y.shape[2:]), sizes)


def _global(step: Step, x: Tensor) -> list[int]:
    if x.dim() < 3:
        raise BadInput(f"{step.op} needs an input with spatial axes")
    return list(range(2, x.dim()))


POOLS: dict[str, Callable[..., Any]] = {
    "MaxPool": _max_pool,
    "AveragePool": _average_pool,
    "GlobalAveragePool": lambda step, x: x.mean(_global(step, x), keepdim=True),
    "GlobalMaxPool": lambda step, x: x.amax(_global(step, x), keepdim=True),
}
