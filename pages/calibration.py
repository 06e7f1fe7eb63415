"""Clipping thresholds: what enters each layer, where to clip it, and what that costs."""

import streamlit as st

from ui import format as fmt
from ui.calibration.controls import controls
from ui.calibration.panel import panel
from ui.calibration.source import require_calibration
from ui.calibration.table import all_layers
from ui.data import require_data
from ui.network import require_network
from ui.router import ensure_router
from ui.state import focused_layer

ensure_router("calibration")
st.title("Calibration")
prepared = require_network(
    "Few bits have few levels: here you see what enters every layer, where to clip it so that the "
    "levels lie where the values are, and what that costs."
)
pair = require_data(prepared, "Thresholds of layer inputs are found on images.")
source = require_calibration(prepared, pair)
chosen = controls()
panel(source, focused_layer(prepared), chosen)
all_layers(source, chosen)
result = source.job.result or {}
st.caption(
    f"Histograms of {source.data.images:,} calibration images of "
    f"{fmt.plain(source.data.source.title)}, counted in {fmt.duration(result['seconds'])}. "
    "What is chosen here is in the address of this page, and sensitivity, allocation and "
    "measurement use it."
)
