"""The sensitivity table: plain values, no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from qcore import fields
from qcore.data.source import DataSource
from qcore.errors import BadInput
from qcore.graph.layer import Description
from qcore.sensitivity.config import SensitivityConfig, Width
from qcore.sensitivity.projection.projections import Projections
from qcore.sensitivity.row import SensitivityRow, row_from_json


@dataclass(frozen=True)
class SensitivityTable:
    """All rows of one run, and what they were measured on.

    ``rows`` are of layers, ``kernel_rows`` of single kernels where they were asked for.
    ``projections`` are those of a projected run, from which the loss of any configuration is
    predicted.
    """

    network: Description
    data: DataSource
    data_fingerprint: str
    config: SensitivityConfig
    rows: tuple[SensitivityRow, ...]
    seconds: float
    one_forward_seconds: float | None
    kernel_rows: tuple[SensitivityRow, ...] = ()
    projections: Projections | None = None

    @property
    def quantizer(self) -> str:
        """How the target is rounded, in words."""
        return self.config.quantizer

    @property
    def cells(self) -> int:
        """How many cells a table with every row has."""
        return len(self.network.layers) * len(self.config.widths)

    @property
    def covered(self) -> bool:
        """True where every layer has some row at every width."""
        return len(self.rows) == self.cells

    @property
    def complete(self) -> bool:
        """True where every layer has a row at every width over all the images asked for."""
        return self.covered and all(r.samples == self.config.images for r in self.rows)

    def row(
        self, layer: str, bits: int, activation_bits: int | None = None
    ) -> SensitivityRow | None:
        """The row of that cell, None where it has not been measured."""
        for row in self.rows:
            if row.layer == layer and row.width == Width(bits, activation_bits):
                return row
        return None

    def to_json(self) -> dict[str, Any]:
        """The fields of ``sensitivity --json``, and what ``from_json`` needs to restore this."""
        return {
            **self.network.to_json(),
            "data": {**self.data.to_json(), "fingerprint": self.data_fingerprint},
            "config": self.config.to_json(),
            "quantizer": self.quantizer,
            "rows": [asdict(row) for row in (*self.rows, *self.kernel_rows)],
            "timing": {"seconds": self.seconds, "one_forward_seconds": self.one_forward_seconds},
            "projections": None if self.projections is None else self.projections.to_json(),
        }

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> SensitivityTable:
        """The inverse of ``to_json``. Raises BadInput where a field is missing or wrong."""
        try:
            table = _read(data)
            _check(table)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            reason = f"field {error} is missing" if isinstance(error, KeyError) else error
            raise BadInput(
                f"this is not a sensitivity table ({reason}); "
                "write one with: python -m qcore sensitivity MODEL DATA --json FILE"
            ) from error
        return table


def _read(data: Mapping[str, Any]) -> SensitivityTable:
    facts, timing = fields.table(data, "data"), fields.table(data, "timing")
    config = SensitivityConfig.from_json(fields.table(data, "config"))
    rows = tuple(row_from_json(row, config) for row in data["rows"])
    projections = data.get("projections")
    return SensitivityTable(
        network=Description.from_json(data),
        data=DataSource.from_json(facts),
        data_fingerprint=fields.text(facts, "fingerprint"),
        config=config,
        rows=tuple(row for row in rows if row.kernel is None),
        seconds=fields.number(timing, "seconds"),
        one_forward_seconds=fields.number_or_none(timing, "one_forward_seconds"),
        kernel_rows=tuple(row for row in rows if row.kernel is not None),
        projections=None if projections is None else Projections.from_json(projections),
    )


def _check(table: SensitivityTable) -> None:
    """ValueError unless every row is another cell of layers and widths."""
    kernels = {layer.name: layer.kernels for layer in table.network.layers}
    widths = set(table.config.widths)
    seen: set[tuple[str, int | None, Width]] = set()
    for row in (*table.rows, *table.kernel_rows):
        cell = f"layer {row.layer!r} at {row.bits} bits"
        if row.layer not in kernels:
            raise ValueError(f"a row is of unknown layer {row.layer!r}")
        if row.kernel is not None and not 0 <= row.kernel < kernels[row.layer]:
            raise ValueError(f"{cell} has a row of kernel {row.kernel}, which it lacks")
        if row.width not in widths:
            raise ValueError(f"{cell} has a row, but these bits are not in the configuration")
        if row.target != table.config.target:
            raise ValueError(f"{cell} is of target {row.target!r}, not {table.config.target!r}")
        if (row.layer, row.kernel, row.width) in seen:
            raise ValueError(f"{cell} has two rows")
        seen.add((row.layer, row.kernel, row.width))
    known = table.projections
    if known is not None and (known.layers, known.bits) != (tuple(kernels), table.config.bits):
        raise ValueError("the projections are of other layers or bit widths")
