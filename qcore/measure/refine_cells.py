"""Which cells of an estimated table are worth an exact look, and what that takes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from qcore.allocate.decisive import Bands, most_useful, worth_measuring
from qcore.allocate.problem import FloatArray
from qcore.graph.layer import Description, Layer
from qcore.sensitivity.row import SensitivityRow

SETTING_UP = 4.5
"""Passes that any exact cells take together: to set up kernels, for the reference, to come to the
layers, and one and a half for what the count of a cell leaves out (measured on two cores)."""

# How many multiply-accumulates take as long as moving one value. Depthwise layers move as many
# values as others for a tenth of the work: by multiply-accumulates alone, what comes after the
# large images at the beginning would look dearer than it is. On EfficientNet-Lite0 (two cores) a
# cell by this takes at most 0.03 of a pass more than counted, and on average 0.03 less.
_MACS_PER_VALUE = 32
_LEAST = 0.01  # rounding the weights and comparing the outputs take their time too


@dataclass(frozen=True)
class RefineChoice:
    """Cells (layer, bits) to measure exactly, the most useful first, and the passes that takes.

    ``passes_of``: layer -> the passes of one of its cells.
    """

    cells: tuple[tuple[str, int], ...]
    passes_of: Mapping[str, float]

    @property
    def passes(self) -> float:
        """Of all cells, with setting up; 0 where there are none."""
        each = math.fsum(self.passes_of[layer] for layer, _ in self.cells)
        return SETTING_UP + each if self.cells else 0.0


def choose_cells(
    network: Description, rows: Sequence[SensitivityRow], passes: float
) -> RefineChoice:
    """As many cells as ``passes`` forward passes pay for; none where nothing is decisive.

    ``rows`` are a whole table of weights, whatever their order. What a cell takes is counted, not
    timed, so that equal questions choose equal cells.
    """
    layers = network.layers
    bits = sorted({row.bits for row in rows})
    cost = np.array([[layer.weight_count * b for b in bits] for layer in layers], dtype=float)
    bands = _bands(network, bits, rows)
    each = _passes_per_cell(layers)
    found = most_useful(worth_measuring(bands, cost), each, passes - SETTING_UP)
    return RefineChoice(
        tuple((layers[place].name, bits[option]) for place, option in found),
        {layer.name: float(p) for layer, p in zip(layers, each, strict=True)},
    )


def _bands(network: Description, bits: list[int], rows: Sequence[SensitivityRow]) -> Bands:
    at = {(row.layer, row.bits): row for row in rows}
    table = [[at[layer.name, b] for b in bits] for layer in network.layers]
    loss = np.array([[row.delta_loss for row in line] for line in table])
    # A single image gives no interval: the loss may be nothing, or twice as much.
    low = [[_or(row.ci_low, row.delta_loss, -1) for row in line] for line in table]
    high = [[_or(row.ci_high, row.delta_loss, 1) for row in line] for line in table]
    return Bands(loss, np.array(low), np.array(high))


def _or(end: float | None, loss: float, side: int) -> float:
    return loss + side * abs(loss) if end is None else end


def _passes_per_cell(layers: Sequence[Layer]) -> FloatArray:
    """(layers,): the part of a forward pass from each layer to the end, 0.01 to 1.

    Example: of two layers that take the same, the first costs 1 and the second 0.5.
    """
    work = np.array([_work(layer) for layer in layers])
    after = work[::-1].cumsum()[::-1]  # layers are in running order
    found: FloatArray = (after / after[0]).clip(_LEAST, 1.0)
    return found


def _work(layer: Layer) -> float:
    values = math.prod(layer.input_shape) + math.prod(layer.output_shape)
    return float(layer.macs + _MACS_PER_VALUE * values)
