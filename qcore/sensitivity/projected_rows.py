"""From projections to the rows of the table. Free of torch."""

from __future__ import annotations

import numpy as np

from qcore.sensitivity.config import Quantized, SensitivityConfig, Width
from qcore.sensitivity.kernel_estimates import KernelEstimates
from qcore.sensitivity.projection.bootstrap import bootstrap_interval
from qcore.sensitivity.projection.projections import Projections
from qcore.sensitivity.row import SensitivityRow


def rows_from_projections(
    projections: Projections, config: SensitivityConfig
) -> tuple[SensitivityRow, ...]:
    """A row for every layer and width, or pair of them; intervals by bootstrap over the images."""
    values = projections.per_sample_at([_pair(width, config.target) for width in config.widths])
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


def _pair(width: Width, target: Quantized) -> tuple[int | None, int | None]:
    """Bits of the weights and of the input."""
    return (None, width.bits) if target == "activation" else (width.bits, width.activation_bits)


def rows_of_kernels(
    found: KernelEstimates, config: SensitivityConfig
) -> tuple[SensitivityRow, ...]:
    """A row for every kernel and width, shrunk; ``raw`` holds the mean over the images, and
    ``squared_error`` that of the weights.

    They are estimates of single kernels, each from few images: those that look most harmless are so
    by chance too, and a choice among thousands of them meets less loss than it will cost.
    """
    unknown = np.full(found.raw.shape, None)
    columns = (found.shrunk, found.low, found.high, found.raw, found.energies)
    lists = [(unknown if each is None else each).tolist() for each in columns]
    names = np.repeat(np.array(found.layers, dtype=object), found.kernels).tolist()
    numbers = [kernel for kernels in found.kernels for kernel in range(kernels)]
    return tuple(
        SensitivityRow(
            layer,
            bits,
            config.target,
            value,
            low,
            high,
            found.images,
            kernel,
            method=config.method,
            raw=raw,
            squared_error=squared,
        )
        for layer, kernel, *cells in zip(names, numbers, *lists, strict=True)
        for bits, value, low, high, raw, squared in zip(found.bits, *cells, strict=True)
    )
