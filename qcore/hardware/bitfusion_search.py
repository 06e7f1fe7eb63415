"""The fastest way to cut a dense convolution into tiles on BitFusion."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from qcore.hardware.bitfusion_block import Block
from qcore.hardware.model import FloatArray

ACCUMULATOR_BITS = 32

# Which of the loops over rows and columns of the output, input channels and output channels change
# what is needed of the weights, the inputs and the outputs.
_NEEDS = np.array([[0, 0, 1, 1], [1, 1, 1, 0], [1, 1, 0, 1]], dtype=bool)


@dataclass(frozen=True)
class FusionArray:
    """``inputs`` x ``outputs`` fusion units, what memory moves in a cycle, and the buffers' sizes
    for weights, inputs and outputs. Half of a buffer is in use while the other half is filled.

    Picojoules: of a bit that memory moves, of a cycle in which units multiply, of any cycle.
    """

    inputs: int
    outputs: int
    memory_bits: int
    buffer_kib: tuple[int, int, int]
    memory_pj: float
    multiply_pj: float
    cycle_pj: float


@dataclass(frozen=True)
class Multiplier:
    """How a fusion unit multiplies a pair of widths: ``lanes`` products at once in ``passes``
    cycles, its operands held in the buffers at ``weight_bits`` and ``activation_bits``."""

    weight_bits: int
    activation_bits: int
    lanes: int
    passes: int


@dataclass(frozen=True, eq=False)
class TileCycles:
    """(options,) cycles in all and multiplying, bits moved of weights and of inputs and outputs,
    picojoules."""

    total: FloatArray
    multiplying: FloatArray
    weight_bits: FloatArray
    activation_bits: FloatArray
    picojoules: FloatArray


@dataclass(frozen=True, eq=False)
class _Tiles:
    """(tiles,): cycles that units multiply, of all tiles; (3, tiles): values of weights, inputs
    and outputs in one tile, and the part of a buffer that they fill; (4, tiles): tiles per loop."""

    multiplying: FloatArray
    values: FloatArray
    filled: FloatArray
    counts: FloatArray


@lru_cache(maxsize=4096)
def block_cycles(
    array: FusionArray, block: Block, multiplier: Multiplier, widths: tuple[tuple[int, int], ...]
) -> TileCycles | None:
    """The least cycles, and of these the least energy, over all tiles and orders of the loops.

    ``widths`` are the options: bits of weights and of inputs in memory, no wider than those of
    ``multiplier``, but for weights that it holds half by half. None where not even the smallest
    tile fits the buffers. What is first needed must have come before the first product, and the
    last outputs leave after the last; between, memory and units work at the same time. Outputs are
    32 bit, read and written. Example: 8 channels of 3x3 with a 7x7 output at 8/8 bits on BitFusion:
    624 cycles, of which 441 multiply.
    """
    tiles = _tiles(array, block, multiplier)
    if not tiles.multiplying.size:
        return None
    together, moved = _moved_values(tiles)
    each = np.array([(w, a, ACCUMULATOR_BITS) for w, a in widths], dtype=np.float64).T[:, :, None]
    first, bits = together[:, None] * each, moved[:, None] * each
    read, written = bits.sum(0), bits[2]
    multiplying = np.tile(tiles.multiplying, moved.shape[1] // tiles.multiplying.size)
    waiting = _cycles(array, first.sum(0)) + _cycles(array, first[2])
    total = np.maximum(multiplying + waiting, _cycles(array, read) + _cycles(array, written))
    picojoules = (
        array.memory_pj * (read + written)
        + array.multiply_pj * multiplying
        + array.cycle_pj * total
    )
    fastest = total == total.min(axis=1, keepdims=True)
    best = np.where(fastest, picojoules, np.inf).argmin(axis=1)
    row = np.arange(len(best))
    return TileCycles(
        total[row, best],
        multiplying[best],
        bits[0][row, best],
        (bits[1] + 2 * bits[2])[row, best],
        picojoules[row, best],
    )


def _cycles(array: FusionArray, bits: FloatArray) -> FloatArray:
    return np.ceil(bits / array.memory_bits)


def _tiles(array: FusionArray, block: Block, multiplier: Multiplier) -> _Tiles:
    """All tiles that fit, each cut at the layer's size: of the output powers of two, of channels
    powers of two times what all units take at once. In a buffer, channels fill up to that."""
    width = array.inputs * multiplier.lanes
    side, inputs, outputs = (
        a.ravel()
        for a in np.meshgrid(
            _doubled(1, max(block.size)),
            _doubled(width, block.inputs),
            _doubled(array.outputs, block.outputs),
        )
    )
    rows, columns = (np.minimum(side, size) for size in block.size)
    kernel, pixels = math.prod(block.kernel), rows * columns
    window = ((rows - 1) * block.stride[0] + block.kernel[0]) * (
        (columns - 1) * block.stride[1] + block.kernel[1]
    )
    turns_in, turns_out = np.ceil(inputs / width), np.ceil(outputs / array.outputs)
    full_in, full_out = turns_in * width, turns_out * array.outputs
    held = (
        kernel * full_in * full_out * multiplier.weight_bits,
        window * full_in * multiplier.activation_bits,
        pixels * full_out * ACCUMULATOR_BITS,
    )
    filled = np.stack([h / (k * 1024 * 8 / 2) for h, k in zip(held, array.buffer_kib, strict=True)])
    values = np.stack([kernel * inputs * outputs, window * inputs, pixels * outputs])
    whole = np.array([*block.size, block.inputs, block.outputs])[:, None]
    counts = np.ceil(whole / np.stack([rows, columns, inputs, outputs]))
    each = pixels * kernel * turns_in * turns_out * multiplier.passes
    fits = (filled <= 1).all(axis=0)
    multiplying = each * counts.prod(axis=0)
    return _Tiles(multiplying[fits], values[:, fits], filled[:, fits], counts[:, fits])


def _doubled(first: int, last: int) -> list[int]:
    """first, 2 * first, ... below ``last``, and ``last``. Example: 1 to 7: 1, 2, 4, 7."""
    steps = ((last - 1) // first).bit_length()
    return [*(first << step for step in range(steps)), last]


def _moved_values(tiles: _Tiles) -> tuple[FloatArray, FloatArray]:
    """(3, orders x tiles) values of each operand that are in its buffer together, and that memory
    moves in all (outputs once).

    From the innermost loop outwards an operand's buffer takes what the loop needs as long as it
    fits. From the first loop on whose need does not fit, everything comes again in every turn.
    """
    orders = _orders(tiles.counts)
    shape = (3, len(orders), tiles.multiplying.size)
    together = np.broadcast_to(tiles.values[:, None], shape)
    filled = np.broadcast_to(tiles.filled[:, None], shape)
    times, fits = np.ones(shape), np.ones(shape, dtype=bool)
    for loop in orders.T:
        counts = tiles.counts[loop]
        grown = np.where(_NEEDS[:, loop, None], counts, 1.0)
        fits = fits & (filled * grown <= 1)
        kept = np.where(fits, grown, 1.0)
        together, filled = together * kept, filled * kept
        times = np.where(fits, times, times * counts)
    flat = (3, shape[1] * shape[2])
    return together.reshape(flat), (together * times).reshape(flat)


def _orders(counts: FloatArray) -> npt.NDArray[np.int64]:
    """(orders, loops) the loops that any tile turns more than once in, the innermost first.

    Where rows and columns are cut alike, rows run inside columns: the other way round is the same.
    """
    loops = np.flatnonzero((counts > 1).any(axis=1)).tolist()
    orders = list(itertools.permutations(loops))
    if 0 in loops and np.array_equal(counts[0], counts[1]):
        orders = [order for order in orders if order.index(0) < order.index(1)]
    return np.array(orders, dtype=np.int64)
