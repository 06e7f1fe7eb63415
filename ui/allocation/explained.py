"""Why the answer is what it is: computed once for each answer."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from qcore.allocate import SolverTimeout
from qcore.allocate.explain import Explanation, explain
from qcore.allocate.flips import flip_rates
from qcore.allocate.prices import priced, shadow_prices
from qcore.allocate.problem import FloatArray
from qcore.allocate.resample import resampled
from qcore.errors import BadInput
from qcore.sensitivity.table import SensitivityTable
from ui.allocation.workbench import Answer, table_key


@dataclass(frozen=True, eq=False)
class Why:
    """``rates``: how often each layer's option changes where sensitivities are drawn anew within
    their intervals, (layers,); None where they have none."""

    explanation: Explanation
    rates: FloatArray | None


def why_of(answer: Answer) -> Why | None:
    """None where the solvers ran out of time."""
    return _why(answer.key, answer)


@st.cache_resource(max_entries=128, show_spinner=False)
def _why(key: str, _answer: Answer) -> Why | None:
    problem, name = _answer.problem.problem, _answer.dialled.budget
    try:
        explanation = explain(problem, _answer.found, name)
        return Why(explanation, _rates(_answer))
    except SolverTimeout:
        return None


def _rates(answer: Answer) -> FloatArray | None:
    if answer.infeasible is not None:
        return None
    table = answer.bench.table
    try:
        samples = _resampled(table_key(table), table)
    except BadInput:  # sensitivities without intervals
        return None
    return _with_one_budget(answer, samples)


def _with_one_budget(answer: Answer, samples: FloatArray) -> FloatArray | None:
    """A second budget would take an integer program for each draw: it is held at its price."""
    problem = answer.problem.problem
    if len(problem.budgets) == 1:
        return flip_rates(problem, samples)
    prices = shadow_prices(problem)
    if prices is None:
        return None
    along = priced(problem, answer.dialled.budget, prices)
    return flip_rates(along, samples + (along.loss - problem.loss))


@st.cache_resource(max_entries=4, show_spinner=False)
def _resampled(key: str, _table: SensitivityTable) -> FloatArray:
    return resampled(_table)
