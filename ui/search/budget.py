"""The budget of a race: it begins where the page Allocate's dial is."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from ui.allocation import units
from ui.search.dial import Dial
from ui.search.filling import BUDGET, LIMITS, VALUE
from ui.search.words import budget_title

_LOSS = "loss"


@dataclass(frozen=True)
class Limit:
    """A budget, in its own unit."""

    name: str
    value: float


def budget(dial: Dial, per_kernel: bool) -> Limit:
    """Draw its name and its value."""
    names = dial.budgets(per_kernel)
    if st.session_state.get(BUDGET) not in names:
        wanted = dial.dialled.budget
        st.session_state[BUDGET] = wanted if wanted in names else names[0]
    name = st.selectbox(
        "Budget",
        names,
        key=BUDGET,
        persist_state="session",
        format_func=budget_title,
        width=135,
        help="No configuration exceeds it. Predicted ΔL: the smallest network within that loss.",
    )
    return Limit(name, _value(dial, name))


def _value(dial: Dial, name: str) -> float:
    unit, limits = dial.limits(name), st.session_state.setdefault(LIMITS, {})
    start = limits.get(name, dial.beginning(name)) / unit.per_unit
    st.session_state[VALUE] = float(min(max(start, unit.low), unit.high))
    decimals = unit.decimals

    def take() -> None:
        typed = st.session_state[VALUE]
        if typed is not None:
            limits[name] = units.own(typed, unit)

    shown = st.number_input(
        f"at most ({unit.suffix})" if unit.suffix else "at most",
        min_value=float(unit.low),
        max_value=float(unit.high),
        step=float(unit.step * (10 if name != _LOSS else 1)),
        format=f"%.{decimals}f",
        key=VALUE,
        width=135,
        on_change=take,
        help=f"From {unit.low:,g} (the least possible) to {unit.high:,g} {unit.suffix}. "
        "It begins where the dial of the page Allocate is.",
    )
    return units.own(shown, unit)
