"""What was measured on a machine: plain values, free of torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from qcore import fields
from qcore.hardware.pair import BitPair


@dataclass(frozen=True)
class NetworkLatency:
    """The whole network with every layer at one pair of bits.

    ``low_ms`` and ``high_ms`` are the quartiles of ``repeats`` runs.
    """

    pair: BitPair
    median_ms: float
    low_ms: float
    high_ms: float
    repeats: int


@dataclass(frozen=True)
class LayerLatency(NetworkLatency):
    """One layer by itself; one that is used several times has the time of all uses."""

    layer: str


@dataclass(frozen=True)
class NotRun:
    """Why a layer was not timed at a pair; ``layer`` is None for the whole network."""

    layer: str | None
    pair: BitPair
    reason: str


@dataclass(frozen=True)
class Total:
    """The sum of the layers' medians beside the whole network, at one pair of bits.

    ``layers_ms`` is None where a layer does not run at the pair (``missing`` names them),
    ``network`` where the network was not timed, and their difference where either is None.
    """

    pair: BitPair
    layers_ms: float | None
    network: NetworkLatency | None
    missing: tuple[str, ...]

    @property
    def difference_ms(self) -> float | None:
        """Network - layers."""
        if self.layers_ms is None or self.network is None:
            return None
        return self.network.median_ms - self.layers_ms

    @property
    def difference_percent(self) -> float | None:
        """Of the sum of the layers. Example: layers of 1 and 2 ms in a network of 2.7 ms: -10."""
        if self.difference_ms is None or not self.layers_ms:
            return None
        return 100 * self.difference_ms / self.layers_ms


@dataclass(frozen=True)
class LatencyMeasurement:
    """Times of a network on one machine, for ``batch`` images at a time.

    ``threads`` work inside an operator. ``beside_other_jobs`` says whether other jobs of this
    program ran meanwhile, ``other_cores`` how many cores all other programs kept busy on average;
    None where that is not known. ``seconds`` is what measuring took.
    """

    network_fingerprint: str
    network_name: str
    processor: str
    threads: int
    batch: int
    runtime: str
    layers: tuple[LayerLatency, ...]
    networks: tuple[NetworkLatency, ...]
    not_run: tuple[NotRun, ...]
    seconds: float
    beside_other_jobs: bool | None = None
    other_cores: float | None = None

    @property
    def layer_names(self) -> tuple[str, ...]:
        """Every layer once, timed or not, in running order."""
        timed = [one.layer for one in self.layers]
        refused = [one.layer for one in self.not_run if one.layer is not None]
        return tuple(dict.fromkeys(timed + refused))

    @property
    def pairs(self) -> tuple[BitPair, ...]:
        """Those that some layer runs at; full precision comes first."""
        return tuple(sorted({one.pair for one in self.layers}, key=_full_first))

    @property
    def totals(self) -> tuple[Total, ...]:
        """One for each of ``pairs``. Example: layers of 1 and 2 ms, a network of 2.5: -0.5 ms."""
        return tuple(self._total(pair) for pair in self.pairs)

    def _total(self, pair: BitPair) -> Total:
        each = {one.layer: one.median_ms for one in self.layers if one.pair == pair}
        whole = next((one for one in self.networks if one.pair == pair), None)
        missing = tuple(name for name in self.layer_names if name not in each)
        return Total(pair, None if missing else sum(each.values()), whole, missing)

    def to_json(self) -> dict[str, Any]:
        """Every field; what ``from_json`` reads."""
        return asdict(self)

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> LatencyMeasurement:
        """The inverse of ``to_json``; KeyError, TypeError or ValueError for a wrong field."""
        beside = data["beside_other_jobs"]
        if not isinstance(beside, bool | None):
            raise ValueError(f"'beside_other_jobs' is {str(beside)[:40]!r}, not true, false, null")
        return LatencyMeasurement(
            network_fingerprint=fields.text(data, "network_fingerprint"),
            network_name=fields.text(data, "network_name"),
            processor=fields.text(data, "processor"),
            threads=fields.whole(data, "threads", 1),
            batch=fields.whole(data, "batch", 1),
            runtime=fields.text(data, "runtime"),
            layers=tuple(
                LayerLatency(layer=fields.text(row, "layer"), **_timed(row))
                for row in _rows(data, "layers")
            ),
            networks=tuple(NetworkLatency(**_timed(row)) for row in _rows(data, "networks")),
            not_run=tuple(
                NotRun(fields.text_or_none(row, "layer"), _pair(row), fields.text(row, "reason"))
                for row in _rows(data, "not_run")
            ),
            seconds=_positive(data, "seconds"),
            beside_other_jobs=beside,
            other_cores=fields.number_or_none(data, "other_cores"),
        )


def _full_first(pair: BitPair) -> tuple[float, ...]:
    both = (pair.weight_bits, pair.activation_bits)
    return tuple(-(1000.0 if bits is None else bits) for bits in both)


def _rows(data: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    """A list of objects that may be empty."""
    rows = data[name]
    if not isinstance(rows, list | tuple):
        raise ValueError(f"{name!r} is not a list")
    return [fields.table({name: row}, name) for row in rows]


def _pair(row: Mapping[str, Any]) -> BitPair:
    both = fields.table(row, "pair")
    weight, activation = (
        None if both[name] is None else fields.whole(both, name, 1)
        for name in ("weight_bits", "activation_bits")
    )
    return BitPair(weight, activation)


def _timed(row: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that a layer and a network share."""
    times = {name: _positive(row, name) for name in ("median_ms", "low_ms", "high_ms")}
    if not times["low_ms"] <= times["median_ms"] <= times["high_ms"]:
        raise ValueError("'median_ms' does not lie between 'low_ms' and 'high_ms'")
    return {"pair": _pair(row), **times, "repeats": fields.whole(row, "repeats", 1)}


def _positive(row: Mapping[str, Any], name: str) -> float:
    value = fields.number(row, name)
    if value <= 0:
        raise ValueError(f"{name!r} is {value:g}, not above 0")
    return value
