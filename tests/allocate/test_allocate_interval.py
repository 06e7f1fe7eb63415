"""How sure a summed prediction is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from qcore.allocate.interval import predicted_intervals
from qcore.data.source import DataSource
from qcore.graph.layer import Description, Layer
from qcore.sensitivity.config import SensitivityConfig
from qcore.sensitivity.projection.bootstrap import bootstrap_interval
from qcore.sensitivity.projection.projections import Projections
from qcore.sensitivity.row import SensitivityRow
from qcore.sensitivity.table import SensitivityTable

NAMES, BITS = ("one", "two"), (2, 4, 8)
LOSS = np.array([[0.9, 0.2, -0.01], [0.5, 0.1, 0.0]])
DEVIATION = np.array([[0.3, 0.02, 0.001], [0.4, 0.05, 0.002]])


def table(projections: Projections | None = None, known: bool = True) -> SensitivityTable:
    layers = tuple(
        Layer(name, "linear", name, None, (name,), (5, 4), 1, 5, 1, (1, 1), (1, 1))
        for name in NAMES
    )
    network = Description("by hand", "f" * 64, 40, (4,), 5, layers, {}, 0, 7, 0, None)
    half = 1.959964 * DEVIATION
    rows = tuple(
        SensitivityRow(
            name,
            bits,
            "weight",
            LOSS[i, o],
            LOSS[i, o] - half[i, o] if known else None,
            LOSS[i, o] + half[i, o] if known else None,
            50,
        )
        for i, name in enumerate(NAMES)
        for o, bits in enumerate(BITS)
    )
    config = SensitivityConfig(BITS, "kl", 50)
    return SensitivityTable(
        network, DataSource("d"), "0", config, rows, 1.0, 0.1, projections=projections
    )


def test_rows_that_err_together() -> None:
    found = predicted_intervals(table(), [(0, 0), (1, 2)])
    assert found is not None
    for (low, high), options in zip(found, [(0, 0), (1, 2)], strict=True):
        a, b = DEVIATION[[0, 1], options]
        # The variance of a sum of two, correlated by 0.35.
        deviation = (a**2 + b**2 + 2 * 0.35 * a * b) ** 0.5
        assert (low + high) / 2 == pytest.approx(LOSS[[0, 1], options].sum())
        assert (high - low) / 2 == pytest.approx(1.96 * deviation, rel=0.15)


def test_images_are_drawn_for_the_sum_and_move_with_cells_measured_exactly() -> None:
    weights = np.random.default_rng(0).normal(size=(2, 40, 2, 3)).astype(np.float32)
    known = Projections(BITS, NAMES, weights)
    found = predicted_intervals(table(known), [(0, 1)])
    assert found is not None
    values = known.per_sample("weight")
    each = values[:, 0, 0] + values[:, 1, 1]
    low, high = bootstrap_interval(each[:, None])
    moved = LOSS[0, 0] + LOSS[1, 1] - each.mean()
    assert found[0] == pytest.approx([low[0] + moved, high[0] + moved])


def test_none_without_intervals() -> None:
    assert predicted_intervals(table(known=False), [(0, 0)]) is None
    one = replace(table(), rows=(replace(table().rows[0], ci_low=None), *table().rows[1:]))
    assert predicted_intervals(one, [(0, 0)]) is None
