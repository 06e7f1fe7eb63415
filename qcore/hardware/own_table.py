"""Hardware that is known by a table of figures alone: what somebody measured or simulated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from qcore.graph.layer import Layer
from qcore.hardware.model import Cost, FloatArray, Hardware
from qcore.hardware.pair import BitPair, in_order
from qcore.hardware.refusal import listed


@dataclass(frozen=True)
class LayerShape:
    """Layers that take equally long: one operator, weights and output of one image alike.

    ``output_shape`` is without leading ones, so that it does not matter whether the batch is there.
    """

    op: str
    weight_shape: tuple[int, ...]
    output_shape: tuple[int, ...]
    groups: int

    @staticmethod
    def of(layer: Layer) -> LayerShape:
        return LayerShape(
            layer.op, layer.weight_shape, without_ones(layer.output_shape), layer.groups
        )

    def __str__(self) -> str:
        """Example: conv2d 32x16x3x3 to 32x8x8."""
        weight, output = (
            "x".join(map(str, shape)) for shape in (self.weight_shape, self.output_shape)
        )
        return f"{self.op} {weight} to {output}" + (f", {self.groups} groups" * (self.groups > 1))


@dataclass(frozen=True)
class TableEntry:
    """What one layer, by its name or its shape, takes at a pair; None is not known.

    Both figures are of a whole batch, in milliseconds and millijoules.
    """

    layer: str | LayerShape
    pair: BitPair
    latency_ms: float | None
    energy_mj: float | None


@dataclass(frozen=True)
class OwnTable:
    """Figures for ``batch`` images; no two entries are of the same layer and pair."""

    entries: tuple[TableEntry, ...]
    batch: int = 1

    @property
    def has_latency(self) -> bool:
        return any(entry.latency_ms is not None for entry in self.entries)

    @property
    def has_energy(self) -> bool:
        return any(entry.energy_mj is not None for entry in self.entries)


def own_table_hardware(name: str, title: str, table: OwnTable) -> Hardware:
    """The machine that has these figures and no others; nothing is interpolated.

    It takes the pairs that occur in the table. A layer that has no figure at a pair is NaN there.
    """
    pairs = {entry.pair for entry in table.entries}
    figures = {(entry.layer, entry.pair): entry for entry in table.entries}
    return Hardware(
        name=name,
        title=title,
        provenance=_provenance(table),
        leaves_out=_LEAVES_OUT,
        weight_bits=in_order(pair.weight_bits for pair in pairs),
        activation_bits=in_order(pair.activation_bits for pair in pairs),
        batch=table.batch,
        cost=partial(layer_cost, table, figures),
        has_latency=table.has_latency,
        has_energy=table.has_energy,
        fixed_batch=True,
        runs_as=lambda pair: pair if pair in pairs else None,
    )


def layer_cost(
    table: OwnTable,
    figures: Mapping[tuple[str | LayerShape, BitPair], TableEntry],
    layer: Layer,
    pairs: Sequence[BitPair],
    batch: int,
) -> Cost:
    """(options,) of a layer for the table's own batch: by its name, else by its shape, else NaN.

    Example: a table of "conv1" at 8/8 bits alone gives [1.5, nan] ms at 8/8 and 4/4 bits.
    """
    shape = LayerShape.of(layer)
    found = [figures.get((layer.name, pair)) or figures.get((shape, pair)) for pair in pairs]
    latency = _array([None if entry is None else entry.latency_ms for entry in found])
    energy = _array([None if entry is None else entry.energy_mj for entry in found])
    return Cost(latency if table.has_latency else None, energy if table.has_energy else None)


def without_ones(shape: tuple[int, ...]) -> tuple[int, ...]:
    """A shape without leading ones. Example: (1, 32, 8, 8): (32, 8, 8)."""
    first = next((i for i, size in enumerate(shape) if size != 1), len(shape))
    return shape[first:]


def _array(values: Sequence[float | None]) -> FloatArray:
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)


def _provenance(table: OwnTable) -> str:
    layers = {entry.layer for entry in table.entries}
    by = "layers" if any(isinstance(layer, str) for layer in layers) else "layer shapes"
    known = [
        what for what, has in (("latency", table.has_latency), ("energy", table.has_energy)) if has
    ]
    weights = listed(in_order(entry.pair.weight_bits for entry in table.entries), "and")
    inputs = listed(in_order(entry.pair.activation_bits for entry in table.entries), "and")
    return (
        f"A table that was brought: {' and '.join(known)} of {len(layers):,} {by}, "
        f"{len(table.entries):,} lines, for a batch of {table.batch:,}; weights of {weights}, "
        f"inputs of {inputs}. The figures stand as they were given, and nothing is interpolated: a "
        "layer and widths that the table lacks do not run."
    )


_LEAVES_OUT = (
    "whatever the table's figures do not hold",
    "changing bits between layers, unless the figures hold it",
    "what names or shapes of layers do not say: a layer of the same name in another network, or of "
    "the same shape at another stride or used more often, gets the same figure",
    "layers and widths that the table has no line for: they are marked, never estimated",
)
