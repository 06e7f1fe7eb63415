"""A measurement as plain values, and the machine that is made of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from latency_networks import a_measurement

from qcore.errors import BadInput
from qcore.graph.layer import Description, Layer
from qcore.hardware import BitPair, hardware_costs
from qcore.hardware.network_costs import check_runs
from qcore.latency.hardware import measured_hardware
from qcore.latency.measurement import LatencyMeasurement

FULL, INT8, FOUR = BitPair(None, None), BitPair(8, 8), BitPair(4, None)


def two_layers() -> Description:
    def layer(name: str, op: str, shape: tuple[int, ...]) -> Layer:
        sizes = ((1, 2, 4, 4), (1, 3, 8, 8))
        return Layer(name, op, f"{name}.weight", None, (name,), shape, 1, 3, 100, *sizes)

    layers = (layer("up", "conv_transpose2d", (2, 3, 2, 2)), layer("head", "linear", (3, 8)))
    return Description(
        "two", "a" * 64, 48, (2, 4, 4), ((3,),), layers, {}, 0, 0, 0, weights_note=None
    )


def test_sums_stand_beside_the_whole() -> None:
    full, int8, four = a_measurement().totals
    assert full.network is not None
    assert (full.layers_ms, full.network.median_ms, full.difference_ms) == (3.0, 2.5, -0.5)
    assert full.difference_percent == pytest.approx(-100 / 6)
    assert (int8.layers_ms, int8.network, int8.missing) == (None, None, ("up",))
    assert four.pair == BitPair(4, None)
    assert a_measurement().layer_names == ("up", "head")


def test_through_json_and_back() -> None:
    measured = a_measurement()
    assert LatencyMeasurement.from_json(measured.to_json()) == measured


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("threads", 0),
        ("seconds", float("nan")),
        ("layers", {}),
        ("layers", [{"layer": "a"}]),
        ("networks", [3]),
        ("beside_other_jobs", "no"),
        ("other_cores", "2"),
        ("processor", None),
        ("not_run", [{"layer": 3, "pair": {"weight_bits": 8, "activation_bits": 8}, "reason": ""}]),
    ],
)
def test_a_wrong_field_is_refused(field: str, value: object) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        LatencyMeasurement.from_json({**a_measurement().to_json(), field: value})


NO_BITS = {"pair": {"weight_bits": 0, "activation_bits": 8}}


@pytest.mark.parametrize("change", [{"median_ms": 9.0}, {"low_ms": -1.0}, NO_BITS])
def test_a_wrong_time_is_refused(change: dict[str, Any]) -> None:
    data = a_measurement().to_json()
    rows = [dict(row) for row in data["layers"]]
    rows[0] |= change
    with pytest.raises(ValueError, match=r"median_ms|low_ms|weight_bits"):
        LatencyMeasurement.from_json({**data, "layers": rows})


def test_the_machine_runs_what_was_timed_and_nothing_else() -> None:
    machine = measured_hardware(a_measurement())
    assert (machine.name, machine.batch, machine.fixed_batch) == ("this-machine", 4, True)
    assert machine.weight_bits == (None, 4, 8)
    assert machine.activation_bits == (None, 8)
    pairs = [FULL, INT8, FOUR, BitPair(4, 8), BitPair(8, None), BitPair(6, 8), BitPair(0, 8)]
    assert [machine.takes(pair) for pair in pairs] == [True] * 3 + [False] * 3 + [True]
    costs = hardware_costs(two_layers(), machine, pairs)
    assert costs.cost.latency_ms is not None
    nan = np.nan
    np.testing.assert_array_equal(
        costs.cost.latency_ms,
        [[1.0, nan, nan, nan, nan, nan, 0.0], [2.0, 0.5, 0.75, nan, nan, nan, 0.0]],
    )
    assert costs.cost.energy_mj is None
    assert costs.batch == 4
    with pytest.raises(BadInput, match="no figures for 'up' at 8/8"):
        check_runs(hardware_costs(two_layers(), machine, [INT8]))
    with pytest.raises(BadInput, match="batch of 4 only"):
        hardware_costs(two_layers(), machine, [FULL], 1)


def test_another_measurement_is_another_revision() -> None:
    one, other = (measured_hardware(a_measurement(median_ms=ms)) for ms in (2.0, 2.1))
    assert one.revision != other.revision
    assert "2 threads" in one.provenance
    assert "Some CPU" in one.title


@pytest.mark.parametrize(
    ("beside", "cores", "words"),
    [
        (None, None, ""),
        (False, 0.1, ""),
        (True, None, "Other jobs of this program ran"),
        (True, 1.52, "Other programs kept 1.5 cores busy"),
    ],
)
def test_it_says_what_else_the_machine_did(
    beside: bool | None, cores: float | None, words: str
) -> None:
    measured = replace(a_measurement(), beside_other_jobs=beside, other_cores=cores)
    provenance = measured_hardware(measured).provenance
    assert words in provenance
    assert ("Other" in provenance) == bool(words)
