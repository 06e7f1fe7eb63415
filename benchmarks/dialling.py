"""The dial of the page Allocate in Chromium: repaints in a drag, and the answer on release."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from benchmarks.figure import Figure

_SECONDS = 2.0  # of one drag
_TIMES = 5

_COUNT = """root => {
    const diamond = root.querySelector(".current")
    window.paints = 0
    let last = diamond.getAttribute("transform")
    const look = () => {
        const now = diamond.getAttribute("transform")
        if (now !== last) { window.paints += 1; last = now }
        window.looking = requestAnimationFrame(look)
    }
    look()
}"""
_STOP = "() => { cancelAnimationFrame(window.looking); return window.paints }"


def bench_dialling(page: Any, url: str) -> Iterator[Figure]:
    """EfficientNet-Lite0, 50 layers; measures its sensitivity first. Medians of five drags."""
    sent: list[Any] = []
    page.on("websocket", lambda socket: socket.on("framesent", lambda frame: sent.append(frame)))
    page.goto(f"{url}/sensitivity?model=sample%3Aefficientnet-lite0")
    page.get_by_role("button", name="Measure sensitivity").wait_for()
    page.wait_for_timeout(2000)
    page.get_by_text("Projected", exact=True).click()
    page.wait_for_timeout(2000)
    page.get_by_role("button", name="Measure sensitivity").click()
    page.get_by_text("measured in").wait_for()
    page.get_by_role("link", name="Allocate").click()
    _confirmed(page)
    page.wait_for_timeout(3000)
    rates, answers, frames = [], [], 0
    for number in range(_TIMES):
        direction = 1 if number % 2 else -1
        rate, seconds, during = _drag(page, direction, sent)
        rates.append(rate)
        answers.append(seconds)
        frames += during
        page.wait_for_timeout(1500)
    yield Figure(
        "EfficientNet-Lite0: repaints per second of drag",
        f"{sorted(rates)[_TIMES // 2]:.0f}",
        f"{min(rates):.0f} to {max(rates):.0f}; {frames} messages to the server before release",
    )
    yield Figure(
        "EfficientNet-Lite0: dial let go to the proven optimum, drawn",
        f"{sorted(answers)[_TIMES // 2]:.2f} s",
        f"{min(answers):.2f} to {max(answers):.2f} s",
    )


def _drag(page: Any, direction: int, sent: list[Any]) -> tuple[float, float, int]:
    """(repaints per second, seconds from release to the answer, messages during the drag)."""
    box = page.get_by_role("slider").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.locator(".ld").evaluate(_COUNT)
    before, started, moved = len(sent), time.perf_counter(), 0.0
    while (passed := time.perf_counter() - started) < _SECONDS:
        moved = direction * 300 * passed / _SECONDS
        page.mouse.move(x + moved, y)
    paints, during = page.evaluate(_STOP), len(sent) - before
    released = time.perf_counter()
    page.mouse.up()
    _confirmed(page)
    return paints / passed, time.perf_counter() - released, during


def _confirmed(page: Any) -> None:
    page.locator(".ld .hint[data-state=confirmed]").get_by_text("Proven").wait_for()
