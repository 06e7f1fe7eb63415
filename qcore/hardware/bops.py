"""Bit operations: the cost of a multiplication that no particular machine is needed for."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from qcore.graph.layer import Description
from qcore.sensitivity.config import Width

FULL_PRECISION_BITS = 32
"""What an input that is not quantized counts as."""


def bops(network: Description, widths: Sequence[Width]) -> npt.NDArray[np.float64]:
    """(layers, options): multiply-accumulates of one image x weight bits x input bits.

    A full-precision input counts 32 bits, as in HAWQ-V3 (Yao et al. 2021, table 1, where ResNet-18
    has 1,858 GBOPs at 32 bits and 116 at 8), a pruned layer (0 bits) none. Layers only: biases,
    additions and products of two activations are not counted. Example: 294,912 multiply-accumulates
    at 4-bit weights and 8-bit inputs: 9,437,184.
    """
    macs = np.array([layer.macs for layer in network.layers], dtype=np.float64)
    products = [w.bits * (w.activation_bits or FULL_PRECISION_BITS) for w in widths]
    return np.outer(macs, np.array(products, dtype=np.float64))
