"""Put a figure on the page with the settings all charts share."""

from __future__ import annotations

from collections.abc import Callable

import plotly.graph_objects as go
import streamlit as st

_CONFIG = {
    "displaylogo": False,
    "displayModeBar": "hover",
    "modeBarButtonsToRemove": ["select2d", "lasso2d", "autoScale2d"],
}


def chart(
    figure: go.Figure,
    key: str,
    alt: str,
    on_click: Callable[[str], None] | None = None,
) -> None:
    """Draw a figure; ``on_click`` gets the chart's key when a mark is clicked.

    ``alt`` says in a sentence what the chart shows, for screen readers. The camera of the tool bar
    saves SVG.
    """
    image = {"format": "svg", "filename": f"bitdial-{key}", "scale": 2}
    config = {**_CONFIG, "toImageButtonOptions": image}
    if on_click is None:
        st.plotly_chart(figure, key=key, alt=alt, config=config)
        return
    st.plotly_chart(
        figure,
        key=key,
        alt=alt,
        config=config,
        selection_mode="points",
        on_select=lambda: on_click(key),
    )
