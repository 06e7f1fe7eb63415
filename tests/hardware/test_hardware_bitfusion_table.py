"""BitFusion against the latencies and energies that APQ publishes."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hardware_networks import conv

from qcore.graph.layer import Layer
from qcore.hardware.bitfusion import ARRAY, BITFUSION, multiplier, native_pair
from qcore.hardware.bitfusion_block import layer_blocks
from qcore.hardware.bitfusion_search import block_cycles
from qcore.hardware.pair import BitPair

TABLE = Path(__file__).parents[2] / "assets" / "hardware" / "apq" / "bitfusion_latency_energy.csv"

_COLUMNS = ("cin", "cout", "h_in", "k", "stride", "groups", "w_bit", "a_bit", "cycles_500MHz")

_DIFFERENT = {(96, 14), (80, 14)}

Entries = dict[Layer, list[tuple[BitPair, int, float]]]


@pytest.fixture(scope="module")
def entries() -> Entries:
    """Layer -> (pair, cycles, mJ) of each entry."""
    found: Entries = {}
    with TABLE.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            cin, cout, size, kernel, stride, groups, weight, activation, cycles = (
                int(row[name]) for name in _COLUMNS
            )
            layer = conv("c", cin, cout, kernel, size // stride, groups)
            layer = replace(layer, input_shape=(1, cin, size, size))
            entry = BitPair(weight, activation), cycles, float(row["energy_mJ"])
            found.setdefault(layer, []).append(entry)
    return found


def published(layer: Layer, entry: list[tuple[BitPair, int, float]]) -> tuple[list[float], ...]:
    """What cycles are relative to the published ones, and energies."""
    pairs, cycles, energy_mj = (list(part) for part in zip(*entry, strict=True))
    cost = BITFUSION.cost(layer, pairs, 1)
    assert cost.latency_ms is not None
    assert cost.energy_mj is not None
    time = (cost.latency_ms * 500e3).round(6) / np.array(cycles)
    return time.tolist(), (cost.energy_mj / np.array(energy_mj)).tolist()


def test_all_but_18_entries_to_the_cycle_and_energy_within_four_percent(entries: Entries) -> None:
    ratios = [published(layer, entry) for layer, entry in entries.items()]
    times = np.array([time for each, _ in ratios for time in each])
    assert len(times) == 6567
    assert np.count_nonzero(times != 1) == 18
    assert times.max() == 1
    assert times.min() == pytest.approx(0.9327, abs=1e-4)
    errors = np.abs(np.array([energy for _, each in ratios for energy in each]) - 1)
    assert errors.max() == pytest.approx(0.0372, abs=1e-4)
    assert errors.mean() == pytest.approx(0.0047, abs=1e-4)


def test_the_18_others_are_those_that_wider_multipliers_make_faster(entries: Entries) -> None:
    """At their own native widths these agree as well."""
    found = set()
    for layer, entry in entries.items():
        if layer.groups > 1 or (layer.weight_shape[1], layer.output_shape[2]) not in _DIFFERENT:
            continue
        for (pair, cycles, _), time in zip(entry, published(layer, entry)[0], strict=True):
            own = native_pair(pair)
            assert own is not None
            at = multiplier(own.weight_bits or 0, own.activation_bits or 0)
            block = layer_blocks(layer, at.lanes, 1).block
            widths = (pair.weight_bits or 0, pair.activation_bits or 0)
            alone = block_cycles(ARRAY, block, at, (widths,))
            assert alone is not None
            assert alone.total.tolist() == [cycles]
            if time != 1:
                assert 0.932 < time < 0.987
                found.add((layer.weight_shape[:2], widths))
    assert found == {
        *(((cout, 96), (4, 4)) for cout in (520, 528, 536, 552, 560, 568)),
        *(
            ((cout, 80), (weight, 4))
            for cout in (328, 336, 344, 360, 368, 376)
            for weight in (6, 8)
        ),
    }
