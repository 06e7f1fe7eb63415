"""Tables read from files that somebody has broken."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from qcore.allocate.budget import table_problem
from qcore.errors import BadInput
from qcore.sensitivity.table import SensitivityTable


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
