"""What holds of every machine, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hardware_networks import conv, describe, linear

from qcore.errors import BadInput
from qcore.hardware import HARDWARE, Hardware, hardware_costs
from qcore.hardware.bound import bounds, parts_ms
from qcore.hardware.model import Busy, count_all
from qcore.hardware.network_costs import check_runs
from qcore.hardware.pair import BitPair

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
    assert hardware.has_latency or hardware.has_energy


@pytest.mark.parametrize("name", HARDWARE)
def test_costs_are_positive_and_fewer_bits_never_cost_more(name: str) -> None:
    hardware = replace(HARDWARE[name], excluded=count_all)
    weights, inputs = (
        [bits for bits in known if bits is not None]
        for known in (hardware.weight_bits, hardware.activation_bits)
    )
    widths = [BitPair(w, a) for w in weights for a in inputs]
    costs = hardware_costs(NETWORK, hardware, widths).cost
    tables = [table for table in (costs.latency_ms, costs.energy_mj) if table is not None]
    for table in tables:
        assert table.shape == (4, len(widths))
        assert np.isfinite(table).all()
        assert table.min() > 0
        if table is costs.energy_mj and costs.latency_ms is not None:
            continue  # what is fastest may take more energy
        grid = table.reshape(4, len(weights), len(inputs))
        assert (np.diff(grid, axis=1) >= 0).all()
        assert (np.diff(grid, axis=2) >= 0).all()


@pytest.mark.parametrize("name", HARDWARE)
def test_widths_are_independent_of_one_another(name: str) -> None:
    widths = [BitPair(2, 8), BitPair(8, 3), BitPair(5, 5)]
    together = hardware_costs(NETWORK, HARDWARE[name], widths).cost
    for option, pair in enumerate(widths):
        alone = hardware_costs(NETWORK, HARDWARE[name], [pair]).cost
        for all_of_them, one in (
            (together.latency_ms, alone.latency_ms),
            (together.energy_mj, alone.energy_mj),
        ):
            if all_of_them is not None and one is not None:
                np.testing.assert_array_equal(all_of_them[:, option], one[:, 0])


def test_a_cost_that_is_not_known_is_none() -> None:
    assert hardware_costs(NETWORK, HARDWARE["bismo-edge"], [BitPair(4, 4)]).cost.energy_mj is None
    assert hardware_costs(NETWORK, HARDWARE["operations"], [BitPair(4, 4)]).cost.latency_ms is None


def test_layers_left_out_cost_nothing_and_are_named() -> None:
    costs = hardware_costs(NETWORK, HARDWARE["bismo-edge"], [BitPair(4, 4), BitPair(8, 8)]).cost
    assert HARDWARE["bismo-edge"].excluded(NETWORK) == ("stem", "head")
    assert costs.latency_ms is not None
    assert (costs.latency_ms > 0).tolist() == [[False] * 2, [True] * 2, [True] * 2, [False] * 2]


def test_two_layers_are_both_counted() -> None:
    network = replace(NETWORK, layers=NETWORK.layers[:2])
    costs = hardware_costs(network, HARDWARE["bismo-edge"], [BitPair(4, 4)]).cost
    assert HARDWARE["bismo-edge"].excluded(network) == ()
    assert costs.latency_ms is not None
    assert costs.latency_ms.min() > 0


@pytest.mark.parametrize("name", HARDWARE)
def test_a_pruned_layer_costs_nothing_whatever_its_input(name: str) -> None:
    widths = [BitPair(4, 4), BitPair(0, 4), BitPair(8, 8), BitPair(0, None)]
    hardware = replace(HARDWARE[name], excluded=count_all)
    pruned = hardware_costs(NETWORK, hardware, widths).cost
    whole = hardware_costs(NETWORK, hardware, widths[::2]).cost
    for with_pruned, without in (
        (pruned.latency_ms, whole.latency_ms),
        (pruned.energy_mj, whole.energy_mj),
    ):
        assert (with_pruned is None) == (without is None)
        if with_pruned is not None and without is not None:
            np.testing.assert_array_equal(with_pruned[:, ::2], without)
            assert not with_pruned[:, 1::2].any()


def gaps() -> Hardware:
    """A machine that takes a few widths only, and no 2 bits with 8."""
    return replace(
        HARDWARE["bismo-cloud"],
        title="Gaps",
        weight_bits=(2, 4, 8),
        activation_bits=(4, 8),
        runs_as=lambda pair: None if pair == BitPair(2, 8) else pair,
    )


@pytest.mark.parametrize(
    ("hardware", "pair", "message"),
    [
        (HARDWARE["bismo-cloud"], BitPair(4, None), "no layer inputs of full precision; choose"),
        (HARDWARE["bismo-cloud"], BitPair(None, 4), "no weights of full precision; choose from 1"),
        (HARDWARE["bismo-cloud"], BitPair(32, 8), "no 32-bit weights; choose from 1 to 16 bits"),
        (gaps(), BitPair(5, 8), "Gaps has no 5-bit weights; choose from 2, 4 or 8 bits"),
        (gaps(), BitPair(4, 2), "Gaps has no 2-bit layer inputs; choose from 4 or 8 bits"),
        (gaps(), BitPair(2, 8), "Gaps has no figures for 'stem' at 2/8 bits"),
    ],
)
def test_what_a_machine_does_not_run_is_marked_and_refused(
    hardware: Hardware, pair: BitPair, message: str
) -> None:
    hardware = replace(hardware, excluded=count_all)
    found = hardware_costs(NETWORK, hardware, [BitPair(4, 4), pair])
    assert found.runs.tolist() == [[True, False]] * 4
    assert found.cost.latency_ms is not None
    assert np.isnan(found.cost.latency_ms[:, 1]).all()
    with pytest.raises(BadInput, match=message):
        check_runs(found)


def test_a_machine_of_one_batch_refuses_another() -> None:
    one = replace(HARDWARE["bismo-cloud"], title="One", fixed_batch=True)
    assert hardware_costs(NETWORK, one, [BitPair(4, 4)], 16).batch == 16
    with pytest.raises(BadInput, match="One has figures for a batch of 16 only, not 1"):
        hardware_costs(NETWORK, one, [BitPair(4, 4)], 1)


@pytest.mark.parametrize("name", HARDWARE)
def test_a_pair_does_not_take_longer_than_its_parts_one_after_another(name: str) -> None:
    found = hardware_costs(NETWORK, HARDWARE[name], [BitPair(2, 8), BitPair(8, 2)]).cost
    if found.busy is None or found.latency_ms is None:
        return
    each = (found.busy.compute_ms, found.busy.weights_ms, found.busy.activations_ms)
    assert (found.latency_ms >= np.max(each, axis=0) - 1e-12).all()
    parts = parts_ms(found.latency_ms, found.busy)
    whole = parts.compute_ms + parts.weights_ms + parts.activations_ms
    np.testing.assert_allclose(whole, found.latency_ms)


def test_parts_and_bounds_by_hand() -> None:
    busy = Busy(np.array([6.0, 9.0]), np.array([2.0, 10.0]), np.array([8.0, 0.0]))
    parts = parts_ms(np.array([10.0, 10.0]), busy)
    np.testing.assert_allclose(parts.compute_ms, [6, 9])
    np.testing.assert_allclose(parts.weights_ms, [0.8, 1])
    np.testing.assert_allclose(parts.activations_ms, [3.2, 0])
    assert bounds(busy) == ["activations", "weights"]
