"""To be filled."""

import streamlit as st

from ui.router import ensure_router

ensure_router("calibration")
st.title("Calibration")
