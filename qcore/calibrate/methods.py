"""Every way to choose a clipping threshold, by name. Free of torch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from qcore.calibrate.aciq import gaussian_threshold, laplace_threshold
from qcore.calibrate.clipping import DEFAULT_PERCENTILE, Method, Target
from qcore.calibrate.entropy import entropy_threshold
from qcore.calibrate.histogram import Histogram
from qcore.calibrate.inputs import input_grid
from qcore.calibrate.mean_squared import mse_threshold
from qcore.calibrate.percentile import percentile_threshold
from qcore.calibrate.threshold import Threshold
from qcore.quantize.grid import Grid, symmetric_grid
from qcore.quantize.limits import full_range, largest_level, unsigned_range

Finder = Callable[[Histogram, int, Target, float], Threshold]

_FINDERS: dict[Method, Finder] = {
    "max": lambda histogram, bits, target, percentile: Threshold(histogram.amax),
    "percentile": lambda histogram, bits, target, percentile: percentile_threshold(
        histogram, percentile
    ),
    "entropy": lambda histogram, bits, target, percentile: entropy_threshold(
        histogram.magnitudes(), histogram.bin_width, entropy_levels(histogram, bits, target)
    ),
    "mse": lambda histogram, bits, target, percentile: mse_threshold(histogram, bits, target),
    "aciq-gaussian": lambda histogram, bits, target, percentile: gaussian_threshold(
        histogram, bits, target
    ),
    "aciq-laplace": lambda histogram, bits, target, percentile: laplace_threshold(
        histogram, bits, target
    ),
}


def find_threshold(
    histogram: Histogram,
    choice: Method | float,
    bits: int,
    target: Target,
    percentile: float = DEFAULT_PERCENTILE,
) -> Threshold:
    """The threshold that a method finds, at most the largest magnitude; one by hand as it is.

    ``percentile`` in percent matters to that method alone. Zeros only, or no values: 0.0. Example:
    a largest magnitude of 4.5 and "max" give 4.5.
    """
    if not isinstance(choice, str):
        return Threshold(float(choice))
    if histogram.amax == 0:
        return Threshold(0.0)
    found = _FINDERS[choice](histogram, bits, target, percentile)
    return replace(found, value=min(found.value, histogram.amax))


def entropy_levels(histogram: Histogram, bits: int, target: Target) -> int:
    """Levels on one side of zero: 2^b for inputs that are never negative, else 2^(b - 1).

    Example: 8 bits have 256 after a ReLU and 128 elsewhere. Raises ValueError outside 2..16 bits.
    """
    one_sided = target == "activation" and histogram.low >= 0
    return (unsigned_range(bits) if one_sided else full_range(bits))[1] + 1


def layer_grid(histogram: Histogram, threshold: float, bits: int, target: Target) -> Grid:
    """The levels of a layer's weights (symmetric) or input (affine) clipped at a threshold.

    A threshold of zero, which zeros only have, gives steps of 1. Example: a weight clipped at 0.5
    has the levels -0.5, 0, 0.5 at 2 bits. Raises ValueError outside 2..16 bits.
    """
    if target == "activation":
        return input_grid(histogram, threshold, bits)
    return symmetric_grid(threshold if threshold > 0 else largest_level(bits), bits)
