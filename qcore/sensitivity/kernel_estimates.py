"""Losses of single kernels, shrunk towards what their rounding errors alone would say.

Free of torch.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qcore.sensitivity.interval import student_quantile
from qcore.sensitivity.kernel_held_out import held_out
from qcore.sensitivity.kernel_prior import kept_parts, prior_of, to_whole_sample
from qcore.sensitivity.kernel_shrinkage import KernelShrinkage
from qcore.sensitivity.projection.bootstrap import Doubles
from qcore.sensitivity.projection.kernel_sums import KernelSums


@dataclass(frozen=True, eq=False)
class KernelEstimates:
    """ΔL of every kernel at every bit width: arrays (kernels, bits), in the order of the sums.

    ``raw`` is the mean over the images, ``shrunk`` what is shown. ``low`` and ``high`` are the 95 %
    interval of the latter, None for one image. ``shrinkage`` is None where there is no second half,
    and nothing is shrunk then; at the widths that it names raw, both are equal. ``energies`` are
    the sums of squares of the rounding errors of each kernel's weights.
    """

    bits: tuple[int, ...]
    layers: tuple[str, ...]
    kernels: tuple[int, ...]
    images: int
    raw: Doubles
    shrunk: Doubles
    low: Doubles | None
    high: Doubles | None
    shrinkage: KernelShrinkage | None
    energies: Doubles

    def is_shrunk(self, bits: int) -> bool:
        """Whether the values at that width were shrunk. ValueError for an unknown width."""
        return self.shrinkage is not None and self.shrinkage.at(bits).shown == "shrunk"

    def rows(self, layer: str) -> slice:
        """Where that layer's kernels are. ValueError for an unknown layer."""
        number = self.layers.index(layer)
        start = sum(self.kernels[:number])
        return slice(start, start + self.kernels[number])


def kernel_estimates(sums: KernelSums) -> KernelEstimates:
    """Shrink the mean losses of single kernels, each of which few images have seen.

    shrunk = prior + kept · (raw - prior). The prior gives every kernel of a layer the same gain
    (``prior_of``); ``kept`` is chosen layer by layer on two halves of the images (``kept_parts``),
    and is 1 at a bit width where half the images predict the other half better unshrunk
    (``held_out``). A layer's sum over its kernels stays, and so does a negative value. Efron &
    Morris 1975, JASA 70, 311, for shrinkage towards such a fit. The interval mixes as the values
    do: its squared half width is kept · h^2 + (1 - kept) · h_p^2, of which h is Student's of the
    raw value, and h_p the prior's, were all kernels of the layer wrong together. The raw value can
    lie outside it. Example: raw 3 ± 1 and prior 1 ± 0.5 with half of it kept give 2 ± 0.79.
    """
    raw, layer = sums.means(), sums.layer_numbers
    half = _half_width(sums)
    kept = to_whole_sample(kept_parts(sums)) if sums.counts.all() else None
    if kept is None:
        low, high = (None, None) if half is None else (raw - half, raw + half)
        return _estimates(sums, raw, raw, low, high, None)
    shrinkage = KernelShrinkage(sums.layers, tuple(map(float, kept)), held_out(sums), sums.images)
    stays = np.array([one.shown == "raw" for one in shrinkage.held_out])
    each = np.where(stays, 1.0, kept[layer][:, None])
    prior = np.where(stays, raw, prior_of(raw, sums))
    shrunk = prior + each * (raw - prior)
    assert half is not None  # both halves have an image
    of_prior = prior_of(half, sums)
    spread = np.sqrt(each * half**2 + (1 - each) * of_prior**2)
    return _estimates(sums, raw, shrunk, shrunk - spread, shrunk + spread, shrinkage)


def _half_width(sums: KernelSums) -> Doubles | None:
    """(kernels, bits): of Student's 95 % interval of the raw means; None below two images."""
    count = sums.images
    if count < 2:
        return None
    mean = sums.means()
    variance = np.maximum(sums.squares.sum(0) - count * np.square(mean), 0) / (count - 1)
    found: Doubles = student_quantile(count - 1) * np.sqrt(variance / count)
    return found


def _estimates(
    sums: KernelSums,
    raw: Doubles,
    shrunk: Doubles,
    low: Doubles | None,
    high: Doubles | None,
    shrinkage: KernelShrinkage | None,
) -> KernelEstimates:
    return KernelEstimates(
        sums.bits,
        sums.layers,
        sums.kernels,
        sums.images,
        raw,
        shrunk,
        low,
        high,
        shrinkage,
        sums.energies,
    )
