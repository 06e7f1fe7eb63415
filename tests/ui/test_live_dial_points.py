"""The points of the dial where a solver runs out of time."""

from __future__ import annotations

from typing import Any

import pytest

from qcore.allocate import SolverTimeout
from qcore.allocate.budget import TableProblem
from qcore.allocate.problem import AllocationProblem
from qcore.graph.layer import Description
from qcore.sensitivity.config import Width
from ui.allocation import points
from ui.allocation.dialled import Dialled
from ui.allocation.fit import Fit
from ui.allocation.workbench import Bench

NETWORK = Description("by hand", "e" * 64, 40, (4,), 5, (), {}, 0, 7, 0, None)


def test_a_path_that_takes_too_long_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    losses = [[1.0, 0.0]]
    free = AllocationProblem(losses, {"size_bytes": [[10.0, 40.0]], "loss": losses}, {})
    costs = {"size_bytes": 0.0, "loss": 0.0}
    problem = TableProblem(free, NETWORK, (Width(2), Width(8)), costs)
    table: Any = None  # only intervals need it
    found = Bench("too slow", Fit(table, table, None, (), (), None), problem, problem)

    def slow(*_: object) -> None:
        raise SolverTimeout("no answer in time")

    monkeypatch.setattr(points, "live_path", slow)
    dialled = Dialled(pins=(("a", 8),))
    assert points.path_points(found, dialled) == ()
    marks = {mark.name: mark.points for mark in points.marks(found, dialled)}
    assert marks["without pins"] == ()
    assert [point.bits for point in marks["uniform"]] == [(2.0,), (8.0,)]
