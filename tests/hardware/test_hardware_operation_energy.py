"""Energy per operation against Horowitz's table and sums by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hardware_networks import conv, linear
from hypothesis import given
from hypothesis import strategies as st

from qcore.graph.layer import Layer
from qcore.hardware.model import FloatArray
from qcore.hardware.operation_energy import layer_cost, moved_bits, multiply_accumulate_pj
from qcore.hardware.pair import BitPair

pairs = st.builds(BitPair, st.integers(1, 16), st.none() | st.integers(1, 16))


def mj(layer: Layer, pairs: list[BitPair], batch: int) -> FloatArray:
    found = layer_cost(layer, pairs, batch).energy_mj
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("pair", "picojoules"),
    [
        (BitPair(8, 8), 0.2 + 0.1),
        (BitPair(4, 4), 0.2 / 4 + 0.1),
        (BitPair(4, 8), 0.2 / 2 + 0.1),
        (BitPair(4, None), 3.7 + 0.9),
    ],
)
def test_one_multiply_accumulate(pair: BitPair, picojoules: float) -> None:
    assert multiply_accumulate_pj(pair) == pytest.approx(picojoules)


def test_the_scaling_meets_the_published_32_bit_multiplication() -> None:
    assert multiply_accumulate_pj(BitPair(32, 32)) - 0.1 == pytest.approx(3.1, rel=0.035)


def test_a_convolution_by_hand() -> None:
    layer = conv("c", 16, 32, 3, 8)
    assert moved_bits(layer, BitPair(8, 8), 1) == 8 * (32 * 16 * 9 + 2 * 16 * 64)
    operations = 294_912 * 0.3
    memory = 8 * (4608 + 2048) * 1300 / 64
    assert mj(layer, [BitPair(8, 8)], 1)[0] == pytest.approx((operations + memory) * 1e-9)


def test_examples_of_the_docstrings() -> None:
    assert moved_bits(linear("l", 5, 4), BitPair(4, 8), 1) == 160
    layer = conv("c", 16, 32, 3, 8)
    assert layer.macs * 0.3e-9 == pytest.approx(0.0000885, rel=1e-3)
    assert mj(layer, [BitPair(8, 8)], 1)[0] == pytest.approx(0.0000885 + 0.00108, rel=2e-3)


def test_weights_are_read_once_a_batch_and_inputs_once_a_use() -> None:
    layer = linear("l", 64, 10)
    assert moved_bits(layer, BitPair(4, 8), 5) == 640 * 4 + 5 * 2 * 64 * 8
    twice = replace(layer, nodes=("first", "second"), macs=2 * layer.macs)
    assert moved_bits(twice, BitPair(4, 8), 1) == 640 * 4 + 2 * 2 * 64 * 8


@given(pairs, st.integers(1, 64))
def test_a_batch_costs_no_more_than_its_images_alone(pair: BitPair, batch: int) -> None:
    layer = conv("c", 16, 32, 3, 8)
    one, many = (mj(layer, [pair], images)[0] for images in (1, batch))
    again = (batch - 1) * layer.weight_count * pair.weight_bits * 1300 / 64 * 1e-9
    assert many == pytest.approx(batch * one - again)


@given(pairs)
def test_an_input_of_full_precision_costs_most(pair: BitPair) -> None:
    layer = conv("c", 16, 32, 3, 8)
    whole, quantized = mj(layer, [BitPair(pair.weight_bits, None), pair], 1)
    assert whole >= quantized
    assert np.isclose(whole, quantized) == (pair.activation_bits is None)


def test_a_layer_that_is_used_at_two_sizes_moves_the_inputs_of_both() -> None:
    """3 channels of 8x8 and of 4x4 pixels: 240 values, written and read at 8 bits."""
    once = conv("c", 3, 5, 3, 8)
    twice = replace(once, nodes=("c", "c_1"), macs=once.macs * 80 // 64)
    assert moved_bits(twice, BitPair(4, 8), 1) == 4 * 135 + 2 * 8 * 240
