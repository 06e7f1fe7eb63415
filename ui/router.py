"""Which pages there are, and how a link to one of them works on a server that has just started.

Streamlit takes a folder named ``pages`` for its older convention until ``app.py`` has run once: the
first visitor of ``/weights`` would get that script alone, without sidebar and state. Every page
therefore begins with ``ensure_router``, which sends such a visitor through ``app.py``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import streamlit as st
from streamlit.navigation.page import StreamlitPage

_TARGET = "_to"


@dataclass(frozen=True)
class PageInfo:
    """What the navigation shows of a page."""

    path: str
    title: str
    icon: str
    help: str
    default: bool = False


PAGES: dict[str, PageInfo] = {
    "network": PageInfo(
        "pages/network.py",
        "Network",
        ":material/account_tree:",
        "Open a network and see its layers: shapes, weights, operations, what stays 32 bit.",
        default=True,
    ),
    "data": PageInfo(
        "pages/data.py",
        "Data",
        ":material/photo_library:",
        "Bring images to calibrate and measure on, and see whether they are any good.",
    ),
    "weights": PageInfo(
        "pages/weights.py",
        "Weights",
        ":material/bar_chart:",
        "Histogram of any layer or kernel with the grid of any quantizer over it.",
    ),
    "calibration": PageInfo(
        "pages/calibration.py",
        "Calibration",
        ":material/straighten:",
        "What enters each layer, where to clip it, and what that costs.",
    ),
    "sensitivity": PageInfo(
        "pages/sensitivity.py",
        "Sensitivity",
        ":material/grid_on:",
        "How much loss each layer adds at each bit width, measured, with confidence intervals.",
    ),
    "allocate": PageInfo(
        "pages/allocate.py",
        "Allocate",
        ":material/tune:",
        "Drag a budget, get the best bits per layer, measure them, take them with you.",
    ),
    "search": PageInfo(
        "pages/search.py",
        "Search",
        ":material/smart_toy:",
        "Agents that learn to choose bits, in a race with the optimum and with random search.",
    ),
    "hardware": PageInfo(
        "pages/hardware.py",
        "Hardware",
        ":material/memory:",
        "Latency and energy of every layer on known machines, and where the figures come from.",
    ),
    "numbers": PageInfo(
        "pages/numbers.py",
        "Numbers",
        ":material/123:",
        "One value in floating point, fixed point and integers, bit by bit.",
    ),
}


def ensure_router(name: str) -> None:
    """Send the visitor through ``app.py`` if it has not run in this session."""
    if "router" not in st.session_state:
        st.switch_page("app.py", query_params={**st.query_params.to_dict(), _TARGET: name})


def follow_deep_link(pages: Mapping[str, StreamlitPage]) -> None:
    """Go on to the page that ``ensure_router`` came from."""
    target = st.query_params.get(_TARGET)
    if target is None:
        return
    rest = {k: v for k, v in st.query_params.to_dict().items() if k != _TARGET}
    st.switch_page(pages.get(target, pages["network"]), query_params=rest)
