"""Pages without a browser and without workers: jobs run where they are submitted."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest
import streamlit as st
from inline_runner import InlineRunner
from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import AppTest

import ui.engine
from qcore.graph.network import Network
from qcore.prepare import prepare

ROOT = Path(__file__).resolve().parents[2]
Progress = Callable[[float, str], None]


@pytest.fixture(scope="session", autouse=True)
def _one_scan() -> Iterator[None]:
    """Streamlit reads about every installed package anew for every AppTest; once will do."""
    with pytest.MonkeyPatch.context() as patch:
        scan = cache(manifest_scanner.scan_component_manifests)
        patch.setattr(manifest_scanner, "scan_component_manifests", scan)
        yield


@pytest.fixture(scope="session")
def weights_written(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., None]:
    """``write_weights`` that finds the thresholds of a network once for all tests."""
    folder, write = tmp_path_factory.mktemp("weights"), prepare.write_weights

    def write_or_copy(network: Network, path: Path, on_progress: Progress) -> None:
        known = folder / network.description.fingerprint
        if not known.exists():
            write(network, path, on_progress)
            shutil.copyfile(path, known)
        shutil.copyfile(known, path)

    return write_or_copy


@pytest.fixture
def open_page(
    monkeypatch: pytest.MonkeyPatch, weights_written: Callable[..., None]
) -> Callable[..., AppTest]:
    """A function that opens the app with query parameters, on a fresh store."""
    st.cache_resource.clear()
    st.cache_data.clear()
    monkeypatch.setattr(ui.engine, "JobRunner", InlineRunner)
    monkeypatch.setattr(prepare, "write_weights", weights_written)

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
