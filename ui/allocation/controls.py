"""One line of choices: unit, second budget, hardware, bits of layer inputs, method."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import streamlit as st

from qcore.allocate.methods import METHODS
from qcore.hardware import Hardware
from qcore.quantize.limits import GRID_BITS
from ui.allocation import session, units
from ui.allocation.about_hardware import about_hardware
from ui.allocation.choose_hardware import asked_for_measurement, choose_hardware
from ui.allocation.dialled import Dialled, Method
from ui.allocation.fit_words import fit_lines
from ui.allocation.workbench import Bench
from ui.router import PAGES

_FULL = "full precision"
_NONE = "none"
_METHODS: dict[Method, str] = {"ilp": "Integer program", "interaction": "Interaction-aware"}


def controls(found: Bench, dialled: Dialled, machines: Mapping[str, Hardware]) -> None:
    """The choices; each one is a step that can be undone. ``machines``: the hardware there is."""
    names = tuple(name for name in found.free.names if name != "loss")
    with (
        st.container(border=True),
        st.container(horizontal=True, vertical_alignment="bottom", gap="small"),
    ):
        _unit(names, dialled)
        _second(found, names, dialled)
        choose_hardware(found, dialled, machines)
        if found.table.config.target == "weight":
            _inputs(dialled)
        if found.table.projections is not None:
            _method(dialled)
    chosen = machines.get(dialled.hardware or "")
    if chosen is not None:
        about_hardware(found.fit, chosen, dialled)
    fit_lines(found.fit, found.free, dialled)
    if asked_for_measurement():
        _not_measured()


def _not_measured() -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption("This network has not been measured on this machine yet.")
        st.page_link(PAGES["hardware"].path, label="Go to Hardware", icon=PAGES["hardware"].icon)


def _unit(names: tuple[str, ...], dialled: Dialled) -> None:
    st.session_state["dial_unit"] = dialled.budget
    st.selectbox(
        "Budget",
        names,
        key="dial_unit",
        format_func=units.title,
        width=150,
        on_change=_on("dial_unit", session.in_unit),
        help="What the dial limits. "
        + " ".join(f"{units.title(name)}: {units.about(name)}" for name in names)
        + " Latency and energy need hardware.",
    )


def _second(found: Bench, names: tuple[str, ...], dialled: Dialled) -> None:
    """Another budget to keep at once, and its value."""
    others = [name for name in names if name != dialled.budget]
    second = dialled.second
    st.session_state["dial_second"] = _NONE if second is None else second[0]
    st.selectbox(
        "and at most",
        [_NONE, *others, *([second[0]] if second and second[0] not in others else [])],
        key="dial_second",
        format_func=lambda name: "no second budget" if name == _NONE else units.title(name),
        width=155,
        on_change=_on("dial_second", lambda d, name: _with_second(d, name, found)),
        help="A second budget, kept at the same time.",
    )
    if second is None or second[0] not in names:
        return
    unit = units.dial_unit(found.free, second[0])
    st.session_state["dial_second_value"] = float(second[1] / unit.per_unit)
    st.number_input(
        unit.suffix,
        min_value=0.0,
        step=unit.step * 10,
        format=f"%.{unit.decimals}f",
        key="dial_second_value",
        width=130,
        on_change=_on(
            "dial_second_value",
            lambda d, value: replace(d, second=(unit.cost, units.own(value, unit))),
        ),
        help=f"From {unit.low:,g} (the least possible) to {unit.high:,g} {unit.suffix}.",
    )


def _with_second(dialled: Dialled, name: str, found: Bench) -> Dialled:
    """It begins with what the configuration in view costs, so that nothing moves at first."""
    if name == _NONE:
        return replace(dialled, second=None)
    shown, unit = session.shown(), units.dial_unit(found.free, name)
    cost = found.free.limits(name)[1]
    if shown is not None:
        cost = shown.costs.get(name, cost)
    return replace(dialled, second=(name, units.own(units.shown_up(cost, unit), unit)))


def _inputs(dialled: Dialled) -> None:
    st.session_state["dial_inputs"] = _FULL if dialled.inputs is None else str(dialled.inputs)
    st.selectbox(
        "Layer inputs",
        [_FULL, *(str(bits) for bits in GRID_BITS)],
        key="dial_inputs",
        format_func=lambda text: text if text == _FULL else f"{text} bits",
        width=135,
        on_change=_on(
            "dial_inputs", lambda d, text: replace(d, inputs=None if text == _FULL else int(text))
        ),
        help="Bits of what enters every layer; it is rounded to as many when the allocation is "
        "measured. They count in bit operations, latency and energy. The predicted ΔL is of the "
        "weights alone: this sensitivity run did not round inputs.",
    )


def _method(dialled: Dialled) -> None:
    st.session_state["dial_method"] = dialled.method
    st.selectbox(
        "Method",
        list(_METHODS),
        key="dial_method",
        format_func=lambda name: _METHODS[name],
        width=160,
        on_change=_on("dial_method", lambda d, name: replace(d, method=name)),
        help="; ".join(f"{title}: {METHODS[name]}" for name, title in _METHODS.items()) + ".",
    )


def _on(key: str, changed: Callable[[Dialled, Any], Dialled]) -> Callable[[], None]:
    """A callback that dials what a widget says."""

    def take() -> None:
        value = st.session_state[key]
        if value is not None:
            session.change(changed(session.now(), value))

    return take
