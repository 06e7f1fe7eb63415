"""Layers in the order of what they lose at one bit width. Free of torch."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from qcore.errors import BadInput
from qcore.graph.layer import Layer
from qcore.hardware.size import layer_bytes
from qcore.sensitivity.row import SensitivityRow
from qcore.sensitivity.table import SensitivityTable

Criterion = Literal["loss", "step"]

CRITERIA: dict[Criterion, str] = {
    "loss": "with this layer alone at this width",
    "step": "what the next lower width adds, for each kilobyte it saves",
}
"""What layers are ranked by."""
_BYTES = 1000


@dataclass(frozen=True)
class Ranked:
    """A layer's value, and its 95 % interval (None where there are too few samples).

    The unit is that of ΔL; of criterion ``step`` it is ΔL per kB of weights.
    """

    layer: str
    value: float
    low: float | None
    high: float | None


def widths_to_rank(table: SensitivityTable, criterion: Criterion) -> tuple[int, ...]:
    """The widths a ranking can be asked for: all, or all but the lowest.

    None for ``step`` where no weights are rounded: the width of inputs saves no bytes of weights.
    """
    if criterion == "loss":
        return tuple(sorted(table.config.bits))
    return () if table.config.target == "activation" else tuple(sorted(table.config.bits))[1:]


def width_in_view(widths: Sequence[int], wanted: int = 4) -> int | None:
    """The wanted width where it is there, else the nearest one (the lower of two); None of none."""
    return min(widths, key=lambda bits: (abs(bits - wanted), bits), default=None)


def ranking(
    table: SensitivityTable, bits: int, criterion: Criterion = "loss"
) -> tuple[Ranked, ...]:
    """Every layer that has been measured, the most sensitive first; ties in running order.

    ``loss``: ΔL at ``bits``. ``step``: (ΔL(lower) - ΔL(bits)) / (kB(bits) - kB(lower)) with the
    next lower width of the table; its interval joins the worst ends of both, so it is too wide
    rather than too narrow. Example: ΔL 0.01 at 4 and 0.05 at 3 bits of 80,000 weights, which are
    40 and 30 kB: 0.004 per kB. Of a table with several widths of inputs, rows of equal widths are
    ranked; ``at_inputs`` makes it one of one. BadInput for a width the table lacks (or has nothing
    below).
    """
    known = widths_to_rank(table, criterion)
    if bits not in known:
        raise BadInput(f"{bits} bits cannot be ranked; choose one of {known}")
    # Of pairs, those of one width: the others have no place in an order by one number.
    alone = len(table.config.activation_bits) == 1
    of = (row for row in table.rows if alone or row.activation_bits in (None, row.bits))
    rows = {(row.layer, row.bits): row for row in of}
    lower = max((b for b in table.config.bits if b < bits), default=None)
    found = (
        _loss(rows, layer, bits) if criterion == "loss" else _step(rows, layer, bits, lower)
        for layer in table.network.layers
    )
    return tuple(sorted((r for r in found if r is not None), key=lambda r: -r.value))


def keep_high(ranked: Sequence[Ranked], count: int = 5) -> tuple[Ranked, ...]:
    """The most sensitive layers, at most half of all."""
    first = sorted(ranked, key=lambda r: -r.value)
    return tuple(first[: min(count, len(ranked) // 2)])


def safe_to_crush(ranked: Sequence[Ranked], count: int = 5) -> tuple[Ranked, ...]:
    """The layers whose upper ends are smallest: harmless even where chance favoured them.

    At most half of all, and none that is to be kept high; one without an interval promises
    nothing and is left out.
    """
    high = {r.layer for r in keep_high(ranked, count)}
    rest = [r for r in ranked if r.high is not None and r.layer not in high]
    rest.sort(key=lambda r: math.inf if r.high is None else r.high)
    return tuple(rest[: min(count, len(ranked) // 2)])


def _loss(rows: Mapping[tuple[str, int], SensitivityRow], layer: Layer, bits: int) -> Ranked | None:
    row = rows.get((layer.name, bits))
    if row is None:
        return None
    return Ranked(layer.name, row.delta_loss, row.ci_low, row.ci_high)


def _step(
    rows: Mapping[tuple[str, int], SensitivityRow], layer: Layer, bits: int, lower: int | None
) -> Ranked | None:
    if lower is None:
        return None
    above, below = rows.get((layer.name, bits)), rows.get((layer.name, lower))
    saved = (layer_bytes(layer, bits)[0] - layer_bytes(layer, lower)[0]) / _BYTES
    if above is None or below is None or saved <= 0:
        return None
    return Ranked(
        layer.name,
        (below.delta_loss - above.delta_loss) / saved,
        _difference(below.ci_low, above.ci_high, saved),
        _difference(below.ci_high, above.ci_low, saved),
    )


def _difference(of: float | None, less: float | None, saved: float) -> float | None:
    return None if of is None or less is None else (of - less) / saved
