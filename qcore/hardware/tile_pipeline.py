"""Clock cycles of a matrix product on a bit-serial array that loads tiles while it multiplies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class BitSerialArray:
    """``side`` x ``side`` dot-product units, each of which takes ``dot_bits`` bits of both
    operands a cycle.

    Both operands are loaded at the same time, ``port_bits`` a cycle each, into banks of
    ``buffer_words`` words of ``dot_bits``.
    """

    side: int
    dot_bits: int
    port_bits: int
    buffer_words: int


@dataclass(frozen=True, eq=False)
class _Part:
    """Vectors of an operand (pixels or output channels) that are in the buffer together.

    Arrays that broadcast to (pixel parts, channel parts, options): ``bits`` of each value,
    ``tiles`` of ``side`` vectors, and ``count``, how often a part of this size comes.
    """

    vectors: IntArray
    bits: IntArray
    tiles: IntArray
    count: IntArray


@dataclass(frozen=True, eq=False)
class ProductCycles:
    """(options,) clock cycles: of the whole product, and how many of them the array multiplies and
    each port loads. All three may go on at once."""

    total: IntArray
    multiplying: IntArray
    loading_weights: IntArray
    loading_inputs: IntArray


def product_cycles(
    array: BitSerialArray,
    rows: int,
    depth: int,
    columns: int,
    weight_bits: IntArray,
    activation_bits: IntArray,
) -> ProductCycles:
    """Cycles of an input (rows, depth) times weights (depth, columns).

    Bits have shape (options,). Either operand may stay while the other passes by, and the faster of
    the two schedules is taken for the whole product. Loading and multiplying are a flow shop of two
    machines: the time is the largest, over tiles, of what loads up to a tile and multiplies from it
    on. Bit planes stream one by one, which leaves the tails of (bits - 1). A vector longer than
    a bank is taken as if it fitted. Example: 784 rows, depth 192, 32 columns at 8/8 bits on 16 x 16
    units of 256, ports of 256, 1,024 words: 6,407 cycles.
    """
    words = -(-depth // array.dot_bits)
    load = -(-depth // array.port_bits)  # cycles for one bit plane of one vector
    multiply = words * weight_bits * activation_bits  # cycles for a pair of tiles
    pixels = _parts(array, rows, words, activation_bits, axis=0)
    channels = _parts(array, columns, words, weight_bits, axis=1)
    schedules = (
        _schedule(array, load, multiply, held=channels, passing=pixels),
        _schedule(array, load, multiply, held=pixels, passing=channels),
    )
    count = pixels.count * channels.count
    pipelined = np.minimum(*((count * each).sum(axis=(0, 1)) for each in schedules))
    # The schedules take loading for the slower part; above 8 bits multiplying can be.
    multiplying = -(-rows // array.side) * -(-columns // array.side) * multiply

    def loading(part: _Part) -> IntArray:
        loads: IntArray = (count * load * part.vectors * part.bits).sum(axis=(0, 1))
        return loads

    return ProductCycles(
        np.maximum(pipelined, multiplying), multiplying, loading(channels), loading(pixels)
    )


def _parts(array: BitSerialArray, vectors: int, words: int, bits: IntArray, axis: int) -> _Part:
    """The full parts and the last one along ``axis``, the widths along the last."""
    size = np.maximum(array.buffer_words // (words * bits), 1) * array.side
    full = -(-vectors // size) - 1
    sizes = np.stack([np.minimum(size, vectors), vectors - full * size])
    return _Part(
        np.expand_dims(sizes, 1 - axis),
        bits,
        np.expand_dims(-(-sizes // array.side), 1 - axis),
        np.expand_dims(np.stack([full, np.ones_like(full)]), 1 - axis),
    )


def _schedule(
    array: BitSerialArray, load: int, multiply: IntArray, held: _Part, passing: _Part
) -> IntArray:
    """Cycles where every tile of ``held`` stays until all of ``passing`` has gone by.

    Four moments may decide: when the last tile of an operand has come, and when the one before has.
    """
    first_pass = (passing.tiles - 1) * multiply
    after = (held.bits - 1) + (held.tiles - 1) * passing.tiles * multiply
    tail = first_pass + (passing.bits - 1) * held.bits
    cycles: IntArray = np.maximum(
        load * passing.vectors * passing.bits + after, load * held.vectors * held.bits + tail
    )
    passing_before = load * array.side * (passing.tiles - 1) * passing.bits + after + multiply
    held_before = load * array.side * (held.tiles - 1) * held.bits + tail + passing.tiles * multiply
    cycles = np.where(passing.tiles > 1, np.maximum(cycles, passing_before), cycles)
    cycles = np.where(held.tiles > 1, np.maximum(cycles, held_before), cycles)
    return cycles
