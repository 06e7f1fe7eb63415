"""What the live dial takes from the browser: only what a panel of ours would have said."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ui.components.live_dial import (
    DialEvent,
    DialLayer,
    DialUnit,
    LiveDial,
    event_of,
)

WIDTHS = (0, 2, 4, 8, 16)
KINDS = ("released", "pin", "focus", "undo", "redo", "keep")
UNIT = DialUnit("size_bytes", "Size", 1e6, 0.5, 2.0, 0.01, 2, "MB")
VIEW = LiveDial(
    unit=UNIT,
    value=1.0,
    path=(),
    confirmed=None,
    confirmed_text="",
    layers=tuple(DialLayer(n, n, 0.5, dict.fromkeys(WIDTHS, 0.1), None) for n in ("a", "b")),
    focus=0,
    marks=(),
    measured=(),
    tiles=(),
    quantity="loss",
    full_bytes=4e6,
)


@pytest.mark.parametrize(
    ("message", "event"),
    [
        ({"kind": "released", "value": 1.25}, DialEvent("released", value=1.25)),
        ({"kind": "released", "value": 2}, DialEvent("released", value=2.0)),
        ({"kind": "pin", "layer": 1, "bits": 0}, DialEvent("pin", layer=1, bits=0)),
        ({"kind": "pin", "layer": 0, "bits": None}, DialEvent("pin", layer=0)),
        ({"kind": "focus", "layer": 0}, DialEvent("focus", layer=0)),
        ({"kind": "undo"}, DialEvent("undo")),
        ({"kind": "redo"}, DialEvent("redo")),
        ({"kind": "keep"}, DialEvent("keep")),
    ],
)
def test_an_event_is_checked(message: dict[str, Any], event: DialEvent) -> None:
    assert event_of(message | {"serial": 3}, VIEW) == event
    assert event_of(message, VIEW) is None
    assert event_of(message | {"serial": "3"}, VIEW) is None


@pytest.mark.parametrize(
    "message",
    [
        None,
        "undo",
        [],
        {"kind": "reset"},
        {"kind": "released"},
        {"kind": "released", "value": "1"},
        {"kind": "released", "value": True},
        {"kind": "released", "value": math.nan},
        {"kind": "released", "value": math.inf},
        {"kind": "released", "value": 10**400},
        {"kind": "released", "value": 0.49},
        {"kind": "released", "value": 2.01},
        {"kind": "pin", "layer": 2, "bits": 4},
        {"kind": "pin", "layer": -1, "bits": 4},
        {"kind": "pin", "layer": True, "bits": 4},
        {"kind": "pin", "layer": 1, "bits": 3},
        {"kind": "pin", "layer": 1, "bits": False},
        {"kind": "pin", "layer": 1, "bits": 4.0},
        {"kind": "pin", "layer": 1},
        {"kind": "focus", "layer": 2},
        {"kind": "focus", "layer": 0.0},
    ],
)
def test_nonsense_is_not_an_event(message: object) -> None:
    whole = message | {"serial": 1} if isinstance(message, dict) else message
    assert event_of(whole, VIEW) is None


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=4,
)


@settings(max_examples=300)
@given(
    st.dictionaries(st.sampled_from(["kind", "value", "layer", "bits", "serial"]), ANY),
    st.sampled_from(KINDS),
    st.integers(-2, 3) | st.booleans(),
)
def test_whatever_is_heard_can_be_done(message: dict[str, Any], kind: str, small: int) -> None:
    for told in (message, {"serial": 1, "layer": small, "bits": small} | message | {"kind": kind}):
        event = event_of(told, VIEW)
        if event is None:
            continue
        assert event.kind in KINDS
        assert (event.value is not None) == (event.kind == "released")
        assert event.value is None or UNIT.low - 0.001 <= event.value <= UNIT.high + 0.001
        assert event.layer is None or 0 <= event.layer < 2
        assert event.bits is None or event.bits in WIDTHS
