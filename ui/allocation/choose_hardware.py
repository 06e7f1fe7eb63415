"""The hardware on the dial."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import streamlit as st

from qcore.allocate import evaluate
from qcore.hardware import Hardware
from qcore.latency.hardware import THIS_MACHINE
from ui.allocation import session, units
from ui.allocation.dialled import Dialled
from ui.allocation.fit import inputs_for
from ui.allocation.workbench import Bench, bench
from ui.hardware.known import NOT_MEASURED, title

_KEY, _ASKED = "dial_hardware", "dial_unmeasured"
_NONE = "none"
_TIMED = ("latency_ms", "energy_mj")


def choose_hardware(found: Bench, dialled: Dialled, machines: Mapping[str, Hardware]) -> None:
    """A select box of all there is; this machine stands there before it was measured, too."""
    st.session_state[_KEY] = dialled.hardware or _NONE

    def named(name: str) -> str:
        if name == _NONE:
            return "no hardware"
        return title(name, machines[name]) if name in machines else NOT_MEASURED

    def take() -> None:
        name = st.session_state[_KEY]
        st.session_state[_ASKED] = name == THIS_MACHINE and name not in machines
        if name is not None and not st.session_state[_ASKED]:
            session.change(_with_hardware(session.now(), machines.get(name), found))

    st.selectbox(
        "Hardware",
        list(dict.fromkeys([_NONE, *machines, THIS_MACHINE])),
        key=_KEY,
        format_func=named,
        width=160 if dialled.hardware is None else 290,
        on_change=take,
        help="Gives latency and energy, where its source has them: published models, rooflines, "
        "your own, and this machine once it was measured.",
    )


def asked_for_measurement() -> bool:
    """True in the rerun after this machine was chosen and had not been measured."""
    return bool(st.session_state.pop(_ASKED, False))


def _with_hardware(dialled: Dialled, hardware: Hardware | None, found: Bench) -> Dialled:
    """Inputs get bits where the hardware runs nothing without; a budget of time or energy becomes
    what the configuration in view takes there, so that it stays in view."""
    if hardware is None:
        return _without_hardware(dialled)
    inputs = inputs_for(found.fit.whole, hardware, dialled.inputs)
    moved = replace(dialled, hardware=hardware.name, inputs=inputs)
    if dialled.budget in _TIMED:
        moved = replace(moved, value=_cost_there(moved, hardware, found, dialled.budget))
    if moved.second is not None and moved.second[0] in _TIMED:
        name = moved.second[0]
        value = _cost_there(moved, hardware, found, name)
        moved = replace(moved, second=None if value is None else (name, value))
    return moved


def _cost_there(dialled: Dialled, hardware: Hardware, found: Bench, name: str) -> float | None:
    """What the configuration in view costs, rounded up to a step of the dial; None where it does
    not run, or has no such cost."""
    shown = session.shown()
    there = bench(found.fit.whole, dialled, hardware)
    if shown is None or name not in there.free.names:
        return None
    choice = there.free.choice_of(shown.widths)
    if choice is None:
        return None
    unit = units.dial_unit(there.free, name)
    cost = there.free.cost(evaluate(there.free.problem, choice), name)
    return units.own(units.shown_up(cost, unit), unit)


def _without_hardware(dialled: Dialled) -> Dialled:
    """Budgets that need it go with it."""
    if dialled.second is not None and dialled.second[0] in _TIMED:
        dialled = replace(dialled, second=None)
    if dialled.budget in _TIMED:
        dialled = session.in_unit(dialled, Dialled().budget)
    return replace(dialled, hardware=None)
