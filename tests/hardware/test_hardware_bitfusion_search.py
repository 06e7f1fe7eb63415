"""BitFusion's search for tiles, against one that tries every way on its own."""

from __future__ import annotations

import itertools
import math

from hypothesis import given, settings
from hypothesis import strategies as st

from qcore.hardware.bitfusion import ARRAY, multiplier
from qcore.hardware.bitfusion_block import Block
from qcore.hardware.bitfusion_search import Multiplier, block_cycles

BUFFERS = {"io": 64, "rci": 32, "rco": 16}


def down(value: int, step: int) -> list[int]:
    sizes = [step]
    while sizes[-1] < value:
        sizes.append(2 * sizes[-1])
    return [min(size, value) for size in sizes]


def plain_search(block: Block, at: Multiplier, weight: int, activation: int) -> float | None:
    """Cycles of the fastest tiles and loops, each tried on its own."""
    sides, channels = down(max(block.size), 1), down(block.inputs, 16 * at.lanes)
    tiles = itertools.product(sides, channels, down(block.outputs, 32))
    bits = {"io": weight, "rci": activation, "rco": 32}
    held_at = {"io": at.weight_bits, "rci": at.activation_bits, "rco": 32}
    found = [one_tile(block, at, tile, bits, held_at) for tile in tiles]
    return min((cycles for each in found for cycles in each), default=None)


def one_tile(
    block: Block,
    at: Multiplier,
    tile: tuple[int, int, int],
    bits: dict[str, int],
    held_at: dict[str, int],
) -> list[float]:
    """Cycles of each order of the loops; none where the tile does not fit. Operands are named for
    the loops (rows, columns, inputs, outputs) that they depend on."""
    rows, columns = (min(tile[0], size) for size in block.size)
    ic, oc = tile[1:]
    whole, parts = (*block.size, block.inputs, block.outputs), (rows, columns, ic, oc)
    counts = {loop: -(-w // p) for loop, w, p in zip("rcio", whole, parts, strict=True)}
    window = ((rows - 1) * block.stride[0] + block.kernel[0]) * (
        (columns - 1) * block.stride[1] + block.kernel[1]
    )
    kernel, turns_in, turns_out = math.prod(block.kernel), -(-ic // (16 * at.lanes)), -(-oc // 32)
    values = {"io": kernel * ic * oc, "rci": window * ic, "rco": rows * columns * oc}
    full_in, full_out = turns_in * 16 * at.lanes, turns_out * 32
    room = {
        "io": kernel * full_in * full_out,
        "rci": window * full_in,
        "rco": rows * columns * full_out,
    }
    held = {loops: room[loops] * held_at[loops] / (kib * 4096) for loops, kib in BUFFERS.items()}
    if max(held.values()) > 1:
        return []
    multiply = math.prod(counts.values()) * rows * columns * kernel * turns_in * turns_out
    found = []
    for order in itertools.permutations("rcio"):
        there, moved = {}, {}
        for loops, full in held.items():
            growth, turns = grown(order, loops, counts, full)
            there[loops] = bits[loops] * values[loops] * growth
            moved[loops] = there[loops] * turns
        edge = -(-sum(there.values()) // 192) - (-there["rco"] // 192)
        memory = -(-sum(moved.values()) // 192) - (-moved["rco"] // 192)
        found.append(max(multiply * at.passes + edge, memory))
    return found


def grown(
    order: tuple[str, ...], loops: str, counts: dict[str, int], full: float
) -> tuple[int, int]:
    """How many tiles of an operand its buffer takes, and how often these come."""
    growth, turns, fits = 1, 1, True
    for loop in order:
        more = growth * counts[loop] if loop in loops else growth
        fits = fits and more * full <= 1
        growth, turns = (more, turns) if fits else (growth, turns * counts[loop])
    return growth, turns


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_the_search_finds_what_trying_every_way_finds(data: st.DataObject) -> None:
    held = data.draw(st.sampled_from([(2, 2), (4, 4), (4, 8), (8, 8), (16, 8)]))
    widths = (data.draw(st.integers(1, held[0])), data.draw(st.integers(1, held[1])))
    channels, side, kernel = st.integers(1, 600), st.integers(1, 40), st.sampled_from([1, 3, 5])
    rows = data.draw(side)
    block = Block(
        data.draw(channels),
        data.draw(channels),
        (data.draw(kernel), data.draw(kernel)),
        (rows, data.draw(st.one_of(st.just(rows), side))),
        (data.draw(st.sampled_from([1, 2])), 1),
    )
    found = block_cycles(ARRAY, block, multiplier(*held), (widths,))
    expected = plain_search(block, multiplier(*held), *widths)
    assert (None if found is None else found.total[0]) == expected
