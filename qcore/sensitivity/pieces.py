"""From sums over chunks of images to the rows of the table. Free of torch."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from qcore.sensitivity.config import SensitivityConfig, Width
from qcore.sensitivity.interval import Moments
from qcore.sensitivity.pooled import never_negative, pooled_intervals
from qcore.sensitivity.row import SensitivityRow

PieceKey = tuple[str, Width, int]
"""(layer, width, chunk)"""


@dataclass(frozen=True)
class Piece:
    """What one chunk of images says of one cell: sums over per-image loss differences."""

    layer: str
    bits: int
    activation_bits: int | None
    chunk: int
    samples: int
    total: float
    total_squares: float

    @property
    def cell(self) -> tuple[str, Width]:
        return self.layer, Width(self.bits, self.activation_bits)

    @property
    def key(self) -> PieceKey:
        return *self.cell, self.chunk


def rows_from_pieces(
    pieces: Iterable[Piece], layers: Iterable[str], config: SensitivityConfig
) -> tuple[SensitivityRow, ...]:
    """Sum the chunks of each cell into a row; rows in the order of ``layers``, then of widths.

    Every interval is for the mean over the population that the images stand for, with a tolerance
    as without: a cell that saw fewer images has a wider one (see ``pooled_intervals``).
    """
    sums: dict[tuple[str, Width], Moments] = {}
    for piece in pieces:
        known = sums.get(piece.cell, Moments())
        sums[piece.cell] = known.plus(piece.samples, piece.total, piece.total_squares)
    rows = tuple(
        row_of(layer, width, config, moments)
        for layer in layers
        for width in config.widths
        if (moments := sums.get((layer, width))) is not None
    )
    return rows if config.tolerance is None else _with_pooled_intervals(rows, sums, config)


def _with_pooled_intervals(
    rows: tuple[SensitivityRow, ...],
    sums: dict[tuple[str, Width], Moments],
    config: SensitivityConfig,
) -> tuple[SensitivityRow, ...]:
    found: dict[tuple[str, Width], tuple[float, float] | None] = {}
    for width in config.widths:
        cells = [(row.layer, width) for row in rows if row.width == width]
        moments = [sums[cell] for cell in cells]
        intervals = pooled_intervals(moments, config.images, never_negative(config))
        found.update(zip(cells, intervals, strict=True))
    changed = []
    for row in rows:
        low, high = found[row.layer, row.width] or (None, None)
        changed.append(replace(row, ci_low=low, ci_high=high))
    return tuple(changed)


def row_of(layer: str, width: Width, config: SensitivityConfig, moments: Moments) -> SensitivityRow:
    """The row that the sums over a cell's images give."""
    low, high = moments.interval() or (None, None)
    return SensitivityRow(
        layer,
        width.bits,
        config.target,
        moments.mean,
        low,
        high,
        moments.samples,
        activation_bits=width.activation_bits,
        method=config.method,
    )
