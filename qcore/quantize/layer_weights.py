"""The weight quantizer that sensitivity, evaluation and export share."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from qcore.graph.kernels import from_kernels, to_kernels
from qcore.graph.layer import Layer
from qcore.quantize.limits import PRUNED, largest_level
from qcore.quantize.scale_search import ScaleSearch
from qcore.quantize.symmetric import mse_scale, quantize

KernelClipping = Literal["max", "mse"] | float
"""Each kernel's own largest magnitude or least squared error, or one threshold for the layer."""


def layer_search(weight: Tensor, layer: Layer, per_kernel: bool = True) -> ScaleSearch:
    """The search for each kernel's scale, or for one that all share."""
    rows = to_kernels(weight, layer)
    return ScaleSearch(rows if per_kernel else rows.reshape(1, -1))


def weight_scale(
    weight: Tensor,
    layer: Layer,
    bits: int,
    clipping: KernelClipping = "mse",
    per_kernel: bool = True,
    search: ScaleSearch | None = None,
) -> Tensor:
    """The scale of each kernel, (kernels, 1); the same for all where ``per_kernel`` is False.

    A threshold of the layer clips a kernel at the smaller of it and the kernel's own largest
    magnitude, so that no kernel gets a range that it does not use. ``search``: the ``layer_search``
    of that weight, if it has been made for another width. Example: kernels of largest magnitude 0.2
    and 1.0 with a threshold of 0.5 at 2 bits have scales 0.2 and 0.5. Raises ValueError outside
    2..16 bits.
    """
    if search is None:
        search = layer_search(weight, layer, per_kernel)
    scale = _scale(search, bits, clipping)
    return scale if per_kernel else scale.expand(layer.kernels, 1).contiguous()


def _scale(search: ScaleSearch, bits: int, clipping: KernelClipping) -> Tensor:
    if clipping == "mse":
        return search.scale(bits)
    top = search.top(bits)
    if clipping == "max" or clipping == 0:
        return top
    return torch.minimum(top, torch.full_like(top, clipping / largest_level(bits)))


def quantize_weight(weight: Tensor, layer: Layer, bits: int, scale: Tensor | None = None) -> Tensor:
    """The weight rounded to ``bits``, in its stored shape. ``scale`` (kernels, 1) if known.

    Example: the kernel 0.34, -0.5 with scale 0.1 at 3 bits becomes 0.3, -0.3; at 0 bits, pruned, it
    becomes 0, 0. Raises ValueError for other widths than 0 and 2..16.
    """
    if bits == PRUNED:
        return torch.zeros_like(weight)
    rows = to_kernels(weight, layer)
    if scale is None:
        scale = mse_scale(rows, bits)
    return from_kernels(quantize(rows, scale, bits), layer)
