"""One line of choices: machine, batch, and the bits of every layer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

import streamlit as st

from qcore.hardware import Hardware
from qcore.hardware.model import MOST_IMAGES
from ui.allocation.dialled import Widths
from ui.hardware import chosen as state
from ui.hardware.chosen import LINK, UNIFORM, Chosen
from ui.hardware.configurations import source_title
from ui.hardware.known import title

_FULL = "full precision"


def choice(
    machines: Mapping[str, Hardware], known: Mapping[str, Widths], chosen: Chosen
) -> Hardware:
    """Draw it; the machine that is chosen. One that is not here gives way to the first."""
    name = chosen.hardware if chosen.hardware in machines else next(iter(machines))
    machine = machines[name]
    with (
        st.container(border=True),
        st.container(horizontal=True, vertical_alignment="bottom", gap="small"),
    ):
        _machine(machines, name)
        if not machine.fixed_batch:
            _batch(machine, chosen)
        _source(known, chosen)
        if chosen.widths is None:
            _bits("Weights", machine.weight_bits, chosen.weight_bits, _with_weights)
        if chosen.asks_for_inputs:
            _bits("Layer inputs", machine.activation_bits, chosen.input_bits, _with_inputs)
    if name != chosen.hardware:
        st.warning(
            f"The hardware of this link is not here; {title(name, machine)} is shown instead.",
            icon=":material/link_off:",
        )
    return machine


def _machine(machines: Mapping[str, Hardware], name: str) -> None:
    st.session_state["hardware_machine"] = name
    st.selectbox(
        "Hardware",
        list(machines),
        key="hardware_machine",
        format_func=lambda one: title(one, machines[one]),
        width=320,
        on_change=_on("hardware_machine", lambda c, one: replace(c, hardware=one, batch=None)),
        help="Whose latency and energy are shown. Measure this machine, or bring figures of your "
        "own, further below.",
    )


def _batch(machine: Hardware, chosen: Chosen) -> None:
    st.session_state["hardware_batch"] = chosen.batch or machine.batch
    st.number_input(
        "Images in a batch",
        min_value=1,
        max_value=MOST_IMAGES,
        key="hardware_batch",
        width=140,
        on_change=_on(
            "hardware_batch",
            lambda c, value: replace(c, batch=None if value == machine.batch else int(value)),
        ),
        help=f"Worked on together. This hardware's own number is {machine.batch}.",
    )


def _source(known: Mapping[str, Widths], chosen: Chosen) -> None:
    st.session_state["hardware_source"] = chosen.source
    st.selectbox(
        "Bits per layer",
        [UNIFORM, *known, *([LINK] if chosen.source == LINK else [])],
        key="hardware_source",
        format_func=source_title,
        width=150,
        on_change=_on("hardware_source", lambda c, one: _with_source(c, one, known)),
        help="The same in every layer, or the configuration that is on the dial of the page "
        "Allocate, or one that was kept there.",
    )


def _with_source(chosen: Chosen, source: str, known: Mapping[str, Widths]) -> Chosen:
    widths = chosen.widths if source == LINK else known.get(source)
    return replace(chosen, source=source, widths=widths)


def _with_weights(chosen: Chosen, bits: int | None) -> Chosen:
    return replace(chosen, weight_bits=bits)


def _with_inputs(chosen: Chosen, bits: int | None) -> Chosen:
    return replace(chosen, input_bits=bits)


def _bits(
    label: str,
    offered: Iterable[int | None],
    now: int | None,
    changed: Callable[[Chosen, int | None], Chosen],
) -> None:
    """Widths that the machine takes; one that it does not take stays in view where it is chosen."""
    key = f"hardware_{label.split()[-1].lower()}_bits"
    numbers = sorted({b for b in (*offered, now) if b is not None})
    full = [_FULL] if None in (*offered, now) else []
    st.session_state[key] = _FULL if now is None else str(now)
    st.selectbox(
        label,
        [*full, *map(str, numbers)],
        key=key,
        format_func=lambda text: text if text == _FULL else f"{text} bits",
        width=135,
        on_change=_on(key, lambda c, text: changed(c, None if text == _FULL else int(text))),
        help=f"Bits of the {label.lower()}, as far as this hardware takes them.",
    )


def _on(key: str, changed: Callable[[Chosen, Any], Chosen]) -> Callable[[], None]:
    """A callback that chooses what a widget says."""

    def take() -> None:
        value = st.session_state[key]
        if value is not None:
            state.change(changed(state.now(), value))

    return take
