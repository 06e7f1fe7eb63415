"""What was measured on a machine: plain values, free of torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from qcore import fields


@dataclass(frozen=True)
class LayerLatency:
    """One layer by itself at one pair of bits, None is full precision.

    ``low_ms`` and ``high_ms`` are the quartiles of ``repeats`` runs. A layer that is used several
    times has the time of all uses.
    """

    layer: str
    weight_bits: int | None
    activation_bits: int | None
    median_ms: float
    low_ms: float
    high_ms: float
    repeats: int


@dataclass(frozen=True)
class NetworkLatency:
    """The whole network, every layer at one pair of bits; as ``LayerLatency``."""

    weight_bits: int | None
    activation_bits: int | None
    median_ms: float
    low_ms: float
    high_ms: float
    repeats: int


@dataclass(frozen=True)
class NotRun:
    """Why a layer was not timed at a pair; ``layer`` is None for the whole network."""

    layer: str | None
    weight_bits: int | None
    activation_bits: int | None
    reason: str


@dataclass(frozen=True)
class Total:
    """The sum of the layers' medians beside the whole network's, at one pair of bits.

    ``layers_ms`` is None where a layer does not run at the pair (``missing`` names them),
    ``network_ms`` where the network was not timed, ``difference_ms`` (network - layers) where
    either is None.
    """

    weight_bits: int | None
    activation_bits: int | None
    layers_ms: float | None
    network_ms: float | None
    missing: tuple[str, ...]

    @property
    def difference_ms(self) -> float | None:
        if self.layers_ms is None or self.network_ms is None:
            return None
        return self.network_ms - self.layers_ms


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
    def pairs(self) -> tuple[tuple[int | None, int | None], ...]:
        """(weight bits, activation bits) that some layer runs at; full precision comes first."""
        found = {(one.weight_bits, one.activation_bits) for one in self.layers}
        return tuple(sorted(found, key=_full_first))

    @property
    def totals(self) -> tuple[Total, ...]:
        """One for each of ``pairs``. Example: layers of 1 and 2 ms in a network of 2.5 ms: 3 ms
        beside 2.5 ms, a difference of -0.5 ms."""
        return tuple(self._total(*pair) for pair in self.pairs)

    def _total(self, weight_bits: int | None, activation_bits: int | None) -> Total:
        def here(one: LayerLatency | NetworkLatency) -> bool:
            return (one.weight_bits, one.activation_bits) == (weight_bits, activation_bits)

        each = {one.layer: one.median_ms for one in self.layers if here(one)}
        whole = [one.median_ms for one in self.networks if here(one)]
        missing = tuple(name for name in self.layer_names if name not in each)
        layers_ms = None if missing else sum(each.values())
        network_ms = whole[0] if whole else None
        return Total(weight_bits, activation_bits, layers_ms, network_ms, missing)

    def to_json(self) -> dict[str, Any]:
        """Every field; what ``from_json`` reads."""
        return asdict(self)

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> LatencyMeasurement:
        """The inverse of ``to_json``; KeyError, TypeError or ValueError for a wrong field."""
        beside = data["beside_other_jobs"]
        if not isinstance(beside, bool | None):
            raise ValueError(
                f"'beside_other_jobs' is {str(beside)[:40]!r}, not true, false or null"
            )
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
                NotRun(fields.text_or_none(row, "layer"), *_pair(row), fields.text(row, "reason"))
                for row in _rows(data, "not_run")
            ),
            seconds=_positive(data, "seconds"),
            beside_other_jobs=beside,
            other_cores=fields.number_or_none(data, "other_cores"),
        )


def _full_first(pair: tuple[int | None, int | None]) -> tuple[float, ...]:
    return tuple(-(1000.0 if bits is None else bits) for bits in pair)


def _rows(data: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    """A list of objects that may be empty."""
    rows = data[name]
    if not isinstance(rows, list | tuple):
        raise ValueError(f"{name!r} is not a list")
    return [fields.table({name: row}, name) for row in rows]


def _pair(row: Mapping[str, Any]) -> tuple[int | None, int | None]:
    weight, activation = (
        None if row[name] is None else fields.whole(row, name, 1)
        for name in ("weight_bits", "activation_bits")
    )
    return weight, activation


def _timed(row: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that a layer and a network share."""
    weight_bits, activation_bits = _pair(row)
    times = {name: _positive(row, name) for name in ("median_ms", "low_ms", "high_ms")}
    if not times["low_ms"] <= times["median_ms"] <= times["high_ms"]:
        raise ValueError("'median_ms' does not lie between 'low_ms' and 'high_ms'")
    return {
        "weight_bits": weight_bits,
        "activation_bits": activation_bits,
        **times,
        "repeats": fields.whole(row, "repeats", 1),
    }


def _positive(row: Mapping[str, Any], name: str) -> float:
    value = fields.number(row, name)
    if value <= 0:
        raise ValueError(f"{name!r} is {value:g}, not above 0")
    return value
