"""The rows of a table as an array of layers by widths. Free of torch."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from qcore.errors import BadInput
from qcore.sensitivity.row import SensitivityRow
from qcore.sensitivity.table import SensitivityTable


def cells(table: SensitivityTable) -> list[list[SensitivityRow]]:
    """The row of each layer, in order, at each of ``table.config.widths``.

    Raises BadInput where one is missing.
    """
    if not table.covered:
        raise BadInput(
            f"the sensitivity table has {len(table.rows)} of {table.cells} cells; let the run "
            "go on until every layer has a value at every bit width"
        )
    rows = {(row.layer, row.width): row for row in table.rows}
    widths = table.config.widths
    return [[rows[layer.name, width] for width in widths] for layer in table.network.layers]


def delta_losses(table: SensitivityTable) -> NDArray[np.float64]:
    """(layers, widths): ΔL. Two layers at 4 and 8 bits: shape (2, 2).

    Raises BadInput where one is missing.
    """
    return np.array([[row.delta_loss for row in line] for line in cells(table)])
