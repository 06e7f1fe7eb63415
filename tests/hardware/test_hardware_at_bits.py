"""Every layer at its own bits."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from qcore.hardware import HARDWARE, BitPair
from qcore.hardware.at_bits import network_at_bits
from qcore.hardware.validation.networks import conv, describe, linear

NETWORK = describe([conv("first", 3, 8, 3, 6), conv("mid", 8, 8, 3, 6), linear("last", 8, 10)])
PAIRS = [BitPair(8, 8), BitPair(3, 5), BitPair(4, 6)]


def test_every_layer_has_its_own_figures_and_they_add_up() -> None:
    machine = HARDWARE["operations"]
    found = network_at_bits(NETWORK, machine, PAIRS, 3)
    alone = [machine.cost(layer, [p], 3) for layer, p in zip(NETWORK.layers, PAIRS, strict=True)]
    energy = [float(one.energy_mj[0]) for one in alone if one.energy_mj is not None]
    assert [layer.energy_mj for layer in found.layers] == energy
    assert found.total_mj == pytest.approx(sum(energy))
    assert found.total_ms is None
    assert {layer.bound for layer in found.layers} == {None}
    assert found.batch == 3


def test_layers_that_are_not_counted_may_have_any_bits() -> None:
    machine = HARDWARE["bismo-cloud"]
    full = BitPair(None, None)
    found = network_at_bits(NETWORK, machine, [full, BitPair(3, 5), full])
    assert found.excluded == ("first", "last")
    assert [layer.name for layer in found.layers] == ["mid"]
    assert found.total_ms == found.layers[0].latency_ms
    assert found.layers[0].bound == "activations"
    assert found.refusal is None
    refused = network_at_bits(NETWORK, machine, [full, full, full])
    assert refused.total_ms is None
    assert refused.refusal is not None
    assert refused.refusal.startswith("'mid' does not run at full/full bits")
    assert "no weights of full precision" in refused.refusal
    assert "other layer" not in refused.refusal


def test_a_pair_that_only_other_layers_run_at_is_refused_for_its_layer_alone() -> None:
    machine = HARDWARE["operations"]

    def gaps(layer, pairs, batch):  # type: ignore[no-untyped-def]
        cost = machine.cost(layer, pairs, batch)
        lacks = np.array([layer.name == "mid" and pair == PAIRS[0] for pair in pairs])
        return replace(cost, energy_mj=np.where(lacks, np.nan, cost.energy_mj))

    some = replace(machine, title="Some", cost=gaps)
    assert network_at_bits(NETWORK, some, PAIRS).total_mj is not None
    refused = network_at_bits(NETWORK, some, PAIRS[:1] * 3)
    assert refused.runs.tolist() == [True, False, True]
    assert refused.refusal is not None
    assert refused.refusal.startswith("Some has no figures for 'mid' at 8/8 bits")


def test_pruned_layers_take_nothing_and_wider_bits_are_named() -> None:
    pruned = BitPair(0, 8)
    machine = replace(
        HARDWARE["operations"], runs_as=lambda p: BitPair(4, 8) if p == BitPair(3, 8) else p
    )
    found = network_at_bits(NETWORK, machine, [pruned, BitPair(3, 8), BitPair(8, 8)])
    assert found.layers[0].energy_mj == 0
    assert [layer.runs_as for layer in found.layers] == [pruned, BitPair(4, 8), BitPair(8, 8)]
    timed = network_at_bits(NETWORK, HARDWARE["bitfusion"], [pruned, *PAIRS[1:]])
    assert timed.layers[0].bound is None
    assert None not in [layer.bound for layer in timed.layers[1:]]


def test_shares_are_those_of_the_parts_and_add_up() -> None:
    found = network_at_bits(NETWORK, HARDWARE["bitfusion"], PAIRS)
    assert found.shares is not None
    assert found.parts is not None
    assert found.total_ms is not None
    assert sum(found.shares.values()) == pytest.approx(1)
    assert found.shares["weights"] * found.total_ms == pytest.approx(found.parts.weights_ms.sum())
