"""The page Hardware once there is a network."""

from __future__ import annotations

import streamlit as st

from qcore.hardware.at_bits import NetworkAtBits
from qcore.prepare.prepared import Prepared
from ui import format as fmt
from ui.hardware import chosen as state
from ui.hardware.about import about
from ui.hardware.choice import choice
from ui.hardware.configurations import configurations
from ui.hardware.known import known
from ui.hardware.parts import parts_section
from ui.hardware.run import BASELINE, run_of
from ui.hardware.sections import sections
from ui.hardware.totals import totals
from ui.state import focused_layer


def panel(prepared: Prepared) -> None:
    """From the choices to what a configuration costs, where, and on what else."""
    network, machines, of_dial = prepared.network, known(prepared), configurations(prepared)
    chosen = state.begin(of_dial, len(network.layers))
    machine = choice(machines, of_dial, chosen)
    run = run_of(network, machine, chosen.pairs(network), chosen.batch)
    baseline = run_of(network, machine, [BASELINE] * len(network.layers), chosen.batch)
    focus = focused_layer(prepared)
    about(run)
    if run.refusal is not None:
        _refused(run, baseline)
    totals(run, baseline)
    parts_section(run, focus)
    sections(prepared, machines, run, focus)


def _refused(run: NetworkAtBits, baseline: NetworkAtBits) -> None:
    """What does not run, and the way to what does."""
    st.warning(f"{fmt.plain(str(run.refusal))}.", icon=":material/block:")
    way_on = BASELINE if baseline.refusal is None else next(iter(run.hardware.pairs), None)
    if way_on is not None and set(run.pairs) != {way_on}:
        st.button(
            f"Use {way_on} bits in every layer",
            icon=":material/arrow_forward:",
            on_click=lambda: state.change(state.uniform(way_on)),
        )
