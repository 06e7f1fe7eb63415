"""A budget, its unit, and the best allocation within it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import streamlit as st

from qcore.allocate import Allocation, solve_ilp, uniform_allocations
from qcore.allocate.budget import BUDGETS, TableProblem, table_problem, with_budget
from qcore.allocate.curve import CurvePoint, curve_point
from qcore.sensitivity.table import SensitivityTable


@dataclass(frozen=True)
class Unit:
    """How a budget is dialled: ``per_unit`` of the budget's own unit is one of the slider's."""

    budget: str
    per_unit: float
    step: float
    format: str


_UNITS = {
    "Size": Unit("size_bytes", 1000.0, 0.1, "%.1f kB"),
    "Average bits": Unit("average_bits", 1.0, 0.05, "%.2f bits"),
    "Weights vs 32 bit": Unit("size_ratio", 0.01, 0.1, "%.1f %%"),
}


@dataclass(frozen=True, eq=False)
class Choice:
    """The dialled budget (in the budget's own unit) and the best allocation within it."""

    problem: TableProblem
    budget: str
    value: float
    allocation: Allocation
    point: CurvePoint

    @property
    def bits(self) -> dict[str, int]:
        return self.point.bits


def dial(table: SensitivityTable) -> Choice:
    """The budget and its unit; returns the best allocation within it."""
    base = table_problem(table)
    with st.container(border=True), st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.segmented_control(
            "Budget", list(_UNITS), default="Size", required=True, key="unit", bind="query-params"
        )
        unit = _UNITS[name]
        value = _slider(name, unit, base)
    limit = value * unit.per_unit
    allocation = _solve(table_key(table), unit.budget, limit, base)
    return Choice(base, unit.budget, limit, allocation, curve_point(base, allocation))


def _slider(name: str, unit: Unit, base: TableProblem) -> float:
    low, high = (_up(v / unit.per_unit, unit.step) for v in base.limits(unit.budget))
    if high <= low:
        st.caption("Only one size is possible: the run measured one bit width. Measure more.")
        return low
    value: float = st.slider(
        f"{name} of at most",
        min_value=low,
        max_value=high,
        value=_middle(base, unit),
        step=unit.step,
        format=unit.format,
        key=f"budget_{unit.budget}",
        bind="query-params",
        help=f"Limits the {BUDGETS[unit.budget]}. Smallest: every layer at its fewest bits. "
        "Largest: every layer at its most.",
    )
    return value


@st.cache_data(max_entries=512, show_spinner=False)
def _solve(key: str, budget: str, value: float, _base: TableProblem) -> Allocation:
    return solve_ilp(with_budget(_base, budget, value).problem)


def table_key(table: SensitivityTable) -> str:
    """Changes whenever the table's numbers do."""
    return f"{table.network.fingerprint}|{hash(table.rows)}"


def _up(value: float, step: float) -> float:
    return round(math.ceil(value / step - 1e-6) * step, 6)


def _middle(base: TableProblem, unit: Unit) -> float:
    """A first budget: what 4 bits everywhere would cost, or the middle where that is not in it."""
    low, high = base.limits(unit.budget)
    option = base.bits.index(4) if 4 in base.bits else None
    four = None if option is None else uniform_allocations(base.problem)[option]
    start = (low + high) / 2 if four is None else base.cost(four, unit.budget)
    return _up(start / unit.per_unit, unit.step)
