"""Intervals, rows from pieces, and the table as a file."""

from __future__ import annotations

import copy
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from small_nets import as_network, random_data, small_residual

from qcore.allocate.budget import table_problem
from qcore.errors import BadInput
from qcore.quantize.limits import WEIGHT_QUANTIZER
from qcore.sensitivity.exact import measure_exact
from qcore.sensitivity.interval import Moments, student_quantile
from qcore.sensitivity.table import (
    Piece,
    SensitivityConfig,
    SensitivityTable,
    rows_from_pieces,
)


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
        Piece("b", 4, 1, 3, 6.0, 14.0),
        Piece("a", 4, 0, 2, 1.0, 0.5),
        Piece("b", 4, 0, 1, 4.0, 16.0),
        Piece("b", 2, 0, 2, -1.0, 5.0),
    ]
    rows = rows_from_pieces(pieces, ["a", "b"], [2, 4])
    assert [(r.layer, r.bits, r.samples, r.delta_loss) for r in rows] == [
        ("a", 4, 2, 0.5),
        ("b", 2, 2, -0.5),
        ("b", 4, 4, 2.5),  # values 1, 2, 3 and 4
    ]
    assert rows[2].ci_high - rows[2].delta_loss == pytest.approx(
        stats.t.ppf(0.975, 3) * stats.sem([1, 2, 3, 4])
    )


@pytest.fixture(scope="module")
def table() -> SensitivityTable:
    network, data = as_network(small_residual()), random_data(10)
    config = SensitivityConfig((2, 4), "kl", 10, seed=3)
    run = measure_exact(network, data, config)
    names = [layer.name for layer in network.description.layers]
    return SensitivityTable(
        network.description,
        data.name,
        data.fingerprint(),
        config,
        WEIGHT_QUANTIZER,
        rows_from_pieces(run.pieces, names, config.bits),
        1.5,
        run.one_forward_seconds,
    )


def test_table_survives_a_file(table: SensitivityTable) -> None:
    text = json.dumps(table.to_json(), allow_nan=False)
    assert SensitivityTable.from_json(json.loads(text)) == table
    assert table.complete
    assert table.covered
    assert table.row("first", 4).bits == 4
    assert table.row("first", 3) is None


def paths(value: Any, prefix: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a JSON value; of a list, its first entry."""
    found = [prefix] if prefix else []
    entries = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value[:1])
        if isinstance(value, list)
        else ()
    )
    return found + [p for k, v in entries for p in paths(v, (*prefix, k))]


WRONG = {
    "removed": ...,
    "null": None,
    "a word": "x",
    "a list": [],
    "an object": {},
    "NaN": float("nan"),
    "-1": -1,
}


@pytest.mark.parametrize("wrong", list(WRONG))
def test_no_broken_file_does_worse_than_a_message(table: SensitivityTable, wrong: str) -> None:
    """Whatever is wrong with one field, the table is refused or usable, and never half read."""
    good = json.loads(json.dumps(table.to_json()))
    messages = []
    for path in paths(good):
        bad = copy.deepcopy(good)
        *above, last = path
        place = bad
        for step in above:
            place = place[step]
        if wrong == "removed":
            del place[last]
        else:
            place[last] = WRONG[wrong]
        try:
            problem = table_problem(SensitivityTable.from_json(bad))
            assert problem.problem.loss.shape == (4, 2)
        except BadInput as error:
            messages.append(str(error))
    assert len(messages) >= 10
    assert all(len(message.splitlines()) == 1 for message in messages)


def broken(table: SensitivityTable, change: str) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(json.dumps(table.to_json()))
    rows, bits = data["rows"], data["config"]["bits"]
    if change == "a row twice":
        rows[1] = rows[0]
    elif change == "bits not asked for":
        rows[0]["bits"] = 7
    elif change == "unknown layer":
        rows[0]["layer"] = "nowhere"
    elif change == "infinite":
        rows[0]["delta_loss"] = float("inf")
    elif change == "no bits":
        bits.clear()
        rows.clear()
    elif change == "1 bit":
        bits[0] = 1
        for row in rows:
            row["bits"] = max(1, row["bits"] - 1) if row["bits"] == 2 else row["bits"]
    elif change == "two layers of a name":
        data["layers"][1]["name"] = data["layers"][0]["name"]
    elif change == "no layers":
        data["layers"].clear()
        rows.clear()
    return data


@pytest.mark.parametrize(
    "change",
    [
        "a row twice",
        "bits not asked for",
        "unknown layer",
        "infinite",
        "no bits",
        "1 bit",
        "two layers of a name",
        "no layers",
    ],
)
def test_table_that_contradicts_itself_is_refused(table: SensitivityTable, change: str) -> None:
    with pytest.raises(BadInput):
        SensitivityTable.from_json(broken(table, change))


def test_table_with_a_missing_cell_cannot_be_allocated(table: SensitivityTable) -> None:
    data = table.to_json()
    data["rows"] = data["rows"][:-1]
    part = SensitivityTable.from_json(data)
    assert not part.covered
    with pytest.raises(BadInput, match="7 of 8 cells"):
        table_problem(part)
