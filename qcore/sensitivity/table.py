"""The sensitivity table: plain values, no torch."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from qcore.errors import BadInput
from qcore.graph.layer import Description
from qcore.sensitivity.interval import Moments

Objective = Literal["kl", "cross_entropy"]
OBJECTIVES: dict[str, str] = {
    "cross_entropy": "cross-entropy with the labels, nats per image",
    "kl": "KL divergence from the full-precision output, nats per image",
}


@dataclass(frozen=True)
class SensitivityConfig:
    """What is asked of a sensitivity run.

    ``bits``: bit widths, each 2 to 16. ``objective``: the loss. ``images``: how many calibration
    images are used, drawn without replacement in the order that ``seed`` gives.
    """

    bits: tuple[int, ...]
    objective: Objective
    images: int
    seed: int = 0
    method: Literal["exact"] = "exact"
    target: Literal["weight"] = "weight"


@dataclass(frozen=True)
class Piece:
    """What one chunk of images says of one cell: sums over per-image loss differences."""

    layer: str
    bits: int
    chunk: int
    samples: int
    total: float
    total_squares: float


@dataclass(frozen=True)
class SensitivityRow:
    """ΔL of one layer at one bit width: mean over images and its 95 % confidence interval.

    Loss of the network with only this layer's weights quantized, minus the full-precision loss, in
    nats per image; negative values are kept. The interval is None below two images.
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
    data: str
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
            "data": {"name": self.data, "fingerprint": self.data_fingerprint},
            "config": {**asdict(self.config), "bits": list(self.config.bits)},
            "quantizer": self.quantizer,
            "rows": [asdict(row) for row in self.rows],
            "timing": {"seconds": self.seconds, "one_forward_seconds": self.one_forward_seconds},
        }

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> SensitivityTable:
        """The inverse of ``to_json``. Raises BadInput where a field is missing or wrong."""
        try:
            config = {**data["config"], "bits": tuple(int(b) for b in data["config"]["bits"])}
            table = SensitivityTable(
                network=Description.from_json(data),
                data=str(data["data"]["name"]),
                data_fingerprint=str(data["data"]["fingerprint"]),
                config=SensitivityConfig(**config),
                quantizer=str(data["quantizer"]),
                rows=tuple(SensitivityRow(**row) for row in data["rows"]),
                seconds=float(data["timing"]["seconds"]),
                one_forward_seconds=data["timing"]["one_forward_seconds"],
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise BadInput(
                f"this is not a sensitivity table ({type(error).__name__}: {error}); "
                "write one with: python -m qcore sensitivity MODEL DATA --json FILE"
            ) from error
        names = {layer.name for layer in table.network.layers}
        for row in table.rows:
            if row.layer not in names:
                raise BadInput(f"the sensitivity table has a row of unknown layer {row.layer!r}")
            if not math.isfinite(row.delta_loss):
                raise BadInput(f"ΔL of layer {row.layer!r} at {row.bits} bits is not a number")
        return table


def rows_from_pieces(
    pieces: Iterable[Piece], layers: Iterable[str], bits: Iterable[int]
) -> tuple[SensitivityRow, ...]:
    """Sum the chunks of each cell into a row; rows in the order of ``layers``, then of ``bits``."""
    sums: dict[tuple[str, int], Moments] = {}
    for piece in pieces:
        cell = (piece.layer, piece.bits)
        sums[cell] = sums.get(cell, Moments()).plus(piece.samples, piece.total, piece.total_squares)
    rows = []
    for layer, b in ((layer, b) for layer in layers for b in bits):
        if (moments := sums.get((layer, b))) is not None:
            low, high = moments.interval() or (None, None)
            rows.append(
                SensitivityRow(layer, b, "weight", moments.mean, low, high, moments.samples)
            )
    return tuple(rows)
