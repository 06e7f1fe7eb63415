"""What a configuration takes on known machines, and how that is known."""

import streamlit as st

from ui.hardware.panel import panel
from ui.network import require_network
from ui.router import ensure_router

ensure_router("hardware")
st.title("Hardware")
panel(
    require_network(
        "Here you see what a network takes on an accelerator at the bits you choose: latency and "
        "energy of every layer, what bounds it, and where each figure comes from."
    )
)
