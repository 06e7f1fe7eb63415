"""Marks that stay as they are when another one is clicked."""

from __future__ import annotations

from typing import Any


def unfaded(opacity: float = 1.0, text_color: str | None = None) -> dict[str, Any]:
    """The settings of a trace for that: plotly fades all that was not clicked.

    The charts mark the focused layer themselves, as soon as the page has been drawn anew.
    """
    state: dict[str, Any] = {"marker": {"opacity": opacity}}
    if text_color is not None:
        state["textfont"] = {"color": text_color}
    return {"selected": state, "unselected": state}
