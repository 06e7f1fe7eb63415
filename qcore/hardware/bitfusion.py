"""BitFusion: an array of multipliers that fuse or split by the widths of their operands."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np

from qcore.graph.layer import Layer
from qcore.hardware.bitfusion_block import layer_blocks, unrolled
from qcore.hardware.bitfusion_search import FusionArray, Multiplier, TileCycles, block_cycles
from qcore.hardware.model import BoolArray, Busy, Cost, FloatArray, Hardware, Roof
from qcore.hardware.pair import BitPair
from qcore.hardware.tile_pipeline import IntArray

ARRAY = FusionArray(
    inputs=16,
    outputs=32,
    memory_bits=192,
    buffer_kib=(64, 32, 16),
    memory_pj=15.4,
    multiply_pj=533.0,
    cycle_pj=388.0,
)
MEGAHERTZ = 500.0
BITS = tuple(range(1, 17))
NATIVE_BITS = (2, 4, 8, 16)

_CYCLES_PER_MS = MEGAHERTZ * 1e3
_MJ_PER_PJ = 1e-9


def native_pair(pair: BitPair) -> BitPair | None:
    """The widths that a pair is multiplied at, None for full precision. Example: 3/6: 4/8."""
    if pair.weight_bits is None or pair.activation_bits is None:
        return None
    return BitPair(_native(pair.weight_bits), _native(pair.activation_bits))


def multiplier(weight_bits: int, activation_bits: int) -> Multiplier:
    """What a fusion unit, which is 8 x 8 bits in all, makes of two native widths.

    Example: 16 products at once at 2/2 bits, 2 at 4/8, 1 at 8/8; at 16/16 one in four cycles.
    """
    lanes = (8 // min(weight_bits, 8)) * (8 // min(activation_bits, 8))
    passes = max(weight_bits // 8, 1) * max(activation_bits // 8, 1)
    return Multiplier(weight_bits, activation_bits, lanes, passes)


def layer_cycles(layer: Layer, pairs: Sequence[BitPair], batch: int) -> TileCycles:
    """(options,) of a layer for a batch of images; no pair is of full precision.

    It is multiplied at the native widths of the pair or at wider ones, up to 8, whichever is
    faster: narrow ones take more channels at once, which a layer may not have or the buffers not
    hold. Where no tile fits the buffers at any, 16-bit weights come in halves of 8 bits; where none
    fits then either, as with the largest kernels, it runs as a matrix product. Example: 832
    channels of 3x3 depthwise with a 7x7 output at 8/4 bits: 52 blocks of 16 channels, 42,952 cycles
    for one image.
    """
    # Layers of one shape are counted once.
    shape = replace(layer, name="", weight_key="", bias_key=None, nodes=())
    return _cycles(shape, tuple((p.weight_bits or 0, p.activation_bits or 0) for p in pairs), batch)


@lru_cache(maxsize=4096)
def _cycles(layer: Layer, widths: tuple[tuple[int, int], ...], batch: int) -> TileCycles:
    natives = np.array([(_native(w), _native(a)) for w, a in widths]).reshape(-1, 2)
    found = np.full((5, len(widths)), np.inf)
    for held_bits, as_product in ((16, False), (8, False), (16, True)):
        left = np.isinf(found[0])
        for held in itertools.product(NATIVE_BITS, NATIVE_BITS):
            chosen = left & _runs_at(natives, np.array(held))
            if chosen.any():
                at = multiplier(*held)
                at = replace(at, weight_bits=min(at.weight_bits, held_bits))
                _improve(found, chosen, layer, batch, widths, at, as_product)
    found.flags.writeable = False
    return TileCycles(*found)


def _native(bits: int) -> int:
    return next(native for native in NATIVE_BITS if native >= bits)


def _runs_at(natives: IntArray, held: IntArray) -> BoolArray:
    """(options,) True where operands of these native widths may run at ``held``."""
    fits: BoolArray = ((natives == held) | ((natives < held) & (held <= 8))).all(axis=1)
    return fits


def _improve(
    found: FloatArray,
    chosen: BoolArray,
    layer: Layer,
    batch: int,
    widths: Sequence[tuple[int, int]],
    at: Multiplier,
    as_product: bool,
) -> None:
    """Put what is faster at a multiplier into ``found`` (5, options), for the chosen options."""
    options = np.flatnonzero(chosen).tolist()
    blocks = layer_blocks(layer, at.lanes, batch)
    block = unrolled(blocks.block) if as_product else blocks.block
    cycles = block_cycles(ARRAY, block, at, tuple(widths[option] for option in options))
    if cycles is None:
        return
    new = blocks.times * np.stack(
        [
            cycles.total,
            cycles.multiplying,
            cycles.weight_bits,
            cycles.activation_bits,
            cycles.picojoules,
        ]
    )
    old = found[:, options]
    found[:, options] = np.where(new[0] < old[0], new, old)


def layer_cost(layer: Layer, pairs: Sequence[BitPair], batch: int) -> Cost:
    """(options,) of a layer for a batch: its cycles at 500 MHz, and energy with the memory's."""
    cycles = layer_cycles(layer, pairs, batch)
    port = ARRAY.memory_bits * _CYCLES_PER_MS
    return Cost(
        cycles.total / _CYCLES_PER_MS,
        cycles.picojoules * _MJ_PER_PJ,
        Busy(
            cycles.multiplying / _CYCLES_PER_MS,
            cycles.weight_bits / port,
            cycles.activation_bits / port,
        ),
        (cycles.weight_bits + cycles.activation_bits) / 8,
    )


def roof(pair: BitPair) -> Roof:
    """What the array and its memory do at best at the pair's native widths. Example: 8/8 bits: 16 x
    32 multiply-accumulates a cycle are 0.512e12 operations a second; 12e9 bytes a second."""
    at = multiplier(_native(pair.weight_bits or 16), _native(pair.activation_bits or 16))
    products = ARRAY.inputs * ARRAY.outputs * at.lanes / at.passes
    hertz = MEGAHERTZ * 1e6
    return Roof(2 * products * hertz, ARRAY.memory_bits / 8 * hertz)


BITFUSION = Hardware(
    name="bitfusion",
    title="BitFusion (16x32 fusion units)",
    provenance=(
        "Tile search on BitFusion (Sharma et al. 2018): 16x32 fusion units at 500 MHz, memory of "
        "192 bits a cycle, buffers of 64, 32 and 16 KiB for weights, inputs and outputs, half of "
        "each in use. It gives 6,549 of the 6,567 latencies of the table in APQ's repository (Wang "
        "et al. 2020; 1x1 and depthwise layers at 4, 6 and 8 bits, batch 1) to the cycle. The "
        "other 18 are 1.4 to 6.7 % less, since here a layer runs at wider multipliers where these "
        "are faster, so that up to 8 bits fewer never cost time; without that they agree. Sizes "
        "and rounding were found from that table. Energy is 15.4 pJ a bit of memory, 533 pJ a "
        "cycle that multiplies and 388 pJ any cycle, fitted to it: 0.5 % off on average, at most "
        "3.7 %. "
        "Values are multiplied and held at 2, 4, 8 or 16 bits, the next one up (the table's 6 bits "
        "run as 8), but pass memory at their own width; 16-bit weights of kernels that do not fit, "
        "as of 7x7, are held half by half. Other widths, other kernels, strides taken from the "
        "layer's sizes, grouped convolutions and linear layers follow from the same search and "
        "have no published figure."
    ),
    leaves_out=(
        "biases, activation functions, pooling and additions",
        "changing bits between layers: outputs leave at 32 bits, read and written",
        "keeping a layer's output on the chip for the next one",
        "products of two activations, as in attention",
        "instructions and the start of a layer",
    ),
    weight_bits=BITS,
    activation_bits=BITS,
    batch=1,
    cost=layer_cost,
    has_energy=True,
    runs_as=native_pair,
    roof=roof,
    formula=(
        "multiplying = ⌈outputs / 32⌉ x ⌈inputs / (16 x lanes)⌉ x positions x kernel size cycles, "
        "with (8 / weight width) x (8 / input width) lanes at widths of 2, 4 or 8 bits",
        "memory = bits moved / 192 cycles: weights, inputs, and outputs of 32 bits read and "
        "written, each as often as the order of the loops has it",
        "a layer = multiplying, what memory takes longer than that, and the first and the last "
        "tile; the least over all tile sizes that fit the buffers and all orders of the loops",
        "depthwise layers run in blocks of 8 x lanes channels",
        "milliseconds = images x cycles / 500,000; picojoules = 15.4 x bits moved + 533 x "
        "multiplying cycles + 388 x all cycles",
    ),
)
