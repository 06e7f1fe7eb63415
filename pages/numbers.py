"""One value in floating point, fixed point and integers, and what integer hardware does with it."""

import streamlit as st

from ui.numbers.ranges import range_steps
from ui.numbers.requantize import requantize_steps
from ui.numbers.slope import slope_table
from ui.numbers.value import one_value
from ui.router import ensure_router

ensure_router("numbers")
st.title("Numbers")
one, slope, product, ranges = st.tabs(
    ["One value", "Slope and bias", "Requantize", "Full or restricted range"],
    key="part",
    bind="query-params",
)
with one:
    one_value()
with slope:
    slope_table()
with product:
    requantize_steps()
with ranges:
    range_steps()
