"""The form's fields by key, and what they take over from a run that comes into view."""

from __future__ import annotations

import streamlit as st

from qcore.prepare.prepared import DataSummary
from qcore.sensitivity.config import SensitivityConfig
from qcore.sensitivity.objectives import Objective
from qcore.store.job import Job

WIDTHS = (2, 3, 4, 5, 6, 7, 8, 16)
METHOD, TARGET, BITS = "sensitivity_method", "sensitivity_target", "sensitivity_bits"
BASE, TOLERANCE, REFINE = "sensitivity_base", "sensitivity_tolerance", "sensitivity_refine"
INPUTS = "sensitivity_inputs"
OFF = 0
"""Of a field that has none of its values: a widget takes None for nothing chosen."""
_FILLED = "sensitivity_filled"


def objective_key(objectives: tuple[Objective, ...]) -> str:
    """What can be chosen depends on network and labels."""
    return f"objective-{objectives[0]}"


def images_key(data: DataSummary) -> str:
    return f"images-{data.fingerprint[:8]}"


def fill(job: Job | None, data: DataSummary, objectives: tuple[Objective, ...]) -> None:
    """Where another run comes into view, ask what it asked. Changes after that stay."""
    if job is None or st.session_state.get(_FILLED) == job.id:
        return
    asked = SensitivityConfig.from_json(job.question["config"])
    st.session_state[_FILLED] = job.id
    st.session_state[BITS] = [bits for bits in WIDTHS if bits in asked.bits]
    st.session_state[INPUTS] = [bits for bits in WIDTHS if bits in asked.activation_bits]
    st.session_state[TARGET] = asked.target
    st.session_state[METHOD] = asked.method
    st.session_state[BASE] = asked.base or OFF
    st.session_state[TOLERANCE] = asked.tolerance or OFF
    st.session_state[REFINE] = asked.refine or OFF
    if asked.objective in objectives:
        st.session_state[objective_key(objectives)] = asked.objective
    if job.question["data_fingerprint"] == data.fingerprint:
        st.session_state[images_key(data)] = asked.images
