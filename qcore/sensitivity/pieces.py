"""From sums over chunks of images to the rows of the table. Free of torch."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from qcore.sensitivity.config import SensitivityConfig, Width
from qcore.sensitivity.interval import Moments
from qcore.sensitivity.row import SensitivityRow


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


def rows_from_pieces(
    pieces: Iterable[Piece], layers: Iterable[str], config: SensitivityConfig
) -> tuple[SensitivityRow, ...]:
    """Sum the chunks of each cell into a row; rows in the order of ``layers``, then of widths."""
    sums: dict[tuple[str, Width], Moments] = {}
    for piece in pieces:
        known = sums.get(piece.cell, Moments())
        sums[piece.cell] = known.plus(piece.samples, piece.total, piece.total_squares)
    return tuple(
        row_of(layer, width, config, moments)
        for layer in layers
        for width in config.widths
        if (moments := sums.get((layer, width))) is not None
    )


def row_of(
    layer: str,
    width: Width,
    config: SensitivityConfig,
    moments: Moments,
    kernel: int | None = None,
) -> SensitivityRow:
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
        kernel,
        activation_bits=width.activation_bits,
        method=config.method,
    )
