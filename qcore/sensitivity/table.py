"""The sensitivity table: plain values, no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from qcore import fields
from qcore.data.source import DataSource
from qcore.errors import BadInput
from qcore.graph.layer import Description
from qcore.sensitivity.config import SensitivityConfig, Width
from qcore.sensitivity.kernel_shrinkage import KernelShrinkage
from qcore.sensitivity.projection.projections import Projections
from qcore.sensitivity.row import SensitivityRow, row_from_json
from qcore.sensitivity.tolerance import unsettled


@dataclass(frozen=True)
class SensitivityTable:
    """All rows of one run, and what they were measured on.

    ``rows`` are of layers, ``kernel_rows`` of single kernels where they were asked for, shrunk as
    ``kernel_shrinkage`` says. ``projections`` are those of a projected run, from which the loss of
    any configuration is predicted. ``refine_passes`` are the forward passes that its exact cells
    took, None where it has not been refined.
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
    kernel_shrinkage: KernelShrinkage | None = None
    refine_passes: float | None = None

    @property
    def quantizer(self) -> str:
        """How the target is rounded, in words."""
        return self.config.quantizer

    @property
    def cells(self) -> int:
        """How many cells a table with every row has."""
        return len(self.network.layers) * len(self.config.widths)

    @property
    def refined_cells(self) -> int:
        """How many cells of an estimate were measured exactly instead."""
        return sum(row.method != self.config.method for row in self.rows)

    @property
    def covered(self) -> bool:
        """True where every layer has some row at every width."""
        return len(self.rows) == self.cells

    @property
    def complete(self) -> bool:
        """True where every layer has a row at every width over all the images asked for, or with a
        tolerance over as many as it needs."""
        images, tolerance = self.config.images, self.config.tolerance
        if tolerance is not None:
            return self.covered and not unsettled(self.rows, images, tolerance)
        return self.covered and all(row.samples == images for row in self.rows)

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
        shrinkage = self.kernel_shrinkage
        return {
            **self.network.to_json(),
            "data": {**self.data.to_json(), "fingerprint": self.data_fingerprint},
            "config": self.config.to_json(),
            "quantizer": self.quantizer,
            "rows": [row.to_json() for row in (*self.rows, *self.kernel_rows)],
            "timing": {"seconds": self.seconds, "one_forward_seconds": self.one_forward_seconds},
            "projections": None if self.projections is None else self.projections.to_json(),
            "kernel_shrinkage": None if shrinkage is None else shrinkage.to_json(),
            "refined": None
            if self.refine_passes is None
            else {"cells": self.refined_cells, "passes": self.refine_passes},
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
    projections, shrinkage = data.get("projections"), data.get("kernel_shrinkage")
    refined = data.get("refined")  # an older table says nothing of it
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
        kernel_shrinkage=None if shrinkage is None else KernelShrinkage.from_json(shrinkage),
        refine_passes=None if refined is None else fields.number(refined, "passes"),
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
    if known is not None:
        _check_projections(known, table.config)
    shrinkage = table.kernel_shrinkage
    if shrinkage is not None and shrinkage.layers != tuple(kernels):
        raise ValueError("the shrinkage of kernels is of other layers")


def _check_projections(found: Projections, config: SensitivityConfig) -> None:
    """ValueError unless they are of the target."""
    parts = {"weight": found.weights, "activation": found.inputs}
    for name, part in parts.items():
        if (part is not None) != (config.target in (name, "both")):
            raise ValueError(f"the projections are not of the target {config.target!r}")
