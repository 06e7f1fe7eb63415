"""The levels that a quantizer finds: for all rows together, or a group of levels for each row."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class EvenLevels:
    """Level k is ``first`` + k * ``step``, k = 0 .. count - 1; both (groups, 1), float64."""

    first: Tensor
    step: Tensor
    count: int


@dataclass(frozen=True, eq=False)
class ListedLevels:
    """``values`` (groups, levels), rising in each row, of the dtype of the rows."""

    values: Tensor


Levels = EvenLevels | ListedLevels


def levels_list(levels: Levels, group: int) -> Tensor:
    """The levels of one group, rising, float64 (levels,). Example: first -1, step 1, 3: -1, 0, 1.

    Levels of a single group serve every row: ask for group 0.
    """
    if isinstance(levels, ListedLevels):
        return levels.values[group].double()
    first, step = levels.first[group], levels.step[group]
    # A first level that is a multiple of the step meets zero exactly: the product of its negative.
    return first + step * torch.arange(levels.count, dtype=torch.float64, device=step.device)
