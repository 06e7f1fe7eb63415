"""Agents that search for bits, in a race with the optimum and with chance."""

import streamlit as st

from ui.allocation.waiting import await_table
from ui.data import pair_for_run, require_data
from ui.network import require_network
from ui.results import sensitivity_job, table_of
from ui.router import ensure_router
from ui.search.address import leave_other, race_in_view
from ui.search.dial import dial_of
from ui.search.form import form
from ui.search.intro import about, intro
from ui.search.panel import panel

ensure_router("search")
st.title("Search")
prepared = require_network(
    "Here agents that learn, ReLeQ, HAQ and AutoQ, look for the best bits within a budget, episode "
    "by episode, in a race with the proven optimum, uniform bits and random search."
)
chosen = require_data(prepared, "A search rests on a sensitivity table, and that on images.")
race = race_in_view(prepared, chosen.calibration.fingerprint)
job = sensitivity_job(prepared, chosen, ("weight", "both"))
table = None if job is None else table_of(job, prepared)
if job is None or table is None or not table.covered:
    about()
    await_table(prepared, job)
    st.stop()
race = leave_other(prepared, race, job)
form(prepared, job, dial_of(prepared, table), race)
if race is None:
    intro()
else:
    panel(prepared, race, pair_for_run(prepared, table.data_fingerprint, chosen))
