"""What always holds of BitFusion."""

from __future__ import annotations

import numpy as np
from hardware_networks import conv, linear
from hypothesis import given, settings
from hypothesis import strategies as st

from qcore.graph.layer import Layer
from qcore.hardware.bitfusion import BITFUSION, layer_cycles, roof
from qcore.hardware.pair import BitPair

PAIRS = [BitPair(w, a) for w in (1, 2, 3, 4, 6, 8, 16) for a in (1, 2, 4, 5, 8, 11)]

LAYERS = st.builds(
    lambda cin, cout, kernel, out, kind: {
        "dense": conv("c", cin, cout, kernel, out),
        "depthwise": conv("d", cin, cin, kernel, out, groups=cin),
        "linear": linear("l", cin, cout, positions=out),
    }[kind],
    st.integers(2, 400),
    st.integers(1, 400),
    st.sampled_from([1, 3, 6, 7, 8, 11]),
    st.integers(1, 60),
    st.sampled_from(["dense", "depthwise", "linear"]),
)


@settings(max_examples=25, deadline=None)
@given(layer=LAYERS, batch=st.integers(1, 3))
def test_never_faster_than_the_roofline(layer: Layer, batch: int) -> None:
    cost = BITFUSION.cost(layer, PAIRS, batch)
    assert cost.latency_ms is not None
    assert cost.moved_bytes is not None
    assert cost.busy is not None
    slack = 1 + 1e-12
    roofs = [roof(pair) for pair in PAIRS]
    compute = [2e3 * layer.macs * batch / r.peak_ops_per_s for r in roofs]
    memory = 1e3 * cost.moved_bytes / roofs[0].bytes_per_s
    assert (cost.latency_ms * slack >= compute).all()
    assert (cost.latency_ms * slack >= memory).all()
    once = [layer.weight_count * pair.weight_bits / 8 for pair in PAIRS if pair.weight_bits]
    assert (cost.busy.weights_ms * 12e6 * slack >= once).all()


@settings(max_examples=15, deadline=None)
@given(layer=LAYERS, chosen=st.permutations(range(len(PAIRS))))
def test_pairs_do_not_influence_one_another(layer: Layer, chosen: list[int]) -> None:
    together = BITFUSION.cost(layer, PAIRS, 1)
    some = BITFUSION.cost(layer, [PAIRS[i] for i in chosen[:3]], 1)
    assert together.latency_ms is not None
    assert some.latency_ms is not None
    assert together.energy_mj is not None
    assert some.energy_mj is not None
    assert some.latency_ms.tolist() == together.latency_ms[chosen[:3]].tolist()
    assert some.energy_mj.tolist() == together.energy_mj[chosen[:3]].tolist()


@settings(max_examples=20, deadline=None)
@given(layer=LAYERS)
def test_fewer_bits_are_never_slower(layer: Layer) -> None:
    """Up to 8 bits: a layer that runs at some widths runs at narrower ones just so."""
    pairs = [BitPair(w, a) for w in range(1, 9) for a in range(1, 9)]
    bits = np.array([(pair.weight_bits, pair.activation_bits) for pair in pairs])
    less = (bits[:, None] <= bits).all(axis=2)
    time = layer_cycles(layer, pairs, 1).total
    assert (time[:, None] <= time)[less].all()


@settings(max_examples=15, deadline=None)
@given(
    kernel=st.sampled_from([6, 7, 8]),
    channels=st.integers(8, 200),
    out=st.integers(7, 60),
    depthwise=st.booleans(),
)
def test_weights_that_only_fit_at_8_bits_take_twice_as_long_at_16(
    kernel: int, channels: int, out: int, depthwise: bool
) -> None:
    """As of ResNet's first layer: as a matrix product it would be faster than at 8 bits."""
    groups = channels if depthwise else 1
    layer = conv("c", channels if depthwise else 3, channels, kernel, out, groups=groups)
    pairs = [BitPair(w, 8) for w in (8, 9, 16)]
    at_8, at_9, at_16 = layer_cycles(layer, pairs, 1).total.tolist()
    assert at_8 < at_9 <= at_16 <= 2 * at_8
    assert at_9 > 1.5 * at_8
