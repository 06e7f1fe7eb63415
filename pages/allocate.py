"""The best bits per layer within a budget."""

import streamlit as st

from ui.allocation.dial import dial
from ui.allocation.export import export
from ui.allocation.measure import measure_panel
from ui.allocation.overview import overview
from ui.network import require_network
from ui.results import sensitivity_job, table_of
from ui.router import PAGES, ensure_router

ensure_router("allocate")
st.title("Allocate")
prepared = require_network(
    "Here you drag a budget and see the best bits for each layer, next to the uniform line and a "
    "random cloud, then measure the true loss on images that were not used to choose."
)
job = sensitivity_job(prepared)
table = None if job is None else table_of(job, prepared)
if table is None or not table.covered:
    st.info(
        "Allocation needs ΔL of every layer at every bit width. Measure it first; the run may "
        "still be going on.",
        icon=":material/info:",
    )
    st.page_link(PAGES["sensitivity"].path, label="Go to Sensitivity", icon=":material/grid_on:")
    st.stop()
choice = dial(table)
overview(prepared, table, choice)
measure_panel(prepared, table, choice)
export(prepared, table, choice)
