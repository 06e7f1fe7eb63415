"""What a trust check found: predicted beside measured loss. Free of torch."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from qcore import fields
from qcore.errors import BadInput
from qcore.measure.trust_draw import Configuration
from qcore.measure.trust_errors import TrustErrors, errors_of
from qcore.measure.trust_point import TrustPiece, TrustPoint, point_from_json
from qcore.sensitivity.compare import spearman
from qcore.sensitivity.config import SensitivityConfig, Width
from qcore.sensitivity.interval import Moments
from qcore.sensitivity.objectives import UNITS
from qcore.sensitivity.table import SensitivityTable


@dataclass(frozen=True)
class TrustCheck:
    """All points of a table, and what may be said of them.

    ``unit``: of the loss. ``same_unit``: False for a measure that is no loss; then only the order
    of what it adds up, ``quantity``, counts.
    ``saturation``: half the loss of a network that has lost all it knew, in ``unit``; None where
    that is unknown.
    """

    unit: str
    same_unit: bool
    saturation: float | None
    points: tuple[TrustPoint, ...]
    quantity: str = "ΔL"

    @property
    def additive(self) -> TrustErrors:
        return errors_of(self._compared(p.additive for p in self.points), self.saturation)

    @property
    def interacting(self) -> TrustErrors | None:
        """None where the table knows no interactions."""
        known = [p.interacting for p in self.points if p.interacting is not None]
        if not known or len(known) < len(self.points):
            return None
        return errors_of(self._compared(known), self.saturation)

    @property
    def rank_of_average_bits(self) -> float | None:
        """Rank correlation of the measured loss with fewer bits on average: what a table has to
        beat."""
        return spearman([-p.average_bits for p in self.points], [p.measured for p in self.points])

    def to_json(self) -> dict[str, Any]:
        """Points, and what follows from them."""
        with_interactions = self.interacting
        return {
            **asdict(self),
            "additive": self.additive.to_json(self.same_unit),
            "interacting": None
            if with_interactions is None
            else with_interactions.to_json(self.same_unit),
            "rank_of_average_bits": self.rank_of_average_bits,
        }

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> TrustCheck:
        """The inverse of ``to_json``. Raises BadInput where a field is missing or wrong."""
        try:
            if not isinstance(data["same_unit"], bool):
                raise ValueError(f"'same_unit' is {data['same_unit']!r}, not true or false")
            return TrustCheck(
                fields.text(data, "unit"),
                data["same_unit"],
                fields.number_or_none(data, "saturation"),
                tuple(point_from_json(point) for point in data["points"]),
                fields.text({"quantity": "ΔL", **data}, "quantity"),
            )
        except (KeyError, TypeError, ValueError) as error:
            reason = f"field {error} is missing" if isinstance(error, KeyError) else error
            raise BadInput(
                f"this is not a trust check ({reason}); "
                "write one with: python -m qcore trust SENSITIVITY.json --json FILE"
            ) from error

    def _compared(self, predicted: Iterable[float]) -> list[tuple[TrustPoint, float]]:
        return list(zip(self.points, predicted, strict=True))


def trust_check(
    table: SensitivityTable, configurations: Sequence[Configuration], pieces: Iterable[TrustPiece]
) -> TrustCheck:
    """The table's predictions beside what has been measured so far of each configuration.

    Raises ValueError where the table lacks a row of a configuration.
    """
    sums: dict[int, Moments] = {}
    for piece in pieces:
        known = sums.get(piece.number, Moments())
        sums[piece.number] = known.plus(piece.samples, piece.total, piece.total_squares)
    cells = {(row.layer, row.width): row.delta_loss for row in table.rows}
    points = [_point(table, cells, configurations[n], sums[n]) for n in sorted(sums)]
    return TrustCheck(
        UNITS[table.config.objective],
        table.config.method in ("exact", "projected"),
        _saturation(table.config, table.network.classes),
        tuple(points),
        table.config.quantity,
    )


def _point(
    table: SensitivityTable,
    cells: Mapping[tuple[str, Width], float],
    configuration: Configuration,
    moments: Moments,
) -> TrustPoint:
    widths = configuration.widths
    own = [(la.name, width) for la, width in zip(table.network.layers, widths, strict=True)]
    for name, width in own:
        if (name, width) not in cells:
            raise ValueError(f"the table has no row of {name} at {width.bits} bits")
    additive = math.fsum(cells[cell] for cell in own)
    low, high = moments.interval() or (None, None)
    inputs = tuple(w.activation_bits for w in widths if w.activation_bits is not None)
    return TrustPoint(
        tuple(width.bits for width in widths),
        inputs or None,
        configuration.average_bits,
        moments.mean,
        low,
        high,
        moments.samples,
        additive,
        _with_interactions(table, widths, additive),
    )


def _with_interactions(
    table: SensitivityTable, widths: Sequence[Width], additive: float
) -> float | None:
    """None where the table knows no interactions. Where some cells of weights were measured exactly
    afterwards, they stand for the projected ones; interactions stay as they are."""
    projections, target = table.projections, table.config.target
    if projections is None:
        return None
    bits = [width.bits for width in widths]
    if target == "activation":
        return projections.predicted([None] * len(bits), bits).mean
    if target == "both":
        return projections.predicted(bits, [width.activation_bits for width in widths]).mean
    predicted = projections.predicted(bits).mean
    if table.config.refine is None:
        return predicted
    return predicted + additive - projections.additive(bits).mean


def _saturation(config: SensitivityConfig, classes: int | None) -> float | None:
    if config.objective == "mse":
        return 0.5  # an output of zeros has an error of 1
    return None if classes is None else 0.5 * math.log(classes)
