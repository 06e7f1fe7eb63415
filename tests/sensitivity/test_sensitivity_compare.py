"""Rank correlation of two tables, against SciPy."""

from __future__ import annotations

import math
import warnings
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some
from scipy.stats import spearmanr

from qcore.data.source import DataSource
from qcore.graph.layer import Description, Layer
from qcore.sensitivity.compare import agreement, agreement_by_bits, common_cells, spearman
from qcore.sensitivity.config import SensitivityConfig
from qcore.sensitivity.row import SensitivityRow
from qcore.sensitivity.table import SensitivityTable

NAMES = ("a", "b", "c", "d")


def table(cells: dict[tuple[str, int], float], target: str = "weight") -> SensitivityTable:
    shape = (2, 3, 3, 3)
    layers = tuple(
        Layer(n, "conv2d", n, None, (n,), shape, 2, 54, 100, (1, 3, 8, 8), (1, 2, 6, 6))
        for n in NAMES
    )
    network = Description("net", "0" * 64, 99, (3, 8, 8), ((5,),), layers, {}, 0, 0, 0, None)
    inputs = {"both": lambda bits: bits}.get(target, lambda bits: None)
    rows = tuple(
        SensitivityRow(n, b, target, value, value, value, 9, activation_bits=inputs(b))
        for (n, b), value in cells.items()
    )
    config = SensitivityConfig((2, 4, 8), "kl", 9, target=target)  # type: ignore[arg-type]
    return SensitivityTable(network, DataSource("d"), "0", config, rows, 1.0, None)


values = some.lists(
    some.tuples(some.integers(-3, 3).map(float), some.floats(-1e3, 1e3)), min_size=3, max_size=40
)


@given(values)
def test_spearman_is_scipy_s_with_ties(pairs: list[tuple[float, float]]) -> None:
    first, second = zip(*pairs, strict=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of constant input, which has no correlation
        expected = float(spearmanr(first, second).statistic)
    found = spearman(first, second)
    if math.isnan(expected):
        assert found is None
    else:
        assert found == pytest.approx(expected, abs=1e-12)


def test_spearman_of_an_example_by_hand() -> None:
    assert spearman((1, 2, 3, 4), (1, 3, 2, 4)) == pytest.approx(0.8)
    assert spearman((1, 2, 3), (-10, -20, -1e9)) == pytest.approx(-1)
    assert spearman((1, 2), (1, 2)) is None
    assert spearman((1, 1, 1), (1, 2, 3)) is None


def test_only_cells_that_both_have_are_compared() -> None:
    first = table({("a", 2): 1.0, ("b", 2): 2.0, ("b", 4): 3.0, ("c", 8): 4.0})
    second = table({("c", 8): 40.0, ("b", 4): 30.0, ("d", 2): 9.0, ("a", 4): 8.0})
    found = common_cells(first, second)
    assert [(c.layer, c.bits) for c in found] == [("b", 4), ("c", 8)]
    assert [(c.first.delta_loss, c.second.delta_loss) for c in found] == [(3.0, 30.0), (4.0, 40.0)]


def test_other_targets_meet_at_equal_widths_only() -> None:
    weights, both = table({("a", 2): 1.0, ("a", 4): 2.0}), table({("a", 4): 5.0}, "both")
    (only,) = common_cells(weights, both)
    assert (only.bits, only.second.activation_bits) == (4, 4)
    (row,) = both.rows
    unequal = replace(both, rows=(replace(row, activation_bits=8),))
    assert common_cells(weights, unequal) == ()
    assert len(common_cells(unequal, unequal)) == 1


def test_agreement_overall_and_by_bits() -> None:
    generator = np.random.default_rng(0)
    cells = [(n, b) for n in NAMES for b in (2, 4, 8)]
    one, other = generator.normal(size=(2, len(cells)))
    found = common_cells(
        table(dict(zip(cells, one, strict=True))), table(dict(zip(cells, other, strict=True)))
    )
    whole = agreement(found)
    assert whole.cells == 12
    assert whole.spearman == pytest.approx(spearmanr(one, other).statistic)
    by_bits = agreement_by_bits(found)
    assert list(by_bits) == [2, 4, 8]
    for place, bits in enumerate((2, 4, 8)):
        assert by_bits[bits].cells == 4
        expected = spearmanr(one[place::3], other[place::3]).statistic
        assert by_bits[bits].spearman == pytest.approx(expected)


def test_nothing_in_common_has_no_correlation() -> None:
    assert agreement(()).spearman is None
    assert agreement_by_bits(()) == {}
