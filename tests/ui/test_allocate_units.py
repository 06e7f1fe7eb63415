"""Budgets as they are dialled: nothing is rounded to where it would not be met."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qcore.allocate.budget import TableProblem
from qcore.allocate.problem import AllocationProblem
from qcore.graph.layer import Description
from qcore.sensitivity.config import Width
from ui.allocation.units import amount, bare, dial_unit, own, shown, shown_up, title

NAMES = ("size_bytes", "average_bits", "size_ratio", "bops", "latency_ms", "energy_mj")
NETWORK = Description("by hand", "f" * 64, 40, (4,), 5, (), {}, 0, 7, 0, None)


def problem(name: str, low: float, high: float, offset: float = 0.0) -> TableProblem:
    free = AllocationProblem([[1.0, 0.0]], {name: [[low, high]], "loss": [[1.0, 0.0]]}, {})
    return TableProblem(free, NETWORK, (Width(2), Width(8)), {name: offset, "loss": 0.0})


@given(
    st.sampled_from(NAMES),
    st.floats(1e-6, 1e13),
    st.floats(1.001, 1e4),
    st.floats(0, 1),
)
def test_a_place_on_the_dial_is_enough_and_no_step_too_much(
    name: str, low: float, factor: float, part: float
) -> None:
    unit = dial_unit(problem(name, low, low * factor), name)
    value = low + part * (low * factor - low)
    place = shown_up(value, unit)
    assert own(place, unit) >= value * (1 - 1e-9) - 1e-5 * unit.step * unit.per_unit
    assert own(place, unit) <= value + 1.001 * unit.step * unit.per_unit
    assert unit.low <= place <= unit.high
    assert shown(own(place, unit), unit) == pytest.approx(place, rel=1e-11)
    assert (unit.high - unit.low) / unit.step >= 999
    assert float(f"{place:.{unit.decimals}f}") == pytest.approx(place, rel=1e-11)


def test_units_as_documented() -> None:
    unit = dial_unit(problem("size_bytes", 20_000, 80_000, offset=3000), "size_bytes")
    assert (unit.suffix, unit.per_unit, unit.low, unit.high) == ("kB", 1000, 23.0, 83.0)
    assert (unit.step, unit.decimals) == (0.05, 2)
    assert own(45.3, unit) == 45_300
    assert amount("bops", 8.18e8) == "818.0 MBOPs"
    assert amount("average_bits", 3.9826) == "3.983 bits"
    assert [amount("size_bytes", value) for value in (0, 999, 2_482_000)] == [
        "0 B",
        "999 B",
        "2.482 MB",
    ]
    assert dial_unit(problem("average_bits", 2, 16), "average_bits").decimals == 3
    assert bare("size_bytes", 45_350.0) == "45.35 kB"
    assert bare("average_bits", 4.0) == "4 bits"
    assert title("latency_ms") == "Latency"


def test_one_configuration_has_a_dial_of_no_length() -> None:
    unit = dial_unit(problem("average_bits", 4, 4), "average_bits")
    assert unit.low == unit.high == 4
