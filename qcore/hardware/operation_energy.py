"""Energy of a layer from the energy of its operations, whatever machine does them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from qcore.graph.layer import Layer
from qcore.hardware.matrix import uses_of_first_size
from qcore.hardware.model import Cost, Hardware
from qcore.hardware.pair import BitPair
from qcore.quantize.limits import MAX_BITS

# Horowitz 2014, "Computing's Energy Problem (and what we can do about it)", ISSCC, figure 1.1.9:
# 45 nm, 0.9 V, picojoules.
MULTIPLY_8_BIT_PJ = 0.2
ADD_32_BIT_PJ = 0.1
MULTIPLY_FLOAT32_PJ = 3.7
ADD_FLOAT32_PJ = 0.9
DRAM_64_BITS_PJ = 1300.0

_MJ_PER_PJ = 1e-9
_BITS = tuple(range(1, MAX_BITS + 1))


def multiply_accumulate_pj(pair: BitPair) -> float:
    """Picojoules of one multiplication of weight and input and one addition to the sum.

    A w x a bit multiplier has w * a cells, so its energy is that of 8 x 8 bits times w * a / 64
    (Horowitz gives 0.2 pJ at 8 x 8; this makes 3.2 at 32 x 32, where he gives 3.1). Sums have 32
    bits. Where either is of full precision both are multiplied as float32. Example: 0.2 + 0.1 at
    8/8 bits, 0.05 + 0.1 at 4/4, 3.7 + 0.9 with an input of full precision.
    """
    if pair.weight_bits is None or pair.activation_bits is None:
        return MULTIPLY_FLOAT32_PJ + ADD_FLOAT32_PJ
    return MULTIPLY_8_BIT_PJ * pair.weight_bits * pair.activation_bits / 64 + ADD_32_BIT_PJ


def moved_bits(layer: Layer, pair: BitPair, batch: int) -> int:
    """Bits of a batch that pass the border of the chip: weights once, inputs twice per use.

    An input was written by what made it, at the bits that this layer reads; so the bits of a layer
    decide of its own cost alone. Example: 20 weights at 4 bits and 5 input values at 8 bits, one
    image: 160.
    """
    values = round(math.prod(layer.input_shape) * uses_of_first_size(layer)) * batch
    weights = layer.weight_count * (pair.weight_bits or 32)
    return weights + 2 * values * (pair.activation_bits or 32)


def layer_cost(layer: Layer, pairs: Sequence[BitPair], batch: int) -> Cost:
    """(options,) millijoules and bytes of a layer for a batch.

    Multiply-accumulates x ``multiply_accumulate_pj`` + ``moved_bits`` x 1,300 / 64 pJ. Example:
    294,912 multiply-accumulates at 8/8 bits take 0.0000885 mJ; moving their 4,608 weights and 2 x
    1,024 inputs 0.00108 mJ.
    """
    moved = np.array([moved_bits(layer, pair, batch) for pair in pairs], dtype=np.float64)
    one = np.array([multiply_accumulate_pj(pair) for pair in pairs], dtype=np.float64)
    picojoules = layer.macs * batch * one + moved * DRAM_64_BITS_PJ / 64
    return Cost(energy_mj=picojoules * _MJ_PER_PJ, moved_bytes=moved / 8)


OPERATIONS = Hardware(
    name="operations",
    title="Energy per operation (45 nm)",
    provenance=(
        "Horowitz 2014 (ISSCC, figure 1.1.9; 45 nm, 0.9 V): an 8-bit multiplication 0.2 pJ, scaled "
        "by weight bits x input bits / 64; a 32-bit addition 0.1 pJ; float32 3.7 and 0.9 pJ; DRAM "
        "1.3 nJ for 64 bits, the lower of his two figures. Weights are read once a batch, layer "
        "inputs written and read once an image, all from DRAM. The scaling is the usual one, not a "
        "measurement. No latency: it is no particular machine."
    ),
    leaves_out=(
        "caches and registers, control, leakage",
        "memory that keeps a layer's output on the chip, which would save most of the DRAM's share",
        "the higher figure for DRAM, twice as much",
        "biases, activation functions, pooling, additions and the network's output",
        "products of two activations, as in attention",
    ),
    weight_bits=(None, *_BITS),
    activation_bits=(None, *_BITS),
    batch=1,
    cost=layer_cost,
    formula=(
        "picojoules of computing = multiply-accumulates x (0.2 x weight bits x input bits / 64 + "
        "0.1); x (3.7 + 0.9) where either is of full precision",
        "picojoules of memory = 1,300 / 64 x (weights x their bits + 2 x inputs x their bits)",
        "millijoules = picojoules / 10^9",
    ),
    has_latency=False,
    has_energy=True,
)
