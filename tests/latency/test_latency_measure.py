"""Networks measured in haste: what is said of them, not how fast they are."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from latency_networks import HASTE, every_kind, no_onnx
from torch import nn

import qcore.latency.layers
import qcore.latency.network
from qcore.errors import BadInput, Stopped
from qcore.graph.build import build_network
from qcore.latency.layers import FOUR_BIT_WEIGHTS, FULL, INT8
from qcore.latency.machine import default_threads, processor_name, seconds_of_others
from qcore.latency.measure import measure_latency
from qcore.latency.measurement import LatencyMeasurement
from qcore.latency.timing import Effort, time_in_turns
from qcore.latency.whole import as_module


@pytest.fixture(autouse=True)
def haste(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(qcore.latency.layers, "_EFFORT", HASTE)
    monkeypatch.setattr(qcore.latency.network, "_EFFORT", HASTE)


def test_every_kind_of_layer_and_the_whole(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    told: list[tuple[float, str]] = []
    network = every_kind()
    found = measure_latency(
        network, batch=2, threads=1, on_progress=lambda *words: told.append(words)
    )
    names = [layer.name for layer in network.description.layers]
    assert list(found.layer_names) == names
    assert (found.batch, found.threads) == (2, 1)
    assert found.network_fingerprint == network.description.fingerprint
    assert found.runtime.startswith("ONNX Runtime 1.")
    assert found.seconds > 0
    assert found.other_cores is None or 0 <= found.other_cores <= (os.cpu_count() or 1)
    timed = {(one.layer, one.pair) for one in found.layers}
    expected = {(name, FULL) for name in names}
    expected |= {(name, INT8) for name in names if name not in ("up", "up_one")}
    expected |= {(name, FOUR_BIT_WEIGHTS) for name in ("head", "tokens")}
    assert timed == expected
    refused = {(one.layer, one.pair.weight_bits): one.reason for one in found.not_run}
    assert len(refused) == len(names) * 3 - len(timed) + 1  # and the whole with 4-bit weights
    assert "no 8-bit kernel" in refused["up", 8]
    assert "linear layers only" in refused["plain", 4]
    pairs = [one.pair for one in found.networks]
    assert pairs == [FULL, INT8]
    for one in (*found.layers, *found.networks):
        assert 0 < one.low_ms <= one.median_ms <= one.high_ms
        assert one.repeats >= 3
    full, int8, four = found.totals
    assert full.layers_ms == pytest.approx(
        sum(one.median_ms for one in found.layers if one.pair == FULL)
    )
    assert int8.missing == ("up", "up_one")
    assert (int8.layers_ms, int8.difference_ms) == (None, None)
    assert (four.pair, four.network) == (FOUR_BIT_WEIGHTS, None)
    fractions = [fraction for fraction, _ in told]
    assert fractions == sorted(fractions)
    assert (fractions[0], fractions[-1]) == (0.0, 1.0)
    assert LatencyMeasurement.from_json(found.to_json()) == found
    assert capsys.readouterr().out == ""  # the command line may write JSON there
    assert [one.message for one in caplog.records if one.levelno >= logging.WARNING] == []


def test_a_network_that_onnx_has_no_words_for_is_measured_by_layers() -> None:
    found = measure_latency(no_onnx())
    assert {one.layer for one in found.layers} == {"head"}
    assert found.networks == ()
    reasons = {one.pair: one.reason for one in found.not_run if one.layer is None}
    assert reasons.keys() == {FULL, INT8, FOUR_BIT_WEIGHTS}
    assert "bessel" in reasons[FULL]
    assert "\n" not in reasons[FULL]
    assert found.totals[0].network is None
    assert (found.batch, found.threads) == (1, default_threads())


def test_it_stops_between_layers_and_before_the_whole() -> None:
    said: Iterator[bool] = iter([False, False, True])
    with pytest.raises(Stopped):
        measure_latency(every_kind(), should_stop=lambda: next(said))
    texts: list[str] = []
    with pytest.raises(Stopped):
        measure_latency(
            no_onnx(),
            on_progress=lambda _, text: texts.append(text),
            should_stop=lambda: texts[-1] == "exporting the network",
        )


class FourAtATime(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(5, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(x) + torch.arange(4.0)[:, None]


def test_a_fixed_batch_is_the_batch() -> None:
    network = build_network(FourAtATime(), "four", ((5,),), batch=4)
    assert network.description.batch == 4
    assert measure_latency(network).batch == 4
    with pytest.raises(BadInput, match=r"takes 4 image.* not 1; measure it with 4"):
        measure_latency(network, batch=1)


@pytest.mark.parametrize("asked", [{"threads": 0}, {"threads": 257}, {"batch": 0}])
def test_what_makes_no_sense_is_refused(asked: dict[str, int]) -> None:
    with pytest.raises(BadInput, match="no sense"):
        measure_latency(no_onnx(), **asked)


def test_the_module_computes_what_the_network_does() -> None:
    network = every_kind()
    x = torch.randn(3, 6, 12, 12)
    (found,) = as_module(network)(x)
    torch.testing.assert_close(found, network.runner()(x))


def test_turns() -> None:
    order: list[str] = []
    runs = {name: (lambda name=name: order.append(name)) for name in ("a", "b")}
    times = time_in_turns(runs, Effort(rounds=4, least_s=0.0, most_s=1.0))
    assert order == ["a", "b"] * 6  # two rounds to warm up
    assert {key: one.repeats for key, one in times.items()} == {"a": 4, "b": 4}
    assert all(one.low_ms <= one.median_ms <= one.high_ms for one in times.values())
    assert time_in_turns({}, HASTE) == {}


def test_the_machine_has_a_name_and_cores() -> None:
    assert processor_name().isprintable()
    assert 0 < len(processor_name()) <= 80
    assert default_threads() >= 1


@pytest.mark.skipif(not Path("/proc/stat").exists(), reason="only Linux counts them so")
def test_own_work_is_not_that_of_others() -> None:
    begun, before = time.perf_counter(), seconds_of_others()
    own = time.process_time()
    while time.process_time() - own < 0.3:
        sum(range(1000))
    after, seconds = seconds_of_others(), time.perf_counter() - begun
    assert before is not None
    assert after is not None
    idle = (os.cpu_count() or 1) * seconds - 0.3  # all that was left for others
    assert -0.05 < after - before < idle + 0.05
