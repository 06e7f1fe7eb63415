"""What a click on a chart or a row means."""

from __future__ import annotations

from typing import Any

import streamlit as st

from ui.state import focus_layer


def clicked(chart_key: str) -> Any:
    """The customdata of the first selected mark of a chart, None without a selection."""
    state = st.session_state.get(chart_key)
    points = state["selection"]["points"] if state else []
    return points[0].get("customdata") if points else None


def focus_clicked(chart_key: str) -> None:
    """Focus the layer that was clicked; for ``on_select`` of charts whose customdata begins with
    (or is) a layer's name."""
    data = clicked(chart_key)
    if data is None:
        return
    focus_layer(data if isinstance(data, str) else data[0])
    st.rerun()  # from a fragment too: the sidebar shows the focus


def focus_chosen(key: str) -> None:
    """Focus the layer that was chosen in a widget; a second click on it changes nothing."""
    name = st.session_state[key]
    if name is not None:
        focus_layer(name)
    st.rerun()


def focus_row(table_key: str, names: tuple[str, ...]) -> None:
    """Focus the layer of a selected table row."""
    rows = st.session_state[table_key]["selection"]["rows"]
    if rows:
        focus_layer(names[rows[0]])
