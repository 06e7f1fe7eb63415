"""What a visitor waits for, in Chromium: a cold start, a page switch, a threshold, a budget."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from benchmarks.bring import bench_bring
from benchmarks.calibrating import bench_calibrating
from benchmarks.dialling import bench_dialling
from benchmarks.figure import Figure

ROOT = Path(__file__).resolve().parent.parent
_QUIET = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"]


def bench_pages() -> Iterator[Figure]:
    """Server and browser on the same machine; medians of five where something is repeated."""
    sys.path.insert(0, str(ROOT / "scripts"))
    from find_chromium import find
    from playwright.sync_api import sync_playwright

    path = find()
    if path is None:
        yield Figure("pages", "skipped", "no Chromium found; install it, or set BITDIAL_CHROMIUM")
        return
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=_QUIET)
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.set_default_timeout(180_000)
        started = time.perf_counter()
        command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port)]
        server = subprocess.Popen(
            command, cwd=ROOT, env=os.environ.copy(), stdout=subprocess.DEVNULL
        )
        try:
            yield from _measure(page, f"http://127.0.0.1:{port}", started)
        finally:
            browser.close()
            server.send_signal(signal.SIGINT)
            server.wait(30)


def _measure(page: Any, url: str, started: float) -> Iterator[Figure]:
    _open(page, url)
    page.get_by_role("button", name="Open Fashion CNN").wait_for()
    yield _since("cold start: command to an interactive first page", started)
    clicked = time.perf_counter()
    page.get_by_role("button", name="Open Fashion CNN").click()
    page.get_by_text("Where weights and work are").wait_for()
    yield _since("click on a sample to its layers, first time on this machine", clicked)
    page.get_by_role("link", name="Sensitivity").click()
    page.get_by_role("button", name="Measure sensitivity").click()
    page.get_by_text("measured in").wait_for()

    def switch(name: str, sign: str) -> Callable[[], None]:
        def go() -> None:
            page.get_by_role("link", name=name).click()
            page.get_by_text(sign).wait_for()

        return go

    pages = {"Weights": "What each bit buys", "Allocate": "Proven optimal"}
    for name, sign in pages.items():
        times = []
        for _ in range(5):
            switch("Network", "Where weights and work are")()
            times.append(_seconds(switch(name, sign)))
        yield Figure(f"switch to {name}, all of it drawn", f"{_median(times):.2f} s")
    yield from bench_calibrating(page)
    yield from bench_bring(page, url)
    yield from bench_dialling(page, url)


def _open(page: Any, url: str) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            page.goto(url)
            return
        except Exception:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def _seconds(action: Callable[[], None]) -> float:
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def _since(what: str, started: float) -> Figure:
    return Figure(what, f"{time.perf_counter() - started:.1f} s")


def _median(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]
