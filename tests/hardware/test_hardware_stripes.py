"""Stripes: cases by hand, and what the paper says of it."""

from __future__ import annotations

import numpy as np
import pytest
from hardware_networks import conv, linear
from hypothesis import given
from hypothesis import strategies as st

from qcore.graph.layer import Layer
from qcore.hardware.pair import BitPair
from qcore.hardware.stripes import STRIPES, layer_cycles

SERIAL = [BitPair(8, a) for a in range(1, 17)]
DADIANNAO = 4096  # multiply-accumulates of 16 x 16 bits a cycle


def cycles(layer: Layer, *pairs: BitPair, batch: int = 1) -> list[float]:
    return layer_cycles(layer, pairs, batch).tolist()


def test_convolutions_by_hand() -> None:
    """64 windows are 4 turns, 9 * 32 values 18; 300 filters are 2 turns. Depthwise: 32 groups of 1
    filter with 9 values."""
    assert cycles(conv("c", 32, 64, 3, 8), BitPair(8, 4)) == [4 * 1 * 18 * 4]
    assert cycles(conv("c", 32, 300, 3, 8), BitPair(8, 5), batch=3) == [3 * 4 * 2 * 18 * 5]
    assert cycles(conv("d", 32, 32, 3, 8, groups=32), BitPair(8, 8)) == [32 * 4 * 1 * 1 * 8]


def test_at_16_bits_it_is_dadiannao_and_else_16_over_bits_as_fast() -> None:
    layer = conv("c", 64, 512, 3, 16)
    time = np.array(cycles(layer, *SERIAL))
    assert time[-1] == layer.macs / DADIANNAO
    np.testing.assert_allclose(time[-1] / time, 16 / np.arange(1, 17))


def test_fully_connected_layers_gain_nothing() -> None:
    layer = linear("head", 4096, 1024)
    assert cycles(layer, *SERIAL) == [layer.macs / DADIANNAO] * 16
    assert cycles(layer, BitPair(8, 1), batch=7) == [7 * layer.macs / DADIANNAO]


def test_positions_of_a_sequence_are_windows() -> None:
    layer = linear("l", 256, 512, positions=64)
    convolution = conv("c", 256, 512, 1, 8)
    assert cycles(layer, *SERIAL) == cycles(convolution, *SERIAL)
    # 4 positions fill a quarter of the windows: only below 4 bits that is the faster way.
    few = np.array(cycles(linear("l", 256, 512, positions=4), *SERIAL))
    assert (few / few[-1]).tolist() == [0.25, 0.5, 0.75] + [1] * 13


def test_bits_of_weights_change_nothing() -> None:
    layer = conv("c", 16, 40, 3, 9)
    assert len(set(cycles(layer, *(BitPair(w, 5) for w in range(1, 17))))) == 1
    assert STRIPES.runs_as(BitPair(3, 5)) == BitPair(16, 5)
    assert not STRIPES.takes(BitPair(8, None))
    assert not STRIPES.takes(BitPair(None, 8))


@given(
    cin=st.integers(1, 300),
    cout=st.integers(1, 600),
    kernel=st.sampled_from([1, 3, 5]),
    out=st.integers(1, 60),
    kind=st.sampled_from(["dense", "depthwise", "linear"]),
)
def test_never_faster_than_all_its_lanes(
    cin: int, cout: int, kernel: int, out: int, kind: str
) -> None:
    """65,536 bits of inputs meet a weight in a cycle."""
    layer = {
        "dense": conv("c", cin, cout, kernel, out),
        "depthwise": conv("d", cin, cin, kernel, out, groups=cin),
        "linear": linear("l", cin, cout, positions=out),
    }[kind]
    time = np.array(cycles(layer, *SERIAL))
    assert (time >= layer.macs * np.arange(1, 17) / 65536).all()
    assert (np.diff(time) >= 0).all()


def test_latency_is_all_compute() -> None:
    cost = STRIPES.cost(conv("c", 32, 64, 3, 8), [BitPair(8, 4)], 1)
    assert cost.latency_ms is not None
    assert cost.busy is not None
    assert cost.latency_ms[0] == pytest.approx(288 / 980e3)
    assert cost.busy.compute_ms.tolist() == cost.latency_ms.tolist()
    assert cost.busy.weights_ms.tolist() == cost.busy.activations_ms.tolist() == [0]
    assert cost.energy_mj is None
    assert not STRIPES.has_energy
