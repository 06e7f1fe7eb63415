"""Where thresholds were dragged to: kept for each layer, the one in view in the URL as well."""

from __future__ import annotations

import math

import streamlit as st

from qcore.calibrate.clipping import LARGEST_THRESHOLD, SMALLEST_THRESHOLD, Target
from ui.calibration.source import Source

BY_HAND = "by_hand"
"""Query parameter."""

_DRAGGED = "dragged_thresholds"
_Place = tuple[str, str, str]


def rounded(threshold: float) -> float:
    """To nine significant digits (all that float32 tells apart), so that equals are equal."""
    return float(f"{threshold:.9g}")


def dragged(source: Source, layer: str, target: Target) -> float | None:
    """Where this layer's threshold was dragged to; a reload or a link brings it from the URL."""
    place = _place(source, layer, target)
    if _DRAGGED not in st.session_state:
        found = _read(st.query_params.get(BY_HAND))
        st.session_state[_DRAGGED] = {} if found is None else {place: found}
    now = _all().get(place)
    if now is None:
        st.query_params.pop(BY_HAND, None)
    elif st.query_params.get(BY_HAND) != repr(now):
        st.query_params[BY_HAND] = repr(now)
    return now


def drag(source: Source, layer: str, target: Target, threshold: float) -> None:
    """Remember where the visitor let go; call from a callback."""
    _all()[_place(source, layer, target)] = threshold


def undo_drag(source: Source, layer: str, target: Target) -> None:
    """Forget it; call from a callback."""
    _all().pop(_place(source, layer, target), None)


def _read(text: str | None) -> float | None:
    try:
        value = rounded(float(text or ""))
    except ValueError:
        return None
    kept = math.isfinite(value) and SMALLEST_THRESHOLD <= value <= LARGEST_THRESHOLD
    return value if kept else None


def _place(source: Source, layer: str, target: Target) -> _Place:
    return source.prepared.network.fingerprint, layer, target


def _all() -> dict[_Place, float]:
    found: dict[_Place, float] = st.session_state.setdefault(_DRAGGED, {})
    return found
