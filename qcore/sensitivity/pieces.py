"""From sums over chunks of images to the rows of the table. Free of torch."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from qcore.calibrate.clipping import Target
from qcore.sensitivity.interval import Moments
from qcore.sensitivity.table import SensitivityRow


@dataclass(frozen=True)
class Piece:
    """What one chunk of images says of one cell: sums over per-image loss differences."""

    layer: str
    bits: int
    chunk: int
    samples: int
    total: float
    total_squares: float


def rows_from_pieces(
    pieces: Iterable[Piece], layers: Iterable[str], bits: Iterable[int], target: Target = "weight"
) -> tuple[SensitivityRow, ...]:
    """Sum the chunks of each cell into a row; rows in the order of ``layers``, then of ``bits``."""
    sums: dict[tuple[str, int], Moments] = {}
    for piece in pieces:
        cell = (piece.layer, piece.bits)
        sums[cell] = sums.get(cell, Moments()).plus(piece.samples, piece.total, piece.total_squares)
    rows = []
    for layer, b in ((layer, b) for layer in layers for b in bits):
        if (moments := sums.get((layer, b))) is not None:
            low, high = moments.interval() or (None, None)
            rows.append(SensitivityRow(layer, b, target, moments.mean, low, high, moments.samples))
    return tuple(rows)
