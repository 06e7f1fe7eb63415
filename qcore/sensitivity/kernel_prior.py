"""What a kernel's rounding errors alone say of its loss, and how far to believe in more.

Free of torch.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from qcore.sensitivity.projection.bootstrap import Doubles
from qcore.sensitivity.projection.kernel_sums import KernelSums


def prior_of(values: Doubles, sums: KernelSums) -> Doubles:
    """(kernels, bits): the sums of ``values`` over each layer, handed out anew to its kernels in
    the proportion of their squared rounding errors: one gain for the whole layer.

    It is the second-order term of a layer whose kernels all have the same curvature. The
    first-order term of cross-entropy has either sign and no such proportion: there the layer's sum
    can be negative, and whether its share helps is for ``held_out`` to say, width by width.
    Example: values 4 and 0 of two kernels with squared errors 1 and 3 become 1 and 3.
    """
    layer = sums.layer_numbers
    energy = layer_sums(sums.energies, sums)[layer]
    share = np.divide(sums.energies, energy, out=np.zeros_like(energy), where=energy > 0)
    return layer_sums(values, sums)[layer] * share


def layer_sums(values: Doubles, sums: KernelSums) -> Doubles:
    """(layers, bits): of (kernels, bits), the sum over the kernels of each layer."""
    layer, count = sums.layer_numbers, len(sums.layers)
    columns = [np.bincount(layer, values[:, i], count) for i in range(values.shape[1])]
    return np.stack(columns, 1)


def kept_parts(sums: KernelSums, chosen: npt.NDArray[np.bool_] | None = None) -> Doubles:
    """(layers,): what part of a kernel's distance from the prior half the images should keep.

    The correlation of that distance in one half of the images with that in the other, over the
    kernels of a layer (those ``chosen``, (kernels,)): the slope with which one predicts the other
    where both vary alike, and blind to a half whose losses are larger altogether. Its median over
    the bit widths is taken, so that one outlying kernel does not decide, and kept within 0 and 1.
    Zero where no kernel has a distance. Example: distances (1, -1, 0) and (2, -2, 0) give 1.
    """
    of_kernel = np.ones(len(sums.energies)) if chosen is None else chosen.astype(float)
    halves = [sums.means([half]) for half in (0, 1)]
    first, second = ((one - prior_of(one, sums)) * of_kernel[:, None] for one in halves)
    lengths = [np.sqrt(layer_sums(one**2, sums)) for one in (first, second)]
    length = lengths[0] * lengths[1]
    product = layer_sums(first * second, sums)
    each = np.divide(product, length, out=np.full_like(length, np.nan), where=length > 0)
    known = ~np.isnan(each).all(1)
    found = np.zeros(len(each))
    found[known] = np.nanmedian(each[known], 1)
    return np.clip(found, 0, 1)


def to_whole_sample(kept: Doubles) -> Doubles:
    """What both halves together should keep: 2 r / (1 + r) (Spearman 1910; Brown 1910).

    Example: of 0.5, two thirds.
    """
    found: Doubles = 2 * kept / (1 + kept)
    return found
