"""What a measurement on this machine says, as figures and rows of tables."""

from __future__ import annotations

from collections.abc import Sequence

from qcore.hardware import BitPair
from qcore.latency.measurement import LatencyMeasurement, LayerLatency, NetworkLatency
from ui.figures.measured_latency import TimedLayers

FLOAT, INT8 = BitPair(None, None), BitPair(8, 8)
_NAMES = {FLOAT: "float32", INT8: "int8"}


def pair_name(pair: BitPair) -> str:
    """Example: int8; 4/full."""
    return _NAMES.get(pair, str(pair))


def whole_network(found: LatencyMeasurement, pair: BitPair) -> NetworkLatency | None:
    """None where the whole network does not run at the pair."""
    return next((one for one in found.networks if one.pair == pair), None)


def speed_up(found: LatencyMeasurement) -> float | None:
    """How many times as fast int8 is as float32, of the whole network. Example: 3 and 2 ms: 1.5."""
    slow, fast = whole_network(found, FLOAT), whole_network(found, INT8)
    return None if slow is None or fast is None else slow.median_ms / fast.median_ms


def timed_layers(found: LatencyMeasurement, names: Sequence[str]) -> tuple[TimedLayers, ...]:
    """Every pair that some layer runs at, all layers in the order of ``names``."""
    each = _by_layer(found)
    return tuple(
        TimedLayers(
            pair_name(pair),
            pair.weight_bits,
            [_part(each.get((name, pair)), "median_ms") for name in names],
            [_part(each.get((name, pair)), "low_ms") for name in names],
            [_part(each.get((name, pair)), "high_ms") for name in names],
        )
        for pair in found.pairs
    )


def layer_rows(found: LatencyMeasurement, names: Sequence[str]) -> list[dict[str, object]]:
    """One row a layer: median and quartiles of each pair, None where it does not run."""
    each = _by_layer(found)
    rows = []
    for name in names:
        row: dict[str, object] = {"layer": name}
        for pair in found.pairs:
            one, label = each.get((name, pair)), pair_name(pair)
            row[f"{label} (ms)"] = None if one is None else one.median_ms
            row[f"{label}, quartiles"] = quartiles(one)
        rows.append(row)
    return rows


def quartiles(one: LayerLatency | NetworkLatency | None) -> str | None:
    """Example: 0.0213 to 0.0220."""
    return None if one is None else f"{one.low_ms:#.3g} to {one.high_ms:#.3g}"


def not_run_rows(found: LatencyMeasurement) -> list[dict[str, object]]:
    """What was not timed, one row for all layers of one reason."""
    together: dict[tuple[BitPair, str], list[str]] = {}
    for one in found.not_run:
        together.setdefault((one.pair, one.reason), []).append(one.layer or "the whole network")
    return [
        {"bits": pair_name(pair), "what": ", ".join(names), "why": reason}
        for (pair, reason), names in together.items()
    ]


def _by_layer(found: LatencyMeasurement) -> dict[tuple[str, BitPair], LayerLatency]:
    return {(one.layer, one.pair): one for one in found.layers}


def _part(one: LayerLatency | None, name: str) -> float | None:
    return None if one is None else getattr(one, name)
