"""The other way round: the smallest network within a predicted loss."""

from __future__ import annotations

import streamlit as st

from qcore.allocate import InfeasibleBudget, SolverTimeout, solve_ilp
from qcore.allocate.budget import with_budgets
from ui import format as fmt
from ui.allocation import session, signed, units
from ui.allocation.workbench import Answer, budgets_of

_KEY = "dial_loss"
_SAID = "dial_loss_said"


def by_loss(answer: Answer) -> None:
    """A popover that dials the smallest network whose predicted ΔL is within a limit."""
    if answer.allocation is None:
        return
    with st.popover("Within a loss", icon=":material/target:"):
        st.number_input(
            "Smallest network of predicted ΔL at most",
            min_value=0.0,
            value=None,
            step=0.001,
            format="%.4f",
            key=_KEY,
            placeholder=f"now {signed.loss(answer.allocation.costs['loss'])}",
            on_change=_find,
            args=(answer,),
            help="The dial goes to what the smallest such network costs, within pins and the "
            "second budget.",
        )
        said = st.session_state.pop(_SAID, None)
        if said is not None:
            st.error(said, icon=":material/block:")


def _nearest(error: InfeasibleBudget, answer: Answer) -> str:
    """Example: ΔL of 0.0021."""
    if error.name == "loss":
        return fmt.plain(f"ΔL of {error.nearest:.4g}")
    value = error.nearest + answer.problem.offsets[error.name]
    return f"{units.title(error.name)} of {units.amount(error.name, value)}"


def _find(answer: Answer) -> None:
    """Dial it; call from a callback."""
    limit = st.session_state[_KEY]
    if limit is None:
        return
    second = budgets_of(answer.dialled, answer.problem.names)
    problem = with_budgets(answer.bench.problem, {"loss": limit, **second})
    try:
        found = solve_ilp(problem.problem)
    except InfeasibleBudget as error:
        nearest = _nearest(error, answer)
        st.session_state[_SAID] = f"No network is within that; the nearest: {nearest}."
    except SolverTimeout as error:
        st.session_state[_SAID] = fmt.plain(str(error))
    else:
        cost = problem.cost(found, answer.dialled.budget)
        value = units.own(units.shown_up(cost, answer.unit), answer.unit)
        session.change(session.at_value(value))
