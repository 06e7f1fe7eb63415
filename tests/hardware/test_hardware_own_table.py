"""A table that was brought: its figures come out as they went in, and nothing else does."""

from __future__ import annotations

import numpy as np
import pytest
from hardware_networks import conv, describe, linear
from hypothesis import given
from hypothesis import strategies as st

from qcore.errors import BadInput
from qcore.hardware.network_costs import check_runs, hardware_costs
from qcore.hardware.own_table import LayerShape, OwnTable, TableEntry, own_table_hardware
from qcore.hardware.own_table_file import read_table_csv
from qcore.hardware.pair import BitPair

NETWORK = describe([conv("first", 3, 16, 3, 12), conv("second", 16, 24, 1, 12), linear("l", 24, 9)])
EIGHT, FOUR = BitPair(8, 8), BitPair(4, 8)

pairs = st.builds(BitPair, st.none() | st.integers(1, 16), st.none() | st.integers(1, 16))


def test_figures_stand_as_given_and_gaps_are_gaps() -> None:
    table = OwnTable(
        (
            TableEntry("first", EIGHT, 1.5, None),
            TableEntry("first", FOUR, 1.25, None),
            TableEntry("second", EIGHT, 0.5, None),
        ),
        batch=4,
    )
    hardware = own_table_hardware("own:1", "Mine", table)
    found = hardware_costs(NETWORK, hardware, [EIGHT, FOUR, BitPair(6, 8)])
    np.testing.assert_array_equal(
        found.cost.latency_ms, [[1.5, 1.25, np.nan], [0.5, np.nan, np.nan], [np.nan] * 3]
    )
    assert found.cost.energy_mj is None
    assert found.batch == 4
    assert not hardware.takes(BitPair(6, 8))
    assert not hardware.takes(BitPair(8, 4))
    with pytest.raises(BadInput, match="Mine has figures for a batch of 4 only"):
        hardware_costs(NETWORK, hardware, [EIGHT], 1)
    with pytest.raises(BadInput, match="Mine has no figures for 'second' at 4/8 bits"):
        check_runs(hardware_costs(NETWORK, hardware, [FOUR]))


def test_widths_in_between_are_not_taken() -> None:
    """2/8 and 8/4 occur, so 2 and 4 bits are known, but not together."""
    entries = (TableEntry("l", BitPair(2, 8), 1.0, None), TableEntry("l", BitPair(8, 4), 1.0, None))
    hardware = own_table_hardware("own:1", "Mine", OwnTable(entries))
    assert hardware.weight_bits == (2, 8)
    assert hardware.activation_bits == (4, 8)
    assert hardware.takes(BitPair(2, 8))
    assert not hardware.takes(BitPair(2, 4))


def test_energy_alone() -> None:
    hardware = own_table_hardware(
        "own:1", "Mine", OwnTable((TableEntry("l", BitPair(None, None), None, 7.0),))
    )
    found = hardware_costs(NETWORK, hardware, [BitPair(None, None)])
    assert (hardware.has_latency, hardware.has_energy) == (False, True)
    assert found.cost.latency_ms is None
    assert found.runs.tolist() == [[False], [False], [True]]


def test_shapes_are_of_every_layer_that_has_them() -> None:
    text = (
        "op,weight_shape,output_shape,groups,weight_bits,activation_bits,ms\n"
        "conv2d,16x3x3x3,16x12x12,1,8,8,1\n"
        "conv2d,24 x 16 x 1 x 1,1x24x12x12,1,8,8,2\n"
        "conv2d,16x1x3x3,16x12x12,16,8,8,4\n"
    )
    network = describe(
        [*NETWORK.layers, conv("again", 16, 24, 1, 12), conv("dw", 16, 16, 3, 12, 16)]
    )
    hardware = own_table_hardware("own:1", "Mine", read_table_csv(text, network))
    found = hardware_costs(network, hardware, [EIGHT]).cost.latency_ms
    assert found is not None
    np.testing.assert_array_equal(found[:, 0], [1, 2, np.nan, 2, 4])


def test_a_shape_does_not_care_for_leading_ones() -> None:
    shape = LayerShape.of(linear("l", 24, 9))
    assert shape == LayerShape("linear", (9, 24), (9,), 1)
    assert str(LayerShape.of(conv("c", 16, 32, 3, 8))) == "conv2d 32x16x3x3 to 32x8x8"


def test_it_says_what_it_holds() -> None:
    entries = (TableEntry("l", EIGHT, 1.0, 2.0), TableEntry("l", BitPair(None, None), 3.0, None))
    hardware = own_table_hardware("own:1", "Mine", OwnTable(entries, 16))
    assert "latency and energy of 1 layers, 2 lines, for a batch of 16" in hardware.provenance
    assert "nothing is interpolated" in hardware.provenance


@given(st.dictionaries(st.tuples(st.sampled_from("abc"), pairs), st.floats(0, 1e9), min_size=1))
def test_every_figure_comes_out_again(figures: dict[tuple[str, BitPair], float]) -> None:
    table = OwnTable(
        tuple(TableEntry(name, pair, ms, None) for (name, pair), ms in figures.items())
    )
    hardware = own_table_hardware("own:1", "Mine", table)
    network = describe([linear(name, 2, 3) for name in "abc"])
    asked = sorted({pair for _, pair in figures} | {EIGHT}, key=str)
    found = hardware_costs(network, hardware, asked).cost.latency_ms
    assert found is not None
    for row, name in enumerate("abc"):
        for column, pair in enumerate(asked):
            expected = figures.get((name, pair), np.nan)
            np.testing.assert_equal(found[row, column], expected)
