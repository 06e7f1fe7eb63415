"""Measurements on disk."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from qcore.hardware.pair import BitPair
from qcore.latency.measurement import LatencyMeasurement, LayerLatency
from qcore.store.latencies import keep_latency, kept_at, latency_of

PRINT = "0123456789abcdef" * 4
MEASURED = LatencyMeasurement(
    network_fingerprint=PRINT,
    network_name="net",
    processor="Some CPU",
    threads=2,
    batch=1,
    runtime="ONNX Runtime 1.31.1",
    layers=(LayerLatency(BitPair(None, None), 1.0, 0.9, 1.1, 10, "head"),),
    networks=(),
    not_run=(),
    seconds=1.0,
)


def test_the_newest_of_each_network_is_found(store_home: Path) -> None:
    assert (latency_of(PRINT), kept_at(PRINT)) == (None, None)
    keep_latency(MEASURED)
    keep_latency(replace(MEASURED, network_fingerprint="f" * 64, batch=8))
    newer = replace(MEASURED, threads=1, beside_other_jobs=True)
    keep_latency(newer)
    assert latency_of(PRINT) == newer
    assert kept_at(PRINT) == (store_home / "latency" / f"{PRINT}.json").stat().st_mtime
    assert sorted(path.name for path in (store_home / "latency").iterdir()) == [
        f"{PRINT}.json",
        f"{'f' * 64}.json",
    ]


@pytest.mark.parametrize("content", ["", "[]", "{}", "[" * 100_000, '{"batch": 1e400}'])
def test_a_damaged_one_is_none_and_is_replaced(store_home: Path, content: str) -> None:
    keep_latency(MEASURED)
    (store_home / "latency" / f"{PRINT}.json").write_text(content)
    assert latency_of(PRINT) is None
    keep_latency(MEASURED)
    assert latency_of(PRINT) == MEASURED


def test_one_of_another_network_is_not_taken(store_home: Path) -> None:
    keep_latency(MEASURED)
    other = {**MEASURED.to_json(), "network_fingerprint": "f" * 64}
    (store_home / "latency" / f"{PRINT}.json").write_text(json.dumps(other))
    assert latency_of(PRINT) is None


@pytest.mark.parametrize("name", ["", "../../etc/passwd", PRINT.upper(), PRINT + "\n"])
def test_what_is_no_fingerprint_is_no_file(name: str) -> None:
    assert (latency_of(name), kept_at(name)) == (None, None)
    with pytest.raises(ValueError, match="no fingerprint"):
        keep_latency(replace(MEASURED, network_fingerprint=name))
