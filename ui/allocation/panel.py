"""The allocate page once there is a sensitivity table."""

from __future__ import annotations

from collections.abc import Iterable
from typing import get_args

import streamlit as st

from qcore.prepare.prepared import DataPair, Prepared
from qcore.quantize.limits import GRID_BITS
from qcore.sensitivity.table import SensitivityTable
from ui import format as fmt
from ui.allocation import session
from ui.allocation.actions import actions, obstacles
from ui.allocation.address import Scope
from ui.allocation.clipping import clipping_in_use, clipping_line
from ui.allocation.controls import controls
from ui.allocation.dial import dial
from ui.allocation.dialled import Dialled, FromSearch, Method
from ui.allocation.from_search import kernel_bits
from ui.allocation.held_out import held_out
from ui.allocation.measured_points import measured_points
from ui.allocation.sections import sections
from ui.allocation.words import state_words
from ui.allocation.workbench import Answer, Bench, answer, bench
from ui.evaluations import Setting
from ui.hardware.known import known, title


def panel(prepared: Prepared, table: SensitivityTable, pair: DataPair | None) -> None:
    """From the choices to the files. ``pair``: data of the table's run, None where these are
    gone."""
    machines = known(prepared)
    dialled = session.begin(prepared.network.fingerprint, scope_of(table, machines))
    found = bench(table, dialled, machines.get(dialled.hardware or ""))
    dialled = _with_known_budgets(found, found.fit.dialled(dialled))
    controls(found, dialled, machines)
    given = answer(found, dialled)
    held = None
    if pair is not None:
        setting = Setting(pair, table.config.objective, clipping_in_use(table))
        held = held_out(prepared, setting, given)
    _note(given)
    obstacles(given)
    dial(prepared, given, () if held is None else measured_points(held, given))
    actions(prepared, given, held)
    if given.allocation is None:
        return
    sections(prepared, given, held)
    clipping_line(table, dialled.inputs)


def scope_of(table: SensitivityTable, machines: Iterable[str]) -> Scope:
    own_inputs = table.config.target == "both"
    return Scope(
        tuple(layer.name for layer in table.network.layers),
        table.config.widths,
        tuple(machines),
        () if own_inputs else GRID_BITS,
        get_args(Method) if table.projections is not None else ("ilp",),
        lambda job: kernel_bits(FromSearch(job), table.network) is not None,
    )


def _with_known_budgets(found: Bench, dialled: Dialled) -> Dialled:
    """A link may ask for latency without hardware: said, and the size dialled instead."""
    if dialled.budget in found.problem.names:
        return dialled
    missing, chosen = dialled.budget.partition("_")[0], found.fit.hardware
    why = f"There is no {missing} without hardware that has it"
    if chosen is not None:
        why = f"{fmt.plain(title(chosen.name, chosen))} has no {missing}"
    st.warning(f"{why}; the size is dialled instead.", icon=":material/memory:")
    return Dialled(
        inputs=dialled.inputs,
        hardware=dialled.hardware,
        method=dialled.method,
        pins=dialled.pins,
        kept=dialled.kept,
    )


def _note(given: Answer) -> None:
    """For callbacks and the history: what the screen shows."""
    if given.allocation is not None:
        session.show(session.Shown(given.widths, given.costs), state_words(given))
