"""The roofline against its closed form, and what the presets say of themselves."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hardware_networks import conv, describe, linear, mobilenet_v1
from hypothesis import given
from hypothesis import strategies as st

from qcore.hardware.model import Cost, Hardware
from qcore.hardware.network_costs import hardware_costs
from qcore.hardware.pair import BitPair
from qcore.hardware.roofline import Peak, Roofline, native, roofline_hardware
from qcore.hardware.roofline_presets import PRESETS

EIGHT, FULL = BitPair(8, 8), BitPair(None, None)
MACHINE = Roofline(
    "By hand",
    "",
    (Peak(None, None, 2.0), Peak(8, 8, 8.0), Peak(4, 4, 16.0), Peak(4, None, 2.0)),
    gigabytes_per_s=0.5,
)

bits = st.none() | st.integers(1, 16)
peaks = st.lists(
    st.builds(Peak, bits, bits, st.integers(1, 9).map(float)),
    min_size=1,
    max_size=6,
    unique_by=lambda peak: peak.pair,
)


def cost(roofline: Roofline, pairs: list[BitPair], batch: int = 1) -> Cost:
    hardware = roofline_hardware("roofline:test", roofline)
    return hardware_costs(describe([conv("c", 16, 32, 3, 8)]), hardware, pairs, batch).cost


def test_a_convolution_by_hand() -> None:
    """294,912 multiply-accumulates, 4,608 weights, 1,024 inputs, 2,048 outputs."""
    found = cost(MACHINE, [FULL, EIGHT, BitPair(4, 4)])
    assert found.busy is not None
    operations = 2 * 294_912
    np.testing.assert_allclose(
        found.busy.compute_ms[0], [operations / 2e6, operations / 8e6, operations / 16e6]
    )
    weights, values = np.array([4608 * 4, 4608, 2304]), np.array([3072 * 4, 3072, 1536])
    np.testing.assert_allclose(found.busy.weights_ms[0], weights / 0.5e6)
    np.testing.assert_allclose(found.busy.activations_ms[0], values / 0.5e6)
    assert found.moved_bytes is not None
    np.testing.assert_array_equal(found.moved_bytes[0], weights + values)


def test_the_latency_is_the_longer_of_the_two() -> None:
    layer = linear("l", 4, 8)
    for gigabytes, expected_ns in ((1.0, 176.0), (10.0, 64.0)):
        one = Roofline("One", "", (Peak(None, None, 1.0),), gigabytes)
        found = hardware_costs(describe([layer]), roofline_hardware("one", one), [FULL]).cost
        assert found.latency_ms is not None
        assert found.latency_ms[0, 0] * 1e6 == pytest.approx(expected_ns)


def test_weights_are_read_once_a_batch_and_values_for_each_use() -> None:
    layer = conv("c", 16, 32, 3, 8)
    twice = replace(layer, nodes=("first", "second"), macs=2 * layer.macs)
    hardware = roofline_hardware("test", MACHINE)
    found = hardware_costs(describe([layer, twice]), hardware, [EIGHT], 5).cost
    assert found.moved_bytes is not None
    assert found.moved_bytes[:, 0].tolist() == [4608 + 5 * 3072, 4608 + 2 * 5 * 3072]


def test_the_overhead_is_added_for_each_use() -> None:
    layer = conv("c", 16, 32, 3, 8)
    network = describe([layer, replace(layer, name="d", nodes=("e", "f"))])
    without, slow = (
        hardware_costs(network, roofline_hardware("test", one), [EIGHT]).cost
        for one in (MACHINE, replace(MACHINE, overhead_us=30.0))
    )
    assert without.latency_ms is not None
    assert slow.latency_ms is not None
    np.testing.assert_allclose((slow.latency_ms - without.latency_ms)[:, 0], [0.03, 0.06])
    assert without.busy is not None
    assert slow.busy is not None
    added = slow.busy.compute_ms - without.busy.compute_ms
    np.testing.assert_allclose(added[:, 0], [0.03, 0.06])  # it counts as computing


@pytest.mark.parametrize(
    ("pair", "runs_as"),
    [
        (BitPair(3, 8), EIGHT),
        (BitPair(4, 2), BitPair(4, 4)),
        (BitPair(9, 8), FULL),
        (BitPair(None, 4), FULL),
        (BitPair(3, None), BitPair(4, None)),  # as fast as full precision, and narrower
        (BitPair(8, None), FULL),
    ],
)
def test_what_a_pair_runs_as(pair: BitPair, runs_as: BitPair) -> None:
    assert roofline_hardware("test", MACHINE).runs_as(pair) == runs_as
    asked, native_pair = cost(MACHINE, [pair]), cost(MACHINE, [runs_as])
    assert asked.latency_ms is not None
    assert native_pair.latency_ms is not None
    assert asked.latency_ms[0, 0] == native_pair.latency_ms[0, 0]


@given(peaks, st.builds(BitPair, bits, bits))
def test_the_native_pair_is_the_fastest_that_holds_both_widths(
    given_peaks: list[Peak], pair: BitPair
) -> None:
    def holds(peak: Peak) -> bool:
        def fits(has: int | None, wants: int | None) -> bool:
            return has is None or (wants is not None and has >= wants)

        return fits(peak.weight_bits, pair.weight_bits) and fits(
            peak.activation_bits, pair.activation_bits
        )

    best = max((p.giga_ops_per_s for p in given_peaks if holds(p)), default=None)
    found = native(given_peaks, pair)
    assert (None if found is None else found.giga_ops_per_s) == best
    assert found is None or holds(found)
    machine = roofline_hardware("test", Roofline("Any", "", tuple(given_peaks), 1.0))
    assert machine.takes(pair) == (best is not None)


@given(peaks, st.lists(st.builds(BitPair, bits, bits), min_size=1, max_size=5), st.integers(1, 9))
def test_no_pair_is_faster_than_its_roof(
    given_peaks: list[Peak], pairs: list[BitPair], batch: int
) -> None:
    roofline = Roofline("Any", "", tuple(given_peaks), gigabytes_per_s=0.25)
    machine = roofline_hardware("test", roofline)
    runs = [pair for pair in pairs if machine.takes(pair)]
    found = cost(roofline, runs, batch)
    assert found.latency_ms is not None
    assert found.moved_bytes is not None
    assert machine.roof is not None
    for option, pair in enumerate(runs):
        roof = machine.roof(pair)
        seconds = found.latency_ms[0, option] / 1e3
        operations = 2 * 294_912 * batch
        intensity = operations / found.moved_bytes[0, option]
        attainable = min(roof.peak_ops_per_s, intensity * roof.bytes_per_s)
        assert operations / seconds == pytest.approx(attainable)


def test_a_machine_of_int8_alone_runs_nothing_wider() -> None:
    machine = roofline_hardware("test", Roofline("Int8", "", (Peak(8, 8, 1.0),), 1.0))
    assert machine.weight_bits == machine.activation_bits == tuple(range(1, 9))
    assert not machine.takes(BitPair(None, 8))
    assert not machine.takes(BitPair(9, 8))
    assert machine.provenance.endswith("without a source.")


def presets() -> list[Hardware]:
    return [roofline_hardware(f"roofline:{name}", one) for name, one in PRESETS.items()]


@pytest.mark.parametrize("hardware", presets(), ids=lambda hardware: hardware.name)
def test_presets_say_where_their_figures_come_from(hardware: Hardware) -> None:
    assert hardware.title.startswith("Roofline: ")
    assert len(hardware.title) <= 80
    assert "GB/s" in hardware.provenance
    assert hardware.provenance.endswith(".")
    assert not hardware.has_energy


@pytest.mark.parametrize("name", PRESETS)
def test_presets_are_faster_at_fewer_bits(name: str) -> None:
    hardware = roofline_hardware(name, PRESETS[name])
    found = hardware_costs(mobilenet_v1(), hardware, [FULL, BitPair(16, 16), EIGHT]).cost
    assert found.latency_ms is not None
    totals = found.latency_ms.sum(axis=0)
    assert totals[0] >= totals[1] > totals[2] > 0
    assert totals[0] / totals[2] >= 4 - 1e-9  # a quarter of the bytes, at least the operations


def test_presets_by_cores_clock_and_operations_in_a_cycle() -> None:
    """What their sources derive, computed again."""
    phone = {peak.pair: peak.giga_ops_per_s for peak in PRESETS["phone-cpu"].peaks}
    assert phone[FULL] == pytest.approx(161.6)
    assert phone[BitPair(16, 16)] == pytest.approx(323.2)
    assert phone[EIGHT] == pytest.approx(646.4)
    assert math.isclose(4 * 2 * 4.266, PRESETS["phone-cpu"].gigabytes_per_s, rel_tol=1e-3)
    desktop = {peak.pair: peak.giga_ops_per_s for peak in PRESETS["desktop-cpu"].peaks}
    assert (desktop[FULL], desktop[EIGHT]) == (1152, 4608)
    assert PRESETS["desktop-cpu"].gigabytes_per_s == pytest.approx(2 * 8 * 5.2)
    assert PRESETS["edge-gpu"].gigabytes_per_s == pytest.approx(256 / 8 * 6.4)


def test_bytes_of_a_layer_that_is_used_at_two_sizes_are_those_of_both() -> None:
    """On 8x8 and on 4x4 pixels: 64 + 16 positions, of which ``input_shape`` shows the 64."""
    machine = roofline_hardware("test", MACHINE)
    once = conv("c", 3, 5, 3, 8)
    twice = replace(once, nodes=("c", "c_1"), macs=once.macs * 80 // 64)
    first, both = (machine.cost(layer, [BitPair(8, 8)], 1).moved_bytes for layer in (once, twice))
    assert first is not None
    assert both is not None
    weights = once.weight_count
    assert (both - weights).tolist() == pytest.approx((1.25 * (first - weights)).tolist())
