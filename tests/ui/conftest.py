"""Pages without a browser and without workers: jobs run where they are submitted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import streamlit as st
from inline_runner import InlineRunner
from streamlit.testing.v1 import AppTest

import ui.engine

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def open_page(monkeypatch: pytest.MonkeyPatch) -> Callable[..., AppTest]:
    """A function that opens the app with query parameters, on a fresh store."""
    st.cache_resource.clear()
    st.cache_data.clear()
    monkeypatch.setattr(ui.engine, "JobRunner", InlineRunner)

    def open_app(page: str | None = None, **query: str) -> AppTest:
        app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=90)
        for name, value in query.items():
            app.query_params[name] = value
        app.run()
        if page is not None:
            app.switch_page(f"pages/{page}.py").run()
        assert not app.exception, app.exception
        return app

    return open_app
