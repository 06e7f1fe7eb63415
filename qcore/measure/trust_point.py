"""One configuration of a trust check. Free of torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from qcore import fields
from qcore.sensitivity.widths import weight_widths

TrustPieceKey = tuple[int, int]
"""(configuration, chunk)"""


@dataclass(frozen=True)
class TrustPiece:
    """What one chunk of images says of one configuration: sums over per-image ΔL."""

    number: int
    chunk: int
    samples: int
    total: float
    total_squares: float

    @property
    def key(self) -> TrustPieceKey:
        return self.number, self.chunk


@dataclass(frozen=True)
class TrustPoint:
    """One configuration: measured ΔL with its 95 % interval (None below two images), the sum of the
    table's rows, and the prediction with interactions where the table knows them."""

    bits: tuple[int, ...]
    activation_bits: tuple[int, ...] | None
    average_bits: float
    measured: float
    ci_low: float | None
    ci_high: float | None
    samples: int
    additive: float
    interacting: float | None


def point_from_json(data: Mapping[str, Any]) -> TrustPoint:
    """The inverse of ``asdict``; KeyError, TypeError or ValueError for a wrong field."""
    inputs = data["activation_bits"]
    return TrustPoint(
        weight_widths(data, "bits"),
        None if inputs is None else fields.wholes(data, "activation_bits", 2),
        fields.number(data, "average_bits"),
        fields.number(data, "measured"),
        fields.number_or_none(data, "ci_low"),
        fields.number_or_none(data, "ci_high"),
        fields.whole(data, "samples", 1),
        fields.number(data, "additive"),
        fields.number_or_none(data, "interacting"),
    )
