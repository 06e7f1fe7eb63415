"""Two charts side by side, or below each other where the window is narrow."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

_NARROWEST = 440  # pixels in which a map of eight widths can be read


def halves() -> tuple[DeltaGenerator, DeltaGenerator]:
    """The left (or upper) and the right (or lower) half."""
    grid = st.grid(2, min_column_width=_NARROWEST, gap=("small", "medium"))
    return grid.cell(), grid.cell()
