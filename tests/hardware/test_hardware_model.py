"""What holds of every machine, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hardware_networks import conv, describe, linear

from qcore.errors import BadInput
from qcore.hardware import HARDWARE, Hardware, hardware_costs
from qcore.hardware.model import count_all
from qcore.sensitivity.config import Width

NETWORK = describe(
    [
        conv("stem", 3, 16, 3, 12),
        conv("dw", 16, 16, 5, 12, groups=16),
        conv("pw", 16, 24, 1, 12),
        linear("head", 24, 10),
    ]
)


@pytest.mark.parametrize("name", HARDWARE)
def test_every_machine_says_what_it_is(name: str) -> None:
    hardware = HARDWARE[name]
    assert hardware.name == name
    assert hardware.provenance.endswith(".")
    assert hardware.leaves_out
    assert hardware.latency_ms is not None or hardware.energy_mj is not None


@pytest.mark.parametrize("name", HARDWARE)
def test_costs_are_positive_and_fewer_bits_never_cost_more(name: str) -> None:
    hardware = replace(HARDWARE[name], excluded=count_all)
    inputs = [bits for bits in hardware.activation_bits if bits is not None]
    widths = [Width(w, a) for w in hardware.bits for a in inputs]
    costs = hardware_costs(NETWORK, hardware, widths)
    tables = [table for table in (costs.latency_ms, costs.energy_mj) if table is not None]
    for table in tables:
        assert table.shape == (4, len(widths))
        assert np.isfinite(table).all()
        assert table.min() > 0
        grid = table.reshape(4, len(hardware.bits), len(inputs))
        assert (np.diff(grid, axis=1) >= 0).all()
        assert (np.diff(grid, axis=2) >= 0).all()


@pytest.mark.parametrize("name", HARDWARE)
def test_widths_are_independent_of_one_another(name: str) -> None:
    widths = [Width(2, 8), Width(8, 3), Width(5, 5)]
    together = hardware_costs(NETWORK, HARDWARE[name], widths)
    for option, width in enumerate(widths):
        alone = hardware_costs(NETWORK, HARDWARE[name], [width])
        for all_of_them, one in (
            (together.latency_ms, alone.latency_ms),
            (together.energy_mj, alone.energy_mj),
        ):
            if all_of_them is not None and one is not None:
                np.testing.assert_array_equal(all_of_them[:, option], one[:, 0])


def test_a_cost_that_is_not_known_is_none() -> None:
    assert hardware_costs(NETWORK, HARDWARE["bismo-edge"], [Width(4, 4)]).energy_mj is None
    assert hardware_costs(NETWORK, HARDWARE["operations"], [Width(4, 4)]).latency_ms is None


def test_layers_left_out_cost_nothing_and_are_named() -> None:
    costs = hardware_costs(NETWORK, HARDWARE["bismo-edge"], [Width(4, 4), Width(8, 8)])
    assert HARDWARE["bismo-edge"].excluded(NETWORK) == ("stem", "head")
    assert costs.latency_ms is not None
    assert (costs.latency_ms > 0).tolist() == [[False] * 2, [True] * 2, [True] * 2, [False] * 2]


def test_two_layers_are_both_counted() -> None:
    network = replace(NETWORK, layers=NETWORK.layers[:2])
    costs = hardware_costs(network, HARDWARE["bismo-edge"], [Width(4, 4)])
    assert HARDWARE["bismo-edge"].excluded(network) == ()
    assert costs.latency_ms is not None
    assert costs.latency_ms.min() > 0


@pytest.mark.parametrize("name", HARDWARE)
def test_a_pruned_layer_costs_nothing_whatever_its_input(name: str) -> None:
    widths = [Width(4, 4), Width(0, 4), Width(8, 8), Width(0)]
    hardware = replace(HARDWARE[name], excluded=count_all)
    pruned = hardware_costs(NETWORK, hardware, widths)
    whole = hardware_costs(NETWORK, hardware, widths[::2])
    for with_pruned, without in (
        (pruned.latency_ms, whole.latency_ms),
        (pruned.energy_mj, whole.energy_mj),
    ):
        assert (with_pruned is None) == (without is None)
        if with_pruned is not None and without is not None:
            np.testing.assert_array_equal(with_pruned[:, ::2], without)
            assert not with_pruned[:, 1::2].any()


def gaps() -> Hardware:
    """A machine that takes a few widths only."""
    return replace(HARDWARE["bismo-cloud"], title="Gaps", bits=(2, 4, 8), activation_bits=(4, 8))


@pytest.mark.parametrize(
    ("hardware", "width", "message"),
    [
        (HARDWARE["bismo-cloud"], Width(4), "choose bits of the layer inputs too, from 1 to"),
        (HARDWARE["bismo-cloud"], Width(32, 8), "no 32-bit weights; choose from 1 to 16"),
        (gaps(), Width(5, 8), "Gaps has no 5-bit weights; choose from 2, 4, 8 bits"),
        (gaps(), Width(4, 2), "Gaps has no 2-bit layer inputs; choose from 4, 8 bits"),
    ],
)
def test_what_a_machine_does_not_take_is_refused(
    hardware: Hardware, width: Width, message: str
) -> None:
    with pytest.raises(BadInput, match=message):
        hardware_costs(NETWORK, hardware, [Width(4, 4), width])
