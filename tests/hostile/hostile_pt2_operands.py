"""Exported networks that ask torch for memory that is not theirs."""

from __future__ import annotations

from collections.abc import Callable

import torch
from attack_files import SIZE, exported
from hostile_case import Case, one
from torch import Tensor, nn


class _Reads(nn.Module):
    """Adds something to its output that a call on a stored value gives."""

    def __init__(self, call: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.conv, self.call = nn.Conv2d(3, 10, SIZE), call
        self.register_buffer("one", torch.ones(1))

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.conv(x).flatten(1) + self.call(self.one).sum()
        return out


def _beyond(one: Tensor) -> Tensor:
    """4,096 channels; the bias has one value."""
    mean, var = one.new_zeros(4096), one.new_ones(4096)
    x = one.new_zeros(1, 4096, 1, 1)
    norm = torch.ops.aten._native_batch_norm_legit_no_training
    out: Tensor = norm(x, None, one, mean, var, 0.1, 0.0)[0]
    return out


OPERANDS: dict[str, Case] = {
    "memory of others": one(
        "net.pt2", lambda mark: exported(_Reads(lambda one: one.new_empty(4096))), "aten.new_empty"
    ),
    "values behind a bias": one(
        "net.pt2", lambda mark: exported(_Reads(_beyond)), "its bias is 1 for 4096 channels"
    ),
    "a weight norm that crashes": one(
        "net.pt2",
        lambda mark: exported(
            _Reads(lambda one: torch.ops.aten._weight_norm(one.new_ones(2 * 10**7, 1), one, 0))
        ),
        "its g holds 1 value(s)",
    ),
    "one value, 10^9 times": one(
        "net.pt2",
        lambda mark: exported(_Reads(lambda one: (one + 0).expand(10**9))),
        "at most 256 MB are allowed",
    ),
}
