"""How much loss each layer adds at each bit width."""

import streamlit as st

from ui.data import require_data
from ui.network import require_network
from ui.results import sensitivity_job
from ui.router import ensure_router
from ui.sensitivity.form import controls
from ui.sensitivity.panel import results

ensure_router("sensitivity")
st.title("Sensitivity")
prepared = require_network(
    "Here every layer is rounded to 2, 3, 4 ... bits, one at a time, and the loss it adds (ΔL) is "
    "measured on calibration images, with a confidence interval."
)
pair = require_data(prepared, "Sensitivity is measured on images.")
job = sensitivity_job(prepared, pair)
controls(prepared, pair, job)
if job is None:
    st.info(
        "Nothing has been measured on these data yet. Press **Measure sensitivity**: the table "
        "fills while the run goes on, survives a reload, and can be stopped at any time.",
        icon=":material/info:",
    )
else:
    results(prepared, job)
