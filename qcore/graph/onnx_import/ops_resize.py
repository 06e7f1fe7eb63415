"""Resize and Upsample (ONNX operator specification, opsets 9 to 21).

The sizes are known when the network is traced, so positions and weights are computed on the host;
``F.interpolate`` takes over where it computes the same.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from qcore.errors import BadInput
from qcore.graph.onnx_import.step import Step
from qcore.graph.onnx_import.values import HostArray, axis_in, check_count, is_symbolic, numbers


@dataclass(frozen=True)
class _Axis:
    axis: int
    size: int
    wanted: int
    scale: float

    def positions(self, mode: str) -> HostArray:
        """Where each output element lies on the input axis.

        In float32, as ONNX Runtime does: which element is nearest depends on it.
        """
        i, scale = np.arange(self.wanted, dtype=np.float32), np.float32(self.scale)
        half = np.float32(0.5)
        if mode == "align_corners":
            return i * np.float32(self.size - 1) / np.float32(max(self.wanted - 1, 1))
        if mode == "asymmetric":
            return i / scale
        if mode == "pytorch_half_pixel" and self.wanted == 1:
            return np.zeros(1, np.float32)
        if mode == "half_pixel_symmetric":
            adjustment = np.float32(self.wanted) / (scale * np.float32(self.size))
            offset = np.float32(self.size / 2) * (1 - adjustment)
            return offset + (i + half) / scale - half
        if mode in ("half_pixel", "pytorch_half_pixel"):
            return (i + half) / scale - half
        raise BadInput(
            f"Resize with coordinate_transformation_mode {mode!r} is not supported; "
            "export with half_pixel, align_corners or asymmetric"
        )


def _nearest(at: HostArray, rounding: str, axis: _Axis) -> HostArray:
    if rounding == "simple":  # before opset 11
        rounding = "ceil" if axis.scale < 1 else "floor"
    if rounding == "round_prefer_floor":
        found = np.ceil(at - 0.5)
    elif rounding == "round_prefer_ceil":
        found = np.floor(at + 0.5)
    elif rounding in ("floor", "ceil"):
        found = np.floor(at) if rounding == "floor" else np.ceil(at)
    else:
        raise BadInput(f"Resize with nearest_mode {rounding!r} is not supported")
    return np.clip(found, 0, axis.size - 1).astype(np.int64)


def _taps(at: HostArray, mode: str, a: float) -> tuple[HostArray, HostArray]:
    """Positions (wanted, taps) and weights of linear or cubic interpolation."""
    base = np.floor(at)
    t = at - base
    if mode == "linear":
        return base[:, None] + np.arange(2), np.stack([1 - t, t], 1)
    weights = [
        ((a * (t + 1) - 5 * a) * (t + 1) + 8 * a) * (t + 1) - 4 * a,
        ((a + 2) * t - (a + 3)) * t * t + 1,
        ((a + 2) * (1 - t) - (a + 3)) * (1 - t) ** 2 + 1,
        ((a * (2 - t) - 5 * a) * (2 - t) + 8 * a) * (2 - t) - 4 * a,
    ]
    return base[:, None] + np.arange(-1, 3), np.stack(weights, 1)


def _interpolate(step: Step, x: Tensor, axis: _Axis, mode: str, coordinates: str) -> Tensor:
    """One axis, by gathering and weighting."""
    at = axis.positions(coordinates)
    if mode == "nearest":
        rounding = step.get("nearest_mode", "round_prefer_floor")
        kept = _nearest(at, "simple" if step.opset < 11 else rounding, axis)
        return x.index_select(axis.axis, torch.tensor(kept, device=x.device))
    if mode == "linear":
        at = np.clip(at, 0, axis.size - 1)
    taps, weights = _taps(at, mode, step.get("cubic_coeff_a", -0.75))
    if step.flag("exclude_outside"):
        weights = np.where((taps < 0) | (taps >= axis.size), 0.0, weights)
        weights = weights / weights.sum(1, keepdims=True)
    taps = np.clip(taps, 0, axis.size - 1).astype(np.int64)
    total: Tensor | None = None
    view = [-1] + [1] * (x.dim() - 1 - axis.axis)
    for k in range(taps.shape[1]):
        part = x.index_select(axis.axis, torch.tensor(taps[:, k], device=x.device))
        factor = torch.tensor(weights[:, k].astype(np.float32), device=x.device).reshape(view)
        total = part * factor if total is None else total + part * factor
    assert total is not None
    return total


def _torch_mode(mode: str, coordinates: str, axes: list[_Axis], rank: int) -> str | None:
    """The mode of F.interpolate that computes the same, else None."""
    exact = all(axis.wanted == axis.size * axis.scale for axis in axes)
    if mode != "linear" or not exact or [a.axis for a in axes] != [2, 3] or rank != 4:
        return None
    if coordinates == "align_corners":
        return "bilinear" if min(a.wanted for a in axes) > 1 else None
    return "bilinear" if coordinates in ("half_pixel", "pytorch_half_pixel") else None


def _axes(step: Step, x: Tensor, scales: Any, sizes: Any) -> list[_Axis]:
    """The axes that change, with their new sizes."""
    rank = x.dim()
    chosen = [axis_in(a, rank) for a in step.integers("axes") or list(range(rank))]
    by_size = numbers(sizes) if sizes is not None else []
    given = by_size or (numbers(scales) if scales is not None else step.get("scales") or [])
    if len(given) != len(chosen):
        raise BadInput(f"{step.op} gives {len(given)} sizes for {len(chosen)} axes")
    if by_size and step.get("keep_aspect_ratio_policy", "stretch") != "stretch":
        raise BadInput("Resize with keep_aspect_ratio_policy is not supported; use fixed sizes")
    before = step.seen if step.seen and step.written_for_batch(given) else x.shape
    found = []
    for axis, value in zip(chosen, given, strict=True):
        if value == (before[axis] if by_size else 1):
            continue
        size = x.shape[axis]
        if is_symbolic(size) or is_symbolic(value):
            raise BadInput(f"{step.op} changes the batch axis; export the network without it")
        wanted = int(value) if by_size else math.floor(size * value)
        check_count(wanted, step.op)
        if wanted < 1 or value <= 0:
            raise BadInput(f"{step.op} makes an axis of size {wanted}")
        found.append(_Axis(axis, size, wanted, wanted / size if by_size else float(value)))
    return found


def _resize(step: Step, x: Tensor, *given: Any) -> Tensor:
    if step.opset < 11:
        scales, sizes = (given[0] if given else None), None
        coordinates = "asymmetric"
    else:
        padded = (*given, None, None, None)
        scales, sizes = padded[1], padded[2]
        coordinates = step.get("coordinate_transformation_mode", "half_pixel")
    if scales is not None and scales.size == 0:
        scales = None
    mode = step.get("mode", "nearest")
    if mode not in ("nearest", "linear", "cubic") or step.flag("antialias"):
        name = "antialias" if step.flag("antialias") else f"mode {mode!r}"
        raise BadInput(f"{step.op} with {name} is not supported; export it without")
    axes = _axes(step, x, scales, sizes)
    known = _torch_mode(mode, coordinates, axes, x.dim())
    if known is not None:
        corners = coordinates == "align_corners"
        wanted = [axis.wanted for axis in axes]
        return F.interpolate(x, size=wanted, mode=known, align_corners=corners)
    for axis in axes:
        x = _interpolate(step, x, axis, mode, coordinates)
    return x


def _upsample(step: Step, x: Tensor, scales: Any = None) -> Tensor:
    return _resize(step, x, scales)


RESIZERS: dict[str, Callable[..., Any]] = {"Resize": _resize, "Upsample": _upsample}
