"""One use of a layer in one run."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from qcore.graph.layer import Layer


@dataclass(frozen=True, eq=False)
class Use:
    """A node of a layer with what entered it; rest and kwargs follow (x, weight, bias).

    The first axis of x is that of the images, ``samples`` of them, or all of x belongs to one.
    """

    layer: Layer
    node: str
    target: Any
    x: Tensor
    rest: tuple[Any, ...]
    kwargs: dict[str, Any]
    samples: int

    @property
    def linear(self) -> bool:
        return self.layer.op == "linear"

    def output(self, weight: Tensor) -> Tensor:
        """What another weight of the stored shape gives, without a bias."""
        value: Tensor = self.target(self.x, weight, None, *self.rest, **self.kwargs)
        return value

    def positions_first(self, values: Tensor) -> Tensor:
        """(samples, positions, kernels) of a value or gradient of the output."""
        if not self.linear:
            values = self.batched(values).movedim(1, -1)
        each = values.numel() // self.samples // self.layer.kernels
        return values.reshape(self.samples, each, self.layer.kernels)

    def batched(self, values: Tensor) -> Tensor:
        """What enters or leaves a convolution, with an axis of images."""
        return values if values.dim() == len(self.layer.weight_shape) else values[None]

    def sums(self, values: Tensor) -> Tensor:
        """(samples,): of a tensor shaped like x, each image's values summed as they lie in
        memory."""
        if not self.linear:
            values = self.batched(values).movedim(1, -1)
        return values.reshape(self.samples, -1).sum(1)

    def positions(self, gradient: Tensor) -> int:
        """How many values each kernel has in the output for one image."""
        return gradient.numel() // self.samples // self.layer.kernels

    @property
    def weights_per_kernel(self) -> int:
        return math.prod(self.layer.weight_shape) // self.layer.kernels
