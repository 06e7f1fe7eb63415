"""How sure the predicted loss of an allocation is. Free of torch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from qcore.allocate.problem import FloatArray
from qcore.allocate.resample import HALF_WIDTH, resampled
from qcore.sensitivity.projection.bootstrap import bootstrap_interval
from qcore.sensitivity.projection.projections import Projections
from qcore.sensitivity.table import SensitivityTable
from qcore.sensitivity.table_arrays import delta_losses

_DRAWS = 400


def predicted_intervals(
    table: SensitivityTable, choices: Sequence[Sequence[int]], resamples: int = 1000
) -> FloatArray | None:
    """(allocations, 2): the 95 % interval of the layers' summed ΔL; None where a row has none.

    ``choices`` are indices into ``table.config.widths``, one per layer; the table holds weights, or
    both. Projections know what every image adds, so images are drawn anew for each sum,
    ``resamples`` times (``bootstrap_interval``). Of other tables the rows' intervals are known, and
    that cells err together: the sum of cells drawn anew (``resampled``) is taken for normal.
    Example: two rows of variance 1 each, correlated by 0.35: the sum's interval is
    2 x 1.96 x 1.64 wide.
    """
    picked = np.asarray(choices, dtype=np.intp).reshape(len(choices), len(table.network.layers))
    if any(row.ci_low is None or row.ci_high is None for row in table.rows):
        return None
    layers = np.arange(picked.shape[1])
    sums = delta_losses(table)[layers, picked].sum(1)
    known = table.projections
    if known is not None and known.samples > 1:
        ends, mean = _by_images(known, table, picked, resamples)
        # Cells that were measured exactly moved the sum: the interval goes with it.
        moved: FloatArray = ends + (sums - mean)[:, None]
        return moved
    drawn = resampled(table, _DRAWS)
    half = np.array([drawn[:, layers, choice].sum(1).std() for choice in picked]) * HALF_WIDTH
    return np.stack([sums - half, sums + half], -1)


def _by_images(
    known: Projections, table: SensitivityTable, picked: npt.NDArray[np.intp], resamples: int
) -> tuple[FloatArray, FloatArray]:
    """(allocations, 2) ends and (allocations,) means."""
    per_sample = known.per_sample_at([(w.bits, w.activation_bits) for w in table.config.widths])
    layers = np.arange(picked.shape[1])
    sums = np.stack([per_sample[:, layers, choice].sum(1) for choice in picked], -1)
    return np.stack(bootstrap_interval(sums, resamples), -1), sums.mean(0)
