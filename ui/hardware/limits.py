"""How much predicted loss policies may have: that of a configuration that a person knows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from qcore.hardware import BitPair
from qcore.sensitivity.config import Width
from qcore.sensitivity.table import SensitivityTable
from qcore.sensitivity.table_arrays import delta_losses

ABOVE = "the bits chosen above"


@dataclass(frozen=True)
class Limit:
    """The predicted loss of the configuration of that name."""

    name: str
    loss: float


def limits(table: SensitivityTable, pairs: Sequence[BitPair]) -> list[Limit]:
    """Every uniform width of the table, and the configuration in view where the table has its
    widths. Example: a table of 4 and 8 bits: uniform 4 bits, uniform 8 bits."""
    losses, widths = delta_losses(table), table.config.widths
    found = [
        Limit(f"uniform {_text(width)} bits", float(losses[:, number].sum()))
        for number, width in enumerate(widths)
        if width.bits
    ]
    alone = table.config.target == "weight"
    asked = [Width(p.weight_bits or 0, None if alone else p.activation_bits) for p in pairs]
    if all(width in widths for width in asked) and len(set(asked)) > 1:
        columns = [widths.index(width) for width in asked]
        loss = losses[np.arange(len(columns)), columns].sum()
        found.append(Limit(ABOVE, float(loss)))
    return found


def _text(width: Width) -> str:
    same = width.activation_bits in (None, width.bits)
    return str(width.bits) if same else f"{width.bits}/{width.activation_bits}"
