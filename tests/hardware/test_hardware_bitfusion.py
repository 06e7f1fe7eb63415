"""BitFusion: cases by hand, and what runs how."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hardware_networks import conv, describe, linear

from qcore.graph.layer import Layer
from qcore.hardware import hardware_costs
from qcore.hardware.bitfusion import ARRAY, BITFUSION, layer_cycles, multiplier, roof
from qcore.hardware.bitfusion_block import Block, layer_blocks, unrolled
from qcore.hardware.bitfusion_search import Multiplier, block_cycles
from qcore.hardware.pair import BitPair

PAIRS = [BitPair(w, a) for w in (1, 2, 3, 4, 6, 8, 16) for a in (1, 2, 4, 5, 8, 11)]
EIGHT = multiplier(8, 8)


def cycles(layer: Layer, *pairs: BitPair, batch: int = 1) -> list[float]:
    return layer_cycles(layer, pairs, batch).total.tolist()


def test_a_depthwise_layer_by_hand() -> None:
    """Blocks of 16 channels: 7 * 7 * 9 cycles multiply. Before them come 9 * 16 * 16 weights of 8
    bits, 9 * 9 * 16 inputs of 4 and 49 * 16 outputs of 32, 48,704 bits in 254 cycles; after them
    the outputs leave in 131."""
    layer = conv("dw", 832, 832, 3, 7, groups=832)
    assert cycles(layer, BitPair(8, 4)) == [52 * (441 + 254 + 131)]
    found = layer_cycles(layer, [BitPair(8, 4)], 1)
    assert found.multiplying.tolist() == [52 * 441]
    assert found.weight_bits.tolist() == [52 * 9 * 256 * 8]
    assert found.activation_bits.tolist() == [52 * (81 * 16 * 4 + 2 * 49 * 16 * 32)]


def test_a_classifier_waits_for_its_weights() -> None:
    """10.24 million bits of weights, 10,240 of inputs and 32,000 of outputs are read, these
    written: 53,554 and 167 cycles; multiplying takes 80 * 32."""
    layer = linear("head", 1280, 1000)
    found = layer_cycles(layer, [BitPair(8, 8)], 1)
    assert found.total.tolist() == [53_554 + 167]
    assert found.multiplying.tolist() == [80 * 32]


def test_energy_and_parts_follow_from_cycles_and_bits() -> None:
    layer = conv("c", 64, 96, 3, 14)
    found, cost = layer_cycles(layer, PAIRS, 2), BITFUSION.cost(layer, PAIRS, 2)
    assert cost.latency_ms is not None
    assert cost.energy_mj is not None
    assert cost.busy is not None
    assert cost.moved_bytes is not None
    moved = found.weight_bits + found.activation_bits
    energy = 15.4 * moved + 533 * found.multiplying + 388 * found.total
    np.testing.assert_allclose(cost.energy_mj, energy * 1e-9)
    np.testing.assert_allclose(cost.latency_ms, found.total / 500e3)
    np.testing.assert_allclose(cost.busy.compute_ms, found.multiplying / 500e3)
    np.testing.assert_allclose(cost.busy.weights_ms, found.weight_bits / 192 / 500e3)
    np.testing.assert_allclose(cost.busy.activations_ms, found.activation_bits / 192 / 500e3)
    np.testing.assert_allclose(cost.moved_bytes, moved / 8)


@pytest.mark.parametrize(
    ("widths", "lanes", "passes"),
    [
        ((2, 2), 16, 1),
        ((2, 8), 4, 1),
        ((4, 4), 4, 1),
        ((8, 2), 4, 1),
        ((4, 8), 2, 1),
        ((8, 8), 1, 1),
        ((16, 8), 1, 2),
        ((16, 16), 1, 4),
    ],
)
def test_products_of_a_fusion_unit(widths: tuple[int, int], lanes: int, passes: int) -> None:
    """Sharma et al. 2018: a unit is 16 bricks of 2 x 2 bits."""
    assert multiplier(*widths) == Multiplier(*widths, lanes, passes)
    assert roof(BitPair(*widths)).peak_ops_per_s == 2 * 512 * 500e6 * lanes / passes


def test_widths_run_at_the_next_native_ones() -> None:
    asked = [(3, 6), (1, 1), (2, 5), (9, 8), (8, 16)]
    runs = [BITFUSION.runs_as(BitPair(*pair)) for pair in asked]
    assert runs == [BitPair(*p) for p in [(4, 8), (2, 2), (2, 8), (16, 8), (8, 16)]]
    assert not BITFUSION.takes(BitPair(None, 8))
    assert not BITFUSION.takes(BitPair(8, None))


def test_narrow_values_multiply_at_native_widths_but_move_at_their_own() -> None:
    layer = conv("c", 64, 64, 3, 14)
    found = layer_cycles(layer, [BitPair(5, 5), BitPair(8, 8)], 1)
    assert found.multiplying[0] == found.multiplying[1]
    assert found.weight_bits[0] * 8 == found.weight_bits[1] * 5


@pytest.mark.parametrize("widths", [(4, 4), (6, 4), (8, 4)])
def test_large_depthwise_kernels_run_at_wider_widths(widths: tuple[int, int]) -> None:
    """Where APQ's table has no entry: 49 x 32 x 32 weights or more do not fit half of 64 KiB."""
    layer = conv("dw", 240, 240, 7, 14, groups=240)
    block = layer_blocks(layer, 4 if widths == (4, 4) else 2, 1).block
    held = tuple(4 if width == 4 else 8 for width in widths)
    assert block_cycles(ARRAY, block, multiplier(*held), (widths,)) is None
    wider = (4, 5) if widths == (4, 4) else (widths[0], 5)
    time, at_wider = cycles(layer, BitPair(*widths), BitPair(*wider))
    assert 0 < time <= at_wider


def test_kernels_that_never_fit_run_as_matrix_products() -> None:
    """Patches of 16x16 pixels: their kernels with 16 channels of room take 1 Mbit."""
    layer = replace(conv("patch", 3, 192, 16, 14), input_shape=(1, 3, 224, 224))
    block = layer_blocks(layer, 1, 1).block
    assert block.stride == (16, 16)
    assert block_cycles(ARRAY, block, EIGHT, ((8, 8),)) is None
    found = block_cycles(ARRAY, unrolled(block), EIGHT, ((8, 8),))
    assert found is not None
    assert cycles(layer, BitPair(8, 8)) == found.total.tolist()
    assert unrolled(block) == Block(768, 192, (1, 1), (1, 196))


def test_images_and_groups_follow_one_another_and_images_of_linear_layers_are_pixels() -> None:
    part, grouped = conv("p", 16, 8, 3, 10), conv("g", 64, 32, 3, 10, groups=4)
    alone = layer_cycles(part, PAIRS, 1).total
    np.testing.assert_array_equal(layer_cycles(grouped, PAIRS, 1).total, 4 * alone)
    np.testing.assert_array_equal(layer_cycles(part, PAIRS, 3).total, 3 * alone)
    few, many = linear("l", 256, 100, positions=3), linear("l", 256, 100, positions=18)
    assert cycles(few, *PAIRS, batch=6) == cycles(many, *PAIRS)
    assert cycles(few, BitPair(8, 8), batch=6)[0] < 6 * cycles(few, BitPair(8, 8))[0]


@pytest.mark.parametrize(("size", "stride"), [(7, 2), (8, 2), (4, 1), (13, 3)])
def test_the_stride_is_the_nearest_whole_number_of_inputs_per_output(
    size: int, stride: int
) -> None:
    layer = replace(conv("c", 16, 32, 3, 4), input_shape=(1, 16, size, size))
    assert layer_blocks(layer, 1, 1).block.stride == (stride, stride)


def test_layers_of_other_kinds_are_matrix_products() -> None:
    line = Layer(
        "l", "conv1d", "l", None, ("l",), (32, 16, 4), 1, 32, 32 * 64 * 50, (1, 16, 53), (1, 32, 50)
    )
    block = layer_blocks(line, 1, 2)
    assert (block.block, block.times) == (Block(64, 32, (1, 1), (1, 50)), 2)
    assert cycles(line, *PAIRS) == cycles(linear("m", 64, 32, positions=50), *PAIRS)


def test_a_layer_that_is_used_twice_takes_twice_as_long() -> None:
    once = conv("c", 16, 32, 3, 14)
    twice = replace(once, macs=2 * once.macs, nodes=("a", "b"))
    assert cycles(twice, *PAIRS) == [2 * each for each in cycles(once, *PAIRS)]


def test_no_pairs_and_networks() -> None:
    assert cycles(conv("c", 3, 8, 3, 8)) == []
    network = describe([conv("c", 3, 8, 3, 8), linear("l", 8, 10)])
    costs = hardware_costs(network, BITFUSION, [BitPair(0, 8), BitPair(4, 4), BitPair(None, None)])
    assert costs.cost.latency_ms is not None
    assert costs.runs.tolist() == [[True, True, False]] * 2
    assert costs.cost.latency_ms[:, 0].tolist() == [0, 0]
    assert costs.excluded == ()
