"""Calibration data: bring them, prepare them, see whether they are any good."""

import streamlit as st

from ui.bring import upload_box
from ui.data import chosen_job, report_of
from ui.data_intake import arrived, how_to_prepare, sample_summary
from ui.data_report import show_report
from ui.jobs import wait_for
from ui.network import require_network
from ui.router import ensure_router

ensure_router("data")
st.title("Data")
prepared = require_network(
    "Here you bring images like those the network will meet, see them as the network sees them, "
    "and learn whether they are good enough to calibrate on."
)
with st.container(border=True):
    upload_box(
        "data",
        "Drop images of your own: a ZIP (class folders: labels), .npz, idx files, loose images",
        "Half of them calibrate, the other half measures. A few dozen are enough to begin with. "
        "They stay in this server's store until you remove them.",
        lambda upload: arrived(prepared, upload),
    )
job = chosen_job(prepared)
if job is None:
    sample_summary(prepared)
    st.stop()
how_to_prepare(prepared, job)
wait_for(job, "Looking at the data")
if job.state == "finished":
    show_report(prepared, job, report_of(job))
