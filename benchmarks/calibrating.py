"""The calibration page: from a click to its charts, and from a threshold let go to its loss."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Any

from benchmarks.figure import Figure

_MEASURED = re.compile(r"images, measured in")


def bench_calibrating(page: Any) -> Iterator[Figure]:
    """On the sample that is open."""
    started = time.perf_counter()
    page.get_by_role("link", name="Calibration").click()
    page.get_by_text("The same on the command line").wait_for()
    seconds = time.perf_counter() - started
    yield Figure("first look at Calibration (1,000 images counted), drawn", f"{seconds:.1f} s")
    handle = page.get_by_role("slider", name="Threshold, right")
    times = []
    for _ in range(5):
        page.wait_for_timeout(1500)
        shown = page.get_by_text(_MEASURED)
        before = shown.inner_text() if shown.count() else ""
        handle.focus()
        started = time.perf_counter()
        handle.press("ArrowLeft")
        while shown.count() != 1 or shown.inner_text() == before:
            page.wait_for_timeout(10)
        times.append(time.perf_counter() - started)
    yield Figure("threshold let go to the layer's true ΔL", f"{sorted(times)[2]:.2f} s")
