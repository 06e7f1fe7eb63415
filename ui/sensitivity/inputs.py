"""Of a run of pairs of widths: the width of the inputs that charts show."""

from __future__ import annotations

import streamlit as st

from qcore.sensitivity.config import SensitivityConfig
from qcore.sensitivity.pairs import at_inputs
from qcore.sensitivity.table import SensitivityTable
from qcore.store.job import Job

_KEY = "sensitivity_inputs_shown"


def choose_inputs(job: Job) -> int | None:
    """The width in view, the widest at first; None of a run without pairs."""
    widths = SensitivityConfig.from_json(job.question["config"]).activation_bits
    if not widths:
        return None
    if st.session_state.get(_KEY) not in widths:
        st.session_state[_KEY] = max(widths)
    return st.segmented_control(
        "Shown with inputs at",
        widths,
        required=True,
        key=_KEY,
        persist_state="session",
        format_func=lambda bits: f"{bits} bits",
        help="This run has every width of weights with each of these widths of what enters the "
        "layer. Map, lines and ranking show one of them; the downloads have all.",
    )


def at_chosen_inputs(table: SensitivityTable, inputs: int | None) -> SensitivityTable:
    """What charts of one width a cell draw."""
    return table if inputs is None else at_inputs(table, inputs)
