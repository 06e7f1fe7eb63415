"""The best bits per layer within a budget."""

import streamlit as st

from ui.allocation.dial import dial
from ui.allocation.export import export
from ui.allocation.inputs import clipping_in_use, input_bits
from ui.allocation.measure import measure_panel
from ui.allocation.overview import overview
from ui.allocation.waiting import await_table
from ui.data import pair_for_run, require_data
from ui.evaluations import Setting
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
job = sensitivity_job(prepared, chosen, "weight")
table = None if job is None else table_of(job, prepared)
if table is None or not table.covered:
    await_table(prepared, job)
    st.stop()
choice = dial(table)
inputs = input_bits()
clipping = clipping_in_use(table, inputs)
pair = pair_for_run(prepared, table.data_fingerprint, chosen)
setting = None if pair is None else Setting(pair, table.config.objective, inputs, clipping)
overview(prepared, setting, table, choice, inputs)
if setting is None:
    st.info(
        "The data that this run was made on were removed, so there is nothing held out to measure "
        "on. Bring them again on the page Data, or measure sensitivity on other data.",
        icon=":material/info:",
    )
else:
    measure_panel(prepared, setting, table, choice)
export(prepared, table, choice, inputs, clipping)
