"""Intervals, rows from pieces, and the table as a file."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from qcore.sensitivity.config import SensitivityConfig
from qcore.sensitivity.interval import Moments, student_quantile
from qcore.sensitivity.pieces import Piece, rows_from_pieces
from qcore.sensitivity.table import SensitivityTable


def moments(values: np.ndarray) -> Moments:
    return Moments().plus(len(values), float(values.sum()), float((values**2).sum()))


@pytest.mark.parametrize("degrees", [1, 2, 9, 63, 999])
def test_student_quantile(degrees: int) -> None:
    assert student_quantile(degrees) == pytest.approx(stats.t.ppf(0.975, degrees))


def test_interval_known_answer() -> None:
    assert moments(np.array([1.0, 2.0, 3.0])).interval() == pytest.approx(
        (2 - 2.484, 2 + 2.484), abs=1e-3
    )
    assert moments(np.array([1.0])).interval() is None
    assert moments(np.array([0.5, 0.5])).interval() == (0.5, 0.5)


@given(st.lists(st.floats(-100, 100), min_size=2, max_size=40), st.integers(1, 39))
def test_interval_equals_scipy_in_any_chunks(values: list[float], cut: int) -> None:
    array = np.array(values)
    one, two = array[: cut % len(array)], array[cut % len(array) :]
    joined = moments(one).plus(len(two), float(two.sum()), float((two**2).sum()))
    low, high = joined.interval()
    half = stats.t.ppf(0.975, len(array) - 1) * stats.sem(array)
    assert (low + high) / 2 == pytest.approx(array.mean(), abs=1e-6)
    # A variance from sums loses digits where the mean is large against it.
    assert (high - low) / 2 == pytest.approx(half, rel=1e-6, abs=1e-4)


def test_interval_covers_the_truth_in_95_of_100_cases() -> None:
    random = np.random.default_rng(0)
    trials, hits = 4000, 0
    for _ in range(trials):
        low, high = moments(random.normal(0.3, 2.0, size=12)).interval()
        hits += low <= 0.3 <= high
    # 0.95 plus or minus four standard errors
    assert abs(hits / trials - 0.95) < 4 * np.sqrt(0.95 * 0.05 / trials)


def test_pieces_sum_to_rows_in_the_order_asked_for() -> None:
    pieces = [
        Piece("b", 4, None, 1, 3, 6.0, 14.0),
        Piece("a", 4, None, 0, 2, 1.0, 0.5),
        Piece("b", 4, None, 0, 1, 4.0, 16.0),
        Piece("b", 2, None, 0, 2, -1.0, 5.0),
    ]
    rows = rows_from_pieces(pieces, ["a", "b"], SensitivityConfig((2, 4), "kl", 4))
    assert [(r.layer, r.bits, r.samples, r.delta_loss) for r in rows] == [
        ("a", 4, 2, 0.5),
        ("b", 2, 2, -0.5),
        ("b", 4, 4, 2.5),  # values 1, 2, 3 and 4
    ]
    assert rows[2].ci_high - rows[2].delta_loss == pytest.approx(
        stats.t.ppf(0.975, 3) * stats.sem([1, 2, 3, 4])
    )


def test_table_survives_a_file(table: SensitivityTable) -> None:
    text = json.dumps(table.to_json(), allow_nan=False)
    assert SensitivityTable.from_json(json.loads(text)) == table
    assert table.complete
    assert table.covered
    assert table.row("first", 4).bits == 4
    assert table.row("first", 3) is None
