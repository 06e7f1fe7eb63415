"""The problem that is dialled, and its answer; both are kept for the next rerun."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import streamlit as st

from qcore.allocate import InfeasibleBudget, SolverTimeout, solve_ilp
from qcore.allocate.budget import TableProblem, table_problem, with_budgets
from qcore.allocate.problem import Allocation
from qcore.allocate.solve import solve_with_interactions
from qcore.hardware import Hardware
from qcore.sensitivity.config import Width
from qcore.sensitivity.table import SensitivityTable
from ui.allocation.dialled import Dialled, Widths
from ui.allocation.fit import Fit, fit, pinned_width
from ui.allocation.interactions import interaction_words
from ui.allocation.units import dial_unit, own, shown_up
from ui.components.live_dial import DialUnit


@dataclass(frozen=True, eq=False)
class Bench:
    """``free`` without pins and budgets, ``problem`` with pins; both have the widths that the
    chosen hardware runs, see ``fit``."""

    key: str
    fit: Fit
    free: TableProblem
    problem: TableProblem

    @property
    def table(self) -> SensitivityTable:
        """The run's, with the widths that the hardware runs."""
        return self.fit.table


@dataclass(frozen=True)
class Infeasible:
    """Which budget cannot be met, and the nearest value that can, in its own unit and rounded up to
    a step of the dial. ``together``: it could be without the other one; ``by_pins``: all could be
    without the pins."""

    name: str
    given: float
    nearest: float
    together: bool
    by_pins: bool


@dataclass(frozen=True, eq=False)
class Answer:
    """The best allocation within what is dialled, or (with ``infeasible``) at the nearest feasible
    value. ``value`` is the budget in its own unit, ``seconds`` how long the whole answer took;
    ``trouble`` a solver's that ran out of time, ``note`` what the interaction-aware method did."""

    bench: Bench
    dialled: Dialled
    unit: DialUnit
    value: float
    problem: TableProblem
    allocation: Allocation | None
    infeasible: Infeasible | None = None
    trouble: str | None = None
    note: str | None = None
    seconds: float = 0.0

    @property
    def key(self) -> str:
        """The same for equal questions."""
        return f"{self.bench.key}|{self.dialled.question!r}"

    @property
    def found(self) -> Allocation:
        """The allocation; only where there is one."""
        assert self.allocation is not None
        return self.allocation

    @property
    def widths(self) -> Widths:
        """The width of each layer, in running order."""
        return tuple(self.problem.options[option] for option in self.found.choice)

    @property
    def named(self) -> dict[str, Width]:
        """Layer -> its width."""
        return self.problem.widths(self.found.choice)

    @property
    def costs(self) -> dict[str, float]:
        return self.problem.costs(self.found)


def table_key(table: SensitivityTable) -> str:
    """Changes whenever the table's numbers do."""
    return f"{table.network.fingerprint}|{hash((table.rows, table.config))}"


def bench(table: SensitivityTable, dialled: Dialled, hardware: Hardware | None) -> Bench:
    """The problem without the budgets that are dialled; ``hardware`` has the dialled name."""
    asked = Dialled(hardware=dialled.hardware, inputs=dialled.inputs, pins=dialled.pins)
    revision = "" if hardware is None else f"{hardware.name}@{hardware.revision}"
    return _bench(f"{table_key(table)}|{asked!r}|{revision}", table, asked, hardware)


def answer(found: Bench, dialled: Dialled) -> Answer:
    """The best allocation within the budgets."""
    unit = dial_unit(found.free, dialled.budget)
    value = dialled.value
    if value is None:
        value = beginning(found.free, dialled.budget, unit)
    asked = replace(dialled.question, value=value)
    given = _answer(f"{found.key}|{asked!r}", found, asked, unit)
    return replace(given, dialled=replace(dialled, value=value))


def beginning(free: TableProblem, budget: str, unit: DialUnit) -> float:
    """A first budget: what 4 bits everywhere would cost, or the middle where that is not in it."""
    low, high = free.limits(budget)
    four = next((o for o, width in enumerate(free.options) if width.bits == 4), None)
    start = (low + high) / 2
    if four is not None:
        cost = free.problem.costs[budget][:, four]
        start = float(cost.sum()) + free.offsets[budget]
    return shown_up(start, unit) * unit.per_unit


def budgets_of(dialled: Dialled, names: tuple[str, ...]) -> dict[str, float]:
    """The second budget where it is known, as the problem takes it."""
    second = dialled.second
    return {} if second is None or second[0] not in names else dict([second])


@st.cache_resource(max_entries=64, show_spinner=False)
def _bench(
    key: str, _table: SensitivityTable, _asked: Dialled, _hardware: Hardware | None
) -> Bench:
    found = fit(_table, _hardware, _asked)
    free = table_problem(found.table, activation_bits=_asked.inputs, hardware=found.hardware)
    pinned = table_problem(
        found.table,
        pins={layer: pinned_width(found.table, bits) for layer, bits in found.pins},
        activation_bits=_asked.inputs,
        hardware=found.hardware,
    )
    return Bench(key, found, free, pinned)


@st.cache_resource(max_entries=512, show_spinner=False)
def _answer(key: str, _found: Bench, _asked: Dialled, _unit: DialUnit) -> Answer:
    value, begun = _asked.value, time.perf_counter()
    assert value is not None
    limits = {_asked.budget: value, **budgets_of(_asked, _found.problem.names)}
    problem = with_budgets(_found.problem, limits)
    found = _solved(Answer(_found, _asked, _unit, value, problem, None))
    return replace(found, seconds=time.perf_counter() - begun)


def _solved(made: Answer) -> Answer:
    table = made.bench.table
    try:
        if made.dialled.method == "ilp" or table.projections is None:
            return replace(made, allocation=solve_ilp(made.problem.problem))
        found = solve_with_interactions(made.problem, table)
        return replace(made, allocation=found.allocation, note=interaction_words(found))
    except InfeasibleBudget as error:
        return replace(made, allocation=error.allocation, infeasible=_why(error, made))
    except SolverTimeout as error:
        return replace(made, trouble=str(error))


def _why(error: InfeasibleBudget, made: Answer) -> Infeasible:
    offset = made.problem.offsets[error.name]
    without = with_budgets(
        made.bench.free,
        {
            name: value + made.problem.offsets[name]
            for name, value in made.problem.problem.budgets.items()
        },
    )
    by_pins = bool(made.dialled.pins) and _feasible(without)
    given, unit = error.given + offset, dial_unit(made.bench.free, error.name)
    nearest = own(shown_up(error.nearest + offset, unit), unit)
    together = made.bench.problem.limits(error.name)[0] <= given
    return Infeasible(error.name, given, nearest, together, by_pins)


def _feasible(problem: TableProblem) -> bool:
    try:
        solve_ilp(problem.problem)
    except (InfeasibleBudget, SolverTimeout):
        return False
    return True
