"""Do two sensitivity tables rank the cells alike? Free of torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from qcore.sensitivity.row import SensitivityRow
from qcore.sensitivity.table import SensitivityTable

FEWEST = 3
"""Cells below which a rank correlation says nothing."""


@dataclass(frozen=True)
class CommonCell:
    """One layer at one width in both tables."""

    first: SensitivityRow
    second: SensitivityRow

    @property
    def layer(self) -> str:
        return self.first.layer

    @property
    def bits(self) -> int:
        return self.first.bits


@dataclass(frozen=True)
class Agreement:
    """Spearman's rank correlation over ``cells`` cells; None where it is not defined."""

    cells: int
    spearman: float | None


def common_cells(first: SensitivityTable, second: SensitivityTable) -> tuple[CommonCell, ...]:
    """Every layer at every width of weights that both have, in the order of the first's rows.

    The targets may differ: weights at 4 bits meet inputs at 4 bits, and both at 4 bits. A cell of
    two different widths has no partner but its like.
    """
    others = {_key(row): row for row in second.rows}
    pairs = ((row, others.get(_key(row))) for row in first.rows)
    return tuple(CommonCell(row, other) for row, other in pairs if other is not None)


def _key(row: SensitivityRow) -> tuple[str, int, int]:
    inputs = row.bits if row.activation_bits is None else row.activation_bits
    return row.layer, row.bits, inputs


def agreement(cells: Sequence[CommonCell]) -> Agreement:
    """Spearman's correlation of the two ΔL over all these cells."""
    first = np.array([cell.first.delta_loss for cell in cells])
    second = np.array([cell.second.delta_loss for cell in cells])
    return Agreement(len(cells), spearman(first, second))


def agreement_by_bits(cells: Sequence[CommonCell]) -> dict[int, Agreement]:
    """Bit width -> the correlation among its cells, rising."""
    widths = sorted({cell.bits for cell in cells})
    return {bits: agreement([cell for cell in cells if cell.bits == bits]) for bits in widths}


def spearman(first: npt.ArrayLike, second: npt.ArrayLike) -> float | None:
    """Pearson's correlation of the ranks, tied values sharing their mean rank.

    None below ``FEWEST`` values, and where all of one side are equal. Example: (1, 2, 3, 4) and
    (1, 3, 2, 4) have 0.8.
    """
    ranks = np.stack([_ranks(np.asarray(values, float)) for values in (first, second)])
    if ranks.shape[1] < FEWEST:
        return None
    centred = ranks - ranks.mean(1, keepdims=True)
    lengths = np.sqrt((centred**2).sum(1))
    if not lengths.all():
        return None
    return float(centred[0] @ centred[1] / lengths.prod())


def _ranks(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """1 for the smallest; ties share the mean of the ranks they take."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    ranks: npt.NDArray[np.float64] = (last - (counts - 1) / 2)[place]
    return ranks
