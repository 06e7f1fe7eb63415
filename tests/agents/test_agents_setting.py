"""A search's configurations read as the dial's do."""

from __future__ import annotations

import numpy as np
import pytest
from small_tasks import conv

from qcore.agents.setting import search_setting
from qcore.allocate.budget import table_problem
from qcore.allocate.kernels import kernel_problem
from qcore.allocate.problem import evaluate
from qcore.data.source import DataSource
from qcore.errors import BadInput
from qcore.graph.layer import Description
from qcore.sensitivity.config import SensitivityConfig, Width
from qcore.sensitivity.row import SensitivityRow
from qcore.sensitivity.table import SensitivityTable

LAYERS = (conv("a", c_out=3), conv("b", c_out=2))
NETWORK = Description(
    "by hand", "0", 0, (32, 14, 14), ((5,),), LAYERS, {}, 0, 7, 0, None
)  # fmt: skip


def table(**config: object) -> SensitivityTable:
    asked = SensitivityConfig((2, 8), "kl", 4, **config)  # type: ignore[arg-type]
    rows = tuple(
        SensitivityRow(one.name, w.bits, asked.target, 1 / w.bits, None, None, 4,
                       activation_bits=w.activation_bits)
        for one in LAYERS
        for w in asked.widths
    )  # fmt: skip
    return SensitivityTable(NETWORK, DataSource("d"), "f", asked, rows, 1.0, None)


def test_by_layer() -> None:
    made = table(target="both", activation_bits=(4, 8))
    setting = search_setting(made, {"average_bits": 6.0}, pins={"a": Width(8, 4)})
    dial = table_problem(made, {"average_bits": 6.0}, {"a": Width(8, 4)})
    choice = (setting.task.options.index(Width(8, 4)), setting.task.options.index(Width(2, 8)))
    assert setting.bits(choice) == dial.choose(choice) == {"a": 8, "b": 2}
    assert setting.inputs(choice) == dial.inputs(choice) == {"a": 4, "b": 8}
    assert setting.costs(choice) == dial.costs(evaluate(dial.problem, choice))
    assert setting.costs(choice)["average_bits"] == pytest.approx((3 * 8 + 2 * 2) / 5)
    assert setting.task.free.tolist() == [False, True]


def test_by_kernel() -> None:
    made, estimates = table(), np.ones((5, 2))
    setting = search_setting(made, {"average_bits": 4.0}, estimates=estimates)
    dial = kernel_problem(table_problem(made, {"average_bits": 4.0}), estimates)
    assert setting.bits((0, 1, 1, 1, 1)) == {"a": (2, 8, 8), "b": 8}
    assert setting.inputs((0,) * 5) == {"a": None, "b": None}
    found = setting.costs((0, 1, 1, 1, 1))
    assert found == dial.costs(evaluate(dial.problem, (0, 1, 1, 1, 1)))
    assert found["average_bits"] == pytest.approx((2 + 4 * 8) / 5)
    assert setting.task.layer_of_row.tolist() == [0, 0, 0, 1, 1]


def test_a_budget_that_decides_nothing() -> None:
    with pytest.raises(BadInput, match="above the largest"):
        search_setting(table(), {"average_bits": 9.0})
