"""The peaks of a roofline as a table that can be edited."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pandas as pd

from qcore.errors import BadInput
from qcore.hardware.own_table_cells import FULL_PRECISION
from qcore.hardware.roofline import Peak
from qcore.quantize.limits import MAX_BITS

WIDTHS = [FULL_PRECISION, *(str(bits) for bits in range(MAX_BITS, 0, -1))]
"""What a width may be."""

COLUMNS = {
    "weight_bits": "weight bits",
    "activation_bits": "input bits",
    "giga_ops_per_s": "giga-operations a second",
}
"""The fields of a peak, as the file calls them, and their titles."""


def frame_of(peaks: Sequence[Peak]) -> pd.DataFrame:
    """A line for each."""
    rows = [
        (_width_text(peak.weight_bits), _width_text(peak.activation_bits), peak.giga_ops_per_s)
        for peak in peaks
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def peaks_of(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The lines of the table as the file has them, without empty ones. Raises BadInput for a line
    with an empty cell. Example: fp32, 8, 100: None, 8, 100."""
    peaks = []
    for number, row in enumerate(frame[list(COLUMNS)].itertuples(index=False), start=1):
        cells = dict(zip(COLUMNS, row, strict=True))
        empty = [name for name, cell in cells.items() if _is_empty(cell)]
        if len(empty) == len(cells):
            continue
        if empty:
            raise BadInput(f"peak {number} lacks its {COLUMNS[empty[0]]}; fill in the cell")
        peaks.append(
            {
                "weight_bits": _width(cells["weight_bits"]),
                "activation_bits": _width(cells["activation_bits"]),
                "giga_ops_per_s": float(cells["giga_ops_per_s"]),
            }
        )
    if not peaks:
        raise BadInput("peak 1 is missing; fill in a line of the table")
    return peaks


def _is_empty(cell: Any) -> bool:
    return cell is None or cell == "" or (isinstance(cell, float) and math.isnan(cell))


def _width_text(bits: int | None) -> str:
    return FULL_PRECISION if bits is None else str(bits)


def _width(text: str) -> int | None:
    return None if text == FULL_PRECISION else int(text)
