"""From projections to the rows of the table. Free of torch."""

from __future__ import annotations

import numpy as np

from qcore.sensitivity.config import SensitivityConfig, Width
from qcore.sensitivity.interval import Moments
from qcore.sensitivity.pieces import row_of
from qcore.sensitivity.projection.bootstrap import bootstrap_interval
from qcore.sensitivity.projection.kernel_sums import KernelSums
from qcore.sensitivity.projection.projections import Projections
from qcore.sensitivity.row import SensitivityRow


def rows_from_projections(
    projections: Projections, config: SensitivityConfig
) -> tuple[SensitivityRow, ...]:
    """A row for every layer and width; intervals by bootstrap over the images."""
    values = projections.per_sample(config.target)
    cells = values.reshape(len(values), -1)
    means = cells.mean(0)
    low, high = bootstrap_interval(cells) if len(values) > 1 else (None, None)
    places = [(layer, width) for layer in projections.layers for width in config.widths]
    return tuple(
        SensitivityRow(
            layer,
            width.bits,
            config.target,
            float(means[i]),
            None if low is None else float(low[i]),
            None if high is None else float(high[i]),
            len(values),
            activation_bits=width.activation_bits,
            method="projected",
        )
        for i, (layer, width) in enumerate(places)
    )


def rows_of_kernels(sums: KernelSums, config: SensitivityConfig) -> tuple[SensitivityRow, ...]:
    """A row for every kernel and width, with Student's interval.

    They are estimates of single kernels, each from few images: those that look most harmless are so
    by chance too, and a choice among thousands of them meets less loss than it will cost.
    """
    counts = sums.counts.sum()
    totals, squares = sums.totals.sum(0), sums.squares.sum(0)
    names = np.repeat(np.array(sums.layers, dtype=object), sums.kernels)
    numbers = np.concatenate([np.arange(kernels) for kernels in sums.kernels])
    found = []
    for place, (layer, kernel) in enumerate(zip(names, numbers, strict=True)):
        for option, bits in enumerate(sums.bits):
            moments = Moments(
                int(counts), float(totals[place, option]), float(squares[place, option])
            )
            row = row_of(str(layer), Width(bits), config, moments, kernel=int(kernel))
            found.append(row)
    return tuple(found)
