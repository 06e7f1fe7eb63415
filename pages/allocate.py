"""The best bits per layer within a budget."""

import streamlit as st

from ui.allocation.panel import panel
from ui.allocation.waiting import await_table
from ui.data import pair_for_run, require_data
from ui.network import require_network
from ui.results import sensitivity_job, table_of
from ui.router import ensure_router

ensure_router("allocate")
st.title("Allocate")
prepared = require_network(
    "Here you drag a budget and see the best bits for each layer, next to the uniform line and a "
    "random cloud, then measure the true loss on images that were not used to choose."
)
chosen = require_data(prepared, "Allocation rests on a sensitivity table, and that on images.")
job = sensitivity_job(prepared, chosen, ("weight", "both"))
table = None if job is None else table_of(job, prepared)
if table is None or not table.covered:
    await_table(prepared, job)
    st.stop()
panel(prepared, table, pair_for_run(prepared, table.data_fingerprint, chosen))
