"""Which pieces of an exact run come next: all of them, or round by round up to a tolerance."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from qcore.sensitivity.config import SensitivityConfig, Width
from qcore.sensitivity.pieces import Piece, PieceKey, rows_from_pieces
from qcore.sensitivity.sampling import first_group
from qcore.sensitivity.tolerance import unsettled

_FIRST_ROUND = 0.5  # of the progress: how much more is needed is not known before it is over
_LATER_ROUND = 0.9  # of what is left of it: most later rounds are the last


@dataclass(frozen=True)
class Round:
    """Pieces that are wanted now, known ones among them, and the part of all progress they make."""

    wanted: frozenset[PieceKey]
    begins_at: float
    ends_at: float

    def at(self, part: float) -> float:
        """The progress of the whole run with that part of this round done."""
        return self.begins_at + (self.ends_at - self.begins_at) * part


@dataclass(frozen=True)
class Rounds:
    """The order of work on the cells of ``layers``.

    ``groups``: the numbers of the chunks of each group of images; one group where every cell sees
    all images.
    """

    layers: Sequence[str]
    config: SensitivityConfig
    groups: Sequence[Sequence[int]]

    def current(self, known: Mapping[PieceKey, Piece]) -> Round | None:
        """The first round with a piece that is not known; None where nothing more is wanted.

        It follows from the pieces alone, whatever order they came in: a round is decided on the
        pieces of those before it. So a run that was stopped goes on as if it had not been.
        """
        counts = dict.fromkeys(self._starts(), 1)
        before: frozenset[PieceKey] = frozenset()
        begins_at, ends_at = 0.0, 1.0 if len(self.groups) == 1 else _FIRST_ROUND
        while True:
            wanted = self._keys(counts)
            if not known.keys() >= wanted:
                return Round(wanted - before, begins_at, ends_at)
            more = self._more(counts, [known[key] for key in sorted(wanted, key=_order)])
            if more == counts:
                return None
            counts, before = more, wanted
            begins_at, ends_at = ends_at, ends_at + _LATER_ROUND * (1 - ends_at)

    def _starts(self) -> dict[tuple[str, Width], int]:
        return {
            (layer, width): first_group(i, j, len(self.groups))
            for i, layer in enumerate(self.layers)
            for j, width in enumerate(self.config.widths)
        }

    def _keys(self, counts: Mapping[tuple[str, Width], int]) -> frozenset[PieceKey]:
        """The pieces of so many groups of each cell, one after the other from where it starts."""
        return frozenset(
            (*cell, chunk)
            for cell, start in self._starts().items()
            for step in range(counts[cell])
            for chunk in self.groups[(start + step) % len(self.groups)]
        )

    def _more(
        self, counts: Mapping[tuple[str, Width], int], pieces: Sequence[Piece]
    ) -> dict[tuple[str, Width], int]:
        """How many groups each cell is to see next; as many as now where that is enough."""
        tolerance, images = self.config.tolerance, self.config.images
        if tolerance is None or len(self.groups) == 1:
            return dict(counts)
        rows = rows_from_pieces(pieces, self.layers, self.config)
        needed = unsettled(rows, images, tolerance)
        group = images / len(self.groups)
        return {
            cell: min(len(self.groups), max(count + 1, math.ceil(needed[cell] / group)))
            if cell in needed
            else count
            for cell, count in counts.items()
        }


def _order(key: PieceKey) -> tuple[str, int, int, int]:
    layer, width, chunk = key
    return layer, width.bits, width.activation_bits or 0, chunk
