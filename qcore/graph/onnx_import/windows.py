"""Strides, padding and window sizes, which convolutions and pooling have in common."""

from __future__ import annotations

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor

from qcore.errors import BadInput
from qcore.graph.onnx_import.step import Step


@dataclass(frozen=True)
class Window:
    """One entry per spatial axis; ``before`` and ``after`` are the padding."""

    kernel: list[int]
    stride: list[int]
    dilation: list[int]
    before: list[int]
    after: list[int]

    @property
    def symmetric(self) -> bool:
        return self.before == self.after

    @property
    def padded(self) -> bool:
        return any(self.before) or any(self.after)

    def pad(self, x: Tensor, value: float = 0.0) -> Tensor:
        """x (N, C, *spatial) with the padding written out."""
        pairs = [n for pair in zip(self.before, self.after, strict=True) for n in pair[::-1]]
        return F.pad(x, pairs[::-1], value=value)

    def outputs(self, sizes: list[int], ceil_mode: bool) -> list[int]:
        """Spatial sizes after the window has passed (ONNX MaxPool: output_spatial_shape)."""
        found = []
        for i, size in enumerate(sizes):
            extent = (self.kernel[i] - 1) * self.dilation[i] + 1
            room = size + self.before[i] + self.after[i] - extent
            count = -(-room // self.stride[i]) if ceil_mode else room // self.stride[i]
            # A window that would begin in the padding after the image does not count.
            if ceil_mode and count * self.stride[i] >= size + self.before[i]:
                count -= 1
            found.append(count + 1)
        return found


def window_of(step: Step, x: Tensor, kernel: list[int]) -> Window:
    """Read strides, dilations, pads and auto_pad for x (N, C, *spatial); BadInput if they do not
    fit the number of spatial axes or are out of range."""
    rank = x.dim() - 2
    stride = step.integers("strides") or [1] * rank
    dilation = step.integers("dilations") or [1] * rank
    pads = step.integers("pads") or [0] * (2 * rank)
    lengths = (len(kernel), len(stride), len(dilation), len(pads) // 2)
    if rank < 1 or any(length != rank for length in lengths):
        raise BadInput(f"{step.op} has window attributes that do not fit its input")
    if min([*kernel, *stride, *dilation]) < 1 or min(pads) < 0:
        raise BadInput(f"{step.op} has a kernel, stride or dilation below 1 or a pad below 0")
    before, after = pads[:rank], pads[rank:]
    mode = step.get("auto_pad", "NOTSET") or "NOTSET"
    if mode in ("SAME_UPPER", "SAME_LOWER"):
        before, after = _same(list(x.shape[2:]), kernel, stride, dilation, mode == "SAME_LOWER")
    elif mode == "VALID":
        before, after = [0] * rank, [0] * rank
    elif mode != "NOTSET":
        raise BadInput(f"auto_pad {mode!r} of {step.op} is not known; export with explicit pads")
    return Window(kernel, stride, dilation, before, after)


def _same(
    sizes: list[int], kernel: list[int], stride: list[int], dilation: list[int], lower: bool
) -> tuple[list[int], list[int]]:
    before, after = [], []
    for size, k, s, d in zip(sizes, kernel, stride, dilation, strict=True):
        total = max((-(-size // s) - 1) * s + (k - 1) * d + 1 - size, 0)
        small, large = total // 2, total - total // 2
        before.append(large if lower else small)
        after.append(small if lower else large)
    return before, after
