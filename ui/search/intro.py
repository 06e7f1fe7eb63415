"""What the page Search says before there is a race."""

from __future__ import annotations

import streamlit as st

from ui.search.address import NOTE


def intro() -> None:
    """How to begin, and how to read what will be drawn."""
    if st.session_state.get(NOTE):
        st.warning(
            "The race of this link is not here: its runs were made elsewhere, or are of an "
            "earlier version. Race again.",
            icon=":material/link_off:",
        )
    st.info(
        "Press **Race**. Each agent walks through the layers, gives each its bits and learns from "
        "what comes of it; no configuration exceeds the budget. You see the best so far of every "
        "agent beside what a solver finds in a fraction of a second, the bound that nothing is "
        "below, the best uniform network, and random search with as many evaluations, which an "
        "agent must beat to be worth its time. The race survives a reload, and can be stopped and "
        "gone on with.",
        icon=":material/smart_toy:",
    )


def about() -> None:
    """What Search is, for one who has no table yet."""
    st.markdown(
        "Search lets agents that learn (ReLeQ, HAQ, AutoQ) look for the best bits within a budget, "
        "and says what that is worth: beside the proven optimum, uniform bits and random search. "
        "A **Projected** run of **Weights** on the page Sensitivity serves layers and kernels; any "
        "other one of the weights serves layers."
    )
