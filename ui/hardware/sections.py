"""Below the bars: one of several views, chosen in the URL."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import streamlit as st

from qcore.hardware import Hardware
from qcore.hardware.at_bits import NetworkAtBits
from qcore.latency.hardware import THIS_MACHINE
from qcore.prepare.prepared import Prepared
from ui.hardware.chosen import change, now
from ui.hardware.cross import cross_section
from ui.hardware.measured import measured_section
from ui.hardware.own import own_section
from ui.hardware.roofline import roofline_section
from ui.hardware.side_by_side import side_by_side
from ui.hardware.validation import validation_section

_VIEWS = (
    "Roofline",
    "Side by side",
    "Across hardware",
    "Measured here",
    "Validation",
    "Your own",
)


def sections(
    prepared: Prepared, machines: Mapping[str, Hardware], run: NetworkAtBits, focus: str
) -> None:
    """Only the chosen view is computed."""
    view = st.segmented_control(
        "View",
        _VIEWS,
        default=_VIEWS[0],
        required=True,
        key="hardware_view",
        bind="query-params",
        label_visibility="collapsed",
    )
    if view == "Side by side":
        side_by_side(prepared, machines, run.pairs)
    elif view == "Across hardware":
        cross_section(prepared, machines, run.pairs, focus)
    elif view == "Measured here":
        if THIS_MACHINE in machines and run.hardware.name != THIS_MACHINE:
            _take_up()
        measured_section(prepared)
    elif view == "Validation":
        validation_section(run.hardware.name)
    elif view == "Your own":
        own_section(prepared)
    else:
        roofline_section(run, focus)


def _take_up() -> None:
    """The way from a measurement to the bars above."""
    st.button(
        "Show this machine above",
        icon=":material/arrow_upward:",
        on_click=lambda: change(replace(now(), hardware=THIS_MACHINE, batch=None)),
        help="It was measured: the bars and the dial on Allocate can be of this machine too.",
    )
