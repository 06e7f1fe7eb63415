"""Stripes: a machine that takes layer inputs bit by bit."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from qcore.graph.layer import Layer
from qcore.hardware.matrix import layer_matrix
from qcore.hardware.model import Busy, Cost, FloatArray, Hardware
from qcore.hardware.pair import BitPair

# Judd et al. 2016: 16 tiles of 16 filters, each with 16 windows of 16 input lanes. At
# 16 bits these are the 4,096 multiply-accumulates a cycle of DaDianNao.
TILES = 16
FILTERS = 16
WINDOWS = 16
LANES = 16
MEGAHERTZ = 980.0
BITS = tuple(range(1, 17))
WEIGHT_BITS = 16


def layer_cycles(layer: Layer, pairs: Sequence[BitPair], batch: int) -> FloatArray:
    """(options,) clock cycles of a layer for a batch of images, which follow one another.

    ceil(windows / 16) x ceil(filters / 256) x ceil(depth / 16) x bits of the input; windows,
    filters and depth are the rows, columns and depth of ``layer_matrix``, groups follow one
    another. A linear layer has few windows: it takes at most what DaDianNao takes, one window a
    cycle whatever the bits, and with less than two positions just that. Example: a 3x3 convolution
    from 32 to 64 channels with an 8x8 output at 4 bits: 4 x 1 x 18 x 4 = 288.
    """
    matrix = layer_matrix(layer)
    bits = np.array([pair.activation_bits for pair in pairs], dtype=np.float64)
    turns = -(-matrix.columns // (TILES * FILTERS)) * -(-matrix.depth // LANES)
    windows = -(-matrix.rows // WINDOWS) * bits
    if layer.op == "linear":
        windows = np.minimum(windows, matrix.rows)
    return batch * matrix.groups * turns * windows


def layer_cost(layer: Layer, pairs: Sequence[BitPair], batch: int) -> Cost:
    """(options,) of a layer for a batch: its cycles at 980 MHz."""
    latency_ms = layer_cycles(layer, pairs, batch) / (MEGAHERTZ * 1e3)
    nothing = np.zeros_like(latency_ms)
    return Cost(latency_ms, busy=Busy(latency_ms, nothing, nothing))


def multiplied_at(pair: BitPair) -> BitPair | None:
    """Weights always have 16 bits; None for full precision. Example: 4/5: 16/5."""
    if pair.weight_bits is None or pair.activation_bits is None:
        return None
    return BitPair(WEIGHT_BITS, pair.activation_bits)


STRIPES = Hardware(
    name="stripes",
    title="Stripes (bit-serial inputs)",
    provenance=(
        "Cycle formula of Stripes (Judd et al. 2016, MICRO): inputs come bit by bit, 16 tiles x 16 "
        "filters x 16 windows x 16 lanes, 980 MHz. At 16 bits it is as fast as DaDianNao, with "
        "4,096 multiply-accumulates a cycle; at fewer, convolutions are 16 / bits times as fast. "
        "The paper reports 1.92 times on average (1.30 to 4.51) over its networks, at the bits "
        "that each of their layers needs; no figures per layer are published, so nothing here is "
        "checked against any. Bits of weights do not change the time. Fully-connected layers take "
        "what they take at 16 bits, since weights there meet one input only. Depthwise and grouped "
        "convolutions, which the paper has none of, follow from the formula. ReLeQ (Elthakeb et "
        "al. 2020) evaluates on this machine with weights as the operand that comes bit by bit, so "
        "that its time goes with the bits of weights; here they are those of the inputs."
    ),
    leaves_out=(
        "memory: it is taken to deliver in time, for no bandwidth is published for it",
        "energy: no figure per operation is published, only 57 % more efficiency than DaDianNao",
        "biases, activation functions, pooling and additions",
        "changing bits between layers",
        "products of two activations, as in attention",
    ),
    weight_bits=BITS,
    activation_bits=BITS,
    batch=1,
    cost=layer_cost,
    runs_as=multiplied_at,
    formula=(
        "a layer = ⌈positions / 16⌉ x ⌈filters / 256⌉ x ⌈weights of a filter / 16⌉ x input bits "
        "cycles; a linear layer at most positions x ⌈outputs / 256⌉ x ⌈inputs / 16⌉",
        "milliseconds = images x cycles / 980,000",
    ),
    lower_bound=True,
)
