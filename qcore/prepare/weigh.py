"""What the page Weights shows of a layer, worked out once. Loads torch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from qcore.calibrate.streaming import count_values
from qcore.prepare.statistics import histogram_arrays, sparkline
from qcore.quantize.limits import GRID_BITS, largest_level
from qcore.quantize.symmetric import mse_scale


def layer_arrays(rows: Tensor) -> dict[str, Tensor]:
    """Scales at ``GRID_BITS``, what they cost, and the histogram of one layer.

    rows (kernels, weights per kernel). ``kernel_*`` are (kernels, bit widths) for one scale a
    kernel, ``layer_*`` (bit widths,) for a single scale: the scale, the mean squared error and the
    clipped fraction. ``kernel_amax`` and ``kernel_energy`` (mean square) are (kernels,).
    ``counts`` and ``seen`` hold the histogram as ``qcore.prepare.statistics`` reads it.
    """
    whole = rows.reshape(1, -1)
    kernels = [_quantized(rows, bits) for bits in GRID_BITS]
    layer = [_quantized(whole, bits) for bits in GRID_BITS]
    arrays = {"rows": rows}
    for column, name in enumerate(("scales", "mse", "clipped")):
        arrays[f"kernel_{name}"] = torch.stack([one[column] for one in kernels], 1)
        arrays[f"layer_{name}"] = torch.cat([one[column] for one in layer])
    arrays["kernel_amax"] = rows.abs().amax(dim=1)
    arrays["kernel_energy"] = rows.square().mean(dim=1)
    counts, seen = histogram_arrays(count_values(rows))
    return {**arrays, "counts": torch.from_numpy(counts), "seen": torch.from_numpy(seen)}


def _quantized(rows: Tensor, bits: int) -> tuple[Tensor, Tensor, Tensor]:
    """(kernels,) each: scale, mean squared error, fraction beyond the threshold."""
    scale = mse_scale(rows, bits)
    n = largest_level(bits)
    steps = rows / scale
    error = steps.round().clamp_(-n, n).sub_(steps).square_().mean(dim=1) * scale[:, 0].square()
    # The largest weight of a kernel may be its threshold, but for the last digit.
    clipped = (steps.abs_() > n * (1 + 1e-6)).sum(dim=1) / rows.shape[1]
    return scale.reshape(-1), error, clipped


def overview_arrays(layers: Sequence[dict[str, Tensor]]) -> dict[str, Tensor]:
    """One row a layer: its sparkline, energy, errors, and how far its widest kernel stands out."""
    sparklines = [sparkline(one["counts"].numpy(), one["seen"].numpy()) for one in layers]
    return {
        "sparklines": torch.from_numpy(np.stack(sparklines)),
        "energy": torch.stack([one["kernel_energy"].mean() for one in layers]),
        "kernel_mse": torch.stack([one["kernel_mse"].mean(dim=0) for one in layers]),
        "layer_mse": torch.stack([one["layer_mse"] for one in layers]),
        "amax": torch.stack([one["kernel_amax"].max() for one in layers]),
        "median_amax": torch.stack([one["kernel_amax"].quantile(0.5) for one in layers]),
    }
