"""The sensitivity table: plain values, no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from qcore import fields
from qcore.calibrate.clipping import Clipping, Target
from qcore.data.source import DataSource
from qcore.errors import BadInput
from qcore.graph.layer import Description
from qcore.quantize.limits import MAX_BITS, MIN_BITS

Objective = Literal["kl", "cross_entropy", "mse"]
OBJECTIVES: dict[str, str] = {
    "cross_entropy": "cross-entropy with the labels, nats per image",
    "kl": "KL divergence from the full-precision output, nats per image",
    "mse": "squared error of the output relative to its energy at full precision, mean of outputs",
}
UNITS: dict[str, str] = {"cross_entropy": "nats", "kl": "nats", "mse": "of the output's energy"}


def objectives_for(network: Description, labelled: bool) -> tuple[Objective, ...]:
    """The losses that make sense for a network and its data, the best one first."""
    if network.classes is None:
        return ("mse",)
    return ("cross_entropy", "kl", "mse") if labelled else ("kl", "mse")


def check_objective(objective: Objective, network: Description, labelled: bool, data: str) -> None:
    """BadInput where that loss cannot be computed."""
    possible = objectives_for(network, labelled)
    if objective in possible:
        return
    if network.classes is None:
        raise BadInput(f"this network is no classifier; use --objective {possible[0]}")
    raise BadInput(f"{data} has no labels; use --objective {possible[0]}")


METHODS = ("exact",)
TARGETS: dict[Target, str] = {
    "weight": "the layer's weights",
    "activation": "what enters the layer",
}
"""What is quantized in one layer at a time."""


@dataclass(frozen=True)
class SensitivityConfig:
    """What is asked of a sensitivity run.

    ``bits``: bit widths, each 2 to 16. ``objective``: the loss. ``images``: how many calibration
    images are used, drawn without replacement in the order that ``seed`` gives. ``clipping``: where
    the target is clipped; what it says of the other one is dropped, so that equal questions are
    equal.
    """

    bits: tuple[int, ...]
    objective: Objective
    images: int
    seed: int = 0
    method: Literal["exact"] = "exact"
    target: Target = "weight"
    clipping: Clipping = field(default_factory=Clipping)

    def __post_init__(self) -> None:
        object.__setattr__(self, "clipping", self.clipping.of(self.target))


@dataclass(frozen=True)
class SensitivityRow:
    """ΔL of one layer at one bit width: mean over images and its 95 % confidence interval.

    Loss of the network with only this layer's weights (or its input) quantized, minus the
    full-precision loss, in nats per image; negative values are kept. The interval is None below two
    images.
    """

    layer: str
    bits: int
    target: str
    delta_loss: float
    ci_low: float | None
    ci_high: float | None
    samples: int
    kernel: int | None = None


@dataclass(frozen=True)
class SensitivityTable:
    """All rows of one run, and what they were measured on. ``samples_asked`` is a full row's."""

    network: Description
    data: DataSource
    data_fingerprint: str
    config: SensitivityConfig
    quantizer: str
    rows: tuple[SensitivityRow, ...]
    seconds: float
    one_forward_seconds: float | None

    @property
    def complete(self) -> bool:
        """True where every layer has a row at every bit width over all the images asked for."""
        cells = len(self.network.layers) * len(self.config.bits)
        return len(self.rows) == cells and all(r.samples == self.config.images for r in self.rows)

    @property
    def covered(self) -> bool:
        """True where every layer has some row at every bit width."""
        return len(self.rows) == len(self.network.layers) * len(self.config.bits)

    def row(self, layer: str, bits: int) -> SensitivityRow | None:
        """The row of that cell, None where it has not been measured."""
        for row in self.rows:
            if row.layer == layer and row.bits == bits:
                return row
        return None

    def to_json(self) -> dict[str, Any]:
        """The fields of ``sensitivity --json``, and what ``from_json`` needs to restore this."""
        return {
            **self.network.to_json(),
            "data": {**self.data.to_json(), "fingerprint": self.data_fingerprint},
            "config": {
                **asdict(self.config),
                "bits": list(self.config.bits),
                "clipping": self.config.clipping.to_json(),
            },
            "quantizer": self.quantizer,
            "rows": [asdict(row) for row in self.rows],
            "timing": {"seconds": self.seconds, "one_forward_seconds": self.one_forward_seconds},
        }

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> SensitivityTable:
        """The inverse of ``to_json``. Raises BadInput where a field is missing or wrong."""
        try:
            facts, timing = fields.table(data, "data"), fields.table(data, "timing")
            table = SensitivityTable(
                network=Description.from_json(data),
                data=DataSource.from_json(facts),
                data_fingerprint=fields.text(facts, "fingerprint"),
                config=_config_from_json(fields.table(data, "config")),
                quantizer=fields.text(data, "quantizer"),
                rows=tuple(_row_from_json(row) for row in data["rows"]),
                seconds=fields.number(timing, "seconds"),
                one_forward_seconds=fields.number_or_none(timing, "one_forward_seconds"),
            )
            table._check()
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            reason = f"field {error} is missing" if isinstance(error, KeyError) else error
            raise BadInput(
                f"this is not a sensitivity table ({reason}); "
                "write one with: python -m qcore sensitivity MODEL DATA --json FILE"
            ) from error
        return table

    def _check(self) -> None:
        """ValueError unless every row is another cell of layers and bits."""
        names = {layer.name for layer in self.network.layers}
        seen: set[tuple[str, int]] = set()
        for row in self.rows:
            cell = f"layer {row.layer!r} at {row.bits} bits"
            if row.layer not in names:
                raise ValueError(f"a row is of unknown layer {row.layer!r}")
            if row.bits not in self.config.bits:
                raise ValueError(f"{cell} has a row, but these bits are not in the configuration")
            if row.target != self.config.target:
                raise ValueError(f"{cell} is of target {row.target!r}, not {self.config.target!r}")
            if (row.layer, row.bits) in seen:
                raise ValueError(f"{cell} has two rows")
            seen.add((row.layer, row.bits))


def _config_from_json(data: Mapping[str, Any]) -> SensitivityConfig:
    bits = fields.wholes(data, "bits", MIN_BITS)
    if max(bits) > MAX_BITS or len(set(bits)) < len(bits):
        raise ValueError(f"'bits' are {bits}, not different widths up to {MAX_BITS}")
    for name, known in (("objective", tuple(OBJECTIVES)), ("method", METHODS), ("target", TARGETS)):
        if data[name] not in known:
            raise ValueError(f"{name!r} is {data[name]!r}, not one of {', '.join(known)}")
    return SensitivityConfig(
        bits=bits,
        objective=data["objective"],
        images=fields.whole(data, "images", 1),
        seed=fields.whole(data, "seed"),
        method=data["method"],
        target=data["target"],
        clipping=Clipping.from_json(data["clipping"]) if "clipping" in data else Clipping(),
    )


def _row_from_json(row: Mapping[str, Any]) -> SensitivityRow:
    if row.get("kernel") is not None:
        raise ValueError("a row is of a single kernel, which cannot be read yet")
    return SensitivityRow(
        layer=fields.text(row, "layer"),
        bits=fields.whole(row, "bits"),
        target=fields.text(row, "target"),
        delta_loss=fields.number(row, "delta_loss"),
        ci_low=fields.number_or_none(row, "ci_low"),
        ci_high=fields.number_or_none(row, "ci_high"),
        samples=fields.whole(row, "samples", 1),
    )
