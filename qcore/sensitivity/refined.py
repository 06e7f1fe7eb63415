"""An estimated table in which some cells have been measured. Free of torch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from qcore.sensitivity.config import SensitivityConfig
from qcore.sensitivity.pieces import Piece, rows_from_pieces
from qcore.sensitivity.row import SensitivityRow


def exact_config(config: SensitivityConfig) -> SensitivityConfig:
    """The exact run that refined cells could have come from: same images, loss and quantizer."""
    return replace(config, method="exact", probes=None, refine=None)


def refined_rows(
    rows: Sequence[SensitivityRow], pieces: Iterable[Piece], config: SensitivityConfig
) -> tuple[SensitivityRow, ...]:
    """``rows`` of an estimate, with those that ``pieces`` say more of replaced by exact ones.

    An exact row has its own interval. A cell is replaced once all its images are there: means over
    other images than those of its neighbours would not compare with them.
    """
    layers = dict.fromkeys(row.layer for row in rows)
    exact = rows_from_pieces(pieces, layers, exact_config(config))
    whole = {(row.layer, row.width): row for row in exact if row.samples == config.images}
    return tuple(whole.get((row.layer, row.width), row) for row in rows)
