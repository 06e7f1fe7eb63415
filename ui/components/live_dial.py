"""A budget that is dragged in the browser: tiles, bits of each layer and the curve follow there.

The server hears of it on release, and of what is done to a layer or by key.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import streamlit as st

from ui.components.live_dial_payload import payload
from ui.components.live_dial_view import (
    DialEvent,
    DialLayer,
    DialMark,
    DialMeasured,
    DialPoint,
    DialTile,
    DialUnit,
    LiveDial,
)
from ui.theme import Palette

__all__ = [
    "DialEvent",
    "DialLayer",
    "DialMark",
    "DialMeasured",
    "DialPoint",
    "DialTile",
    "DialUnit",
    "LiveDial",
    "event_of",
    "live_dial",
    "payload",
]

_SCRIPTS = (
    "panel_base",
    "panel_drawing",
    "live_dial_math",
    "live_dial_words",
    "live_dial_path",
    "live_dial_svg",
    "live_dial_labels",
    "live_dial_bars",
    "live_dial_curve",
    "live_dial_names",
    "live_dial_marks",
    "live_dial_track",
    "live_dial_tiles",
    "live_dial_layer",
    "live_dial",
    "live_dial_acts",
    "live_dial_popover",
    "live_dial_hover",
    "live_dial_keys",
    "live_dial_events",
)
_HERE = Path(__file__)
_mount = st.components.v2.component(
    "bitdial_live_dial",
    html=_HERE.with_suffix(".html").read_text(encoding="utf-8"),
    css=_HERE.with_suffix(".css").read_text(encoding="utf-8"),
    js="\n".join(_HERE.with_name(f"{part}.js").read_text(encoding="utf-8") for part in _SCRIPTS),
)


def live_dial(
    view: LiveDial, key: str, alt: str, palette: Palette, on_event: Callable[[DialEvent], None]
) -> None:
    """Put it on the page. ``alt`` says in a sentence what it shows.

    ``on_event`` is a callback: it runs before the page does, once for each thing that was done, in
    order. Keep ``key`` the same for all views (and without two underscores in a row), so that the
    panel stays where it is.
    """
    # The browser numbers its events and repeats those that the page has not been seen to hear.
    heard = f"{key}-heard"

    def said() -> None:
        message = st.session_state[key].get("event")
        for serial, item in _unheard(message, st.session_state.get(heard, 0)):
            st.session_state[heard] = serial
            event = event_of(item, view)
            if event is not None:
                on_event(event)

    data = payload(view, alt, palette) | {"heard": st.session_state.get(heard, 0)}
    _mount(key=key, data=data, on_event_change=said)


def event_of(message: object, view: LiveDial) -> DialEvent | None:
    """What the browser says, checked; None where no panel of ours would have said it."""
    match message:
        case {"serial": bool()} | {"layer": bool()} | {"bits": bool()} | {"value": bool()}:
            return None
        case {"kind": "released", "value": int() | float() as value, "serial": int()}:
            unit = view.unit
            room = unit.step / 1000
            # The comparison is false for NaN.
            inside = unit.low - room <= value <= unit.high + room
            return DialEvent("released", value=float(value)) if inside else None
        case {"kind": "pin", "layer": int(layer), "bits": int() | None as bits, "serial": int()}:
            known = 0 <= layer < len(view.layers)
            if not known or (bits is not None and bits not in view.layers[layer].losses):
                return None
            return DialEvent("pin", layer=layer, bits=bits)
        case {"kind": "focus", "layer": int(layer), "serial": int()}:
            return DialEvent("focus", layer=layer) if 0 <= layer < len(view.layers) else None
        case {"kind": "undo" | "redo" | "keep" as kind, "serial": int()}:
            return DialEvent(kind)
    return None


def _unheard(message: object, last: int) -> Iterator[tuple[int, object]]:
    """(serial, event) of those after ``last``, in order."""
    match message:
        case {"events": [*items]}:
            for item in items:
                match item:
                    case {"serial": int(serial)} if serial > last:
                        last = serial
                        yield serial, item
