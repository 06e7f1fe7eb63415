"""The page Allocate without a browser: a stand-in for the dial, and what the page shows."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import streamlit as st
from streamlit.testing.v1 import AppTest

from ui.components.live_dial import DialEvent, LiveDial

FASHION = "sample:fashion-cnn"


class Dial:
    """Remembers what was to be drawn, and has a text field in which to say what was done."""

    view: LiveDial

    def __call__(
        self, view: LiveDial, key: str, alt: str, palette: Any, on_event: Callable[..., None]
    ) -> None:
        self.view = view

        def said() -> None:
            on_event(DialEvent(**json.loads(st.session_state["said"])))

        st.text_input("said", key="said", on_change=said)

    def do(self, app: AppTest, kind: str, **fields: Any) -> AppTest:
        """Do something with the dial; the spaces make every event another text."""
        field = app.text_input(key="said")
        spaces = " " * (len(field.value or "") % 7 + 1)
        field.set_value(json.dumps({"kind": kind, **fields}) + spaces).run()
        assert not app.exception, app.exception
        return app

    @property
    def confirmed(self) -> tuple[int, ...]:
        """Weight bits of the answer."""
        assert self.view.confirmed is not None
        return tuple(int(bits) for bits in self.view.confirmed.bits)

    @property
    def costs(self) -> dict[str, float]:
        """Costs of the answer."""
        assert self.view.confirmed is not None
        return {name: cost for name, cost in self.view.confirmed.costs.items() if cost is not None}

    @property
    def loss(self) -> float:
        """Predicted loss of the answer."""
        assert self.view.confirmed is not None
        return self.view.confirmed.loss

    def points(self, name: str) -> tuple[Any, ...]:
        """Those of a mark."""
        return next((mark.points for mark in self.view.marks if mark.name == name), ())


def link(app: AppTest) -> dict[str, str]:
    """The query parameters."""
    found = {name: app.query_params[name] for name in app.query_params}
    return {name: v[0] if isinstance(v, list) else str(v) for name, v in found.items()}


def text_of(app: AppTest) -> str:
    """All that is written on the page."""
    parts = (app.markdown, app.caption, app.info, app.error, app.warning)
    return "\n".join(str(element.value) for kind in parts for element in kind)


def press(app: AppTest, label: str) -> AppTest:
    """Press the first button whose label has the text."""
    next(button for button in app.button if label in button.label).click().run()
    assert not app.exception, app.exception
    return app
