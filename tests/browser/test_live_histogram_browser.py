"""The live histogram under a real pointer: what it shows, and when the server hears of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from live_histogram_app import VIEWS
from playwright.sync_api import Page, WebSocket, expect

from ui.components.live_histogram import LiveHistogram

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def histogram_url(start_server: Callable[..., Any]) -> str:
    """A server with the histogram alone."""
    return str(start_server("tests/browser/live_histogram_app.py").url)


class Shown:
    """What the panel on the page says."""

    def __init__(self, page: Page, url: str, scheme: str) -> None:
        self.page = page
        self.sent: list[object] = []
        page.on("websocket", self.listen)
        page.goto(f"{url}/?scheme={scheme}")
        page.locator("[data-readout=mse] dd[title]").wait_for()
        expect(page.locator("code")).to_contain_text('"runs": 1')
        page.wait_for_timeout(300)

    def listen(self, socket: WebSocket) -> None:
        socket.on("framesent", lambda frame: self.sent.append(frame))

    def value(self, name: str) -> float:
        return float(str(self.page.locator(f"[data-readout={name}] dd").get_attribute("title")))

    def text(self, name: str) -> str:
        return self.page.locator(f"[data-readout={name}] dd").inner_text()

    def server(self) -> dict:
        return json.loads(self.page.locator("code").inner_text())

    def grip(self, side: int = 1) -> tuple[float, float]:
        box = self.page.locator(f".handle[data-side='{side}']").bounding_box()
        assert box is not None
        return box["x"] + box["width"] / 2, box["y"] + box["height"] / 3

    def levels_drawn(self) -> int:
        return str(self.page.locator("path.levels").get_attribute("d")).count("M")


def spread(view: LiveHistogram, inside: int = 800) -> tuple[npt.NDArray, npt.NDArray]:
    """Many values evenly over each bin, and the weight of each; exact zeros are one value.

    The outermost bins end at the smallest and the largest value.
    """
    filled = np.flatnonzero(view.counts)
    places = (np.arange(inside) + 0.5) / inside
    left = np.maximum(view.low + filled * view.bin_width, view.seen[0])[:, None]
    right = np.minimum(view.low + (filled + 1) * view.bin_width, view.seen[1])[:, None]
    values = left + places * (right - left)
    weights = np.broadcast_to(view.counts[filled][:, None] / inside, values.shape)
    return np.append(values.ravel(), 0.0), np.append(weights.ravel(), view.zeros)


def true_levels(view: LiveHistogram, bits: int, threshold: float) -> npt.NDArray:
    if view.scheme == "levels":
        assert view.levels is not None
        return view.levels[bits]
    if view.scheme == "symmetric":
        return np.linspace(-threshold, threshold, 2**bits - 1)
    low, high = max(view.seen[0], -threshold), min(view.seen[1], threshold)
    scale = (high - low) / (2**bits - 1)
    return (np.arange(2**bits) - np.rint(-low / scale)) * scale


def true_error(view: LiveHistogram, bits: int, threshold: float) -> tuple[float, float, float]:
    """(mean squared error, SQNR in dB, clipped share), value by value."""
    values, weights = spread(view)
    levels = true_levels(view, bits, threshold)
    right = np.clip(np.searchsorted(levels, values), 1, levels.size - 1)
    error = np.minimum(np.abs(values - levels[right - 1]), np.abs(values - levels[right]))
    mse = np.average(error**2, weights=weights)
    low, high = (levels[0], levels[-1]) if view.scheme == "levels" else (-threshold, threshold)
    clipped = np.average((values < low) | (values > high), weights=weights)
    return mse, 10 * np.log10(np.average(values**2, weights=weights) / mse), clipped


def assert_true(shown: Shown, view: LiveHistogram, bits: int) -> None:
    mse, sqnr, clipped = true_error(view, bits, shown.value("threshold"))
    assert shown.value("mse") == pytest.approx(mse, rel=2e-4)
    assert shown.value("sqnr") == pytest.approx(sqnr, abs=1e-3)
    assert shown.value("clipped") == pytest.approx(clipped, abs=2e-5)


def assert_bits_move_the_levels(shown: Shown, view: LiveHistogram) -> None:
    """One bit more and back, true before, between and after."""
    assert shown.value("threshold") == view.thresholds[view.bits]
    slider = shown.page.get_by_role("slider", name="Bits")
    levels = []
    for key, bits in ((None, view.bits), ("ArrowRight", view.bits + 1), ("ArrowLeft", view.bits)):
        if key is not None:
            slider.press(key)
            heard = f'"bits": {bits}, "threshold": null}}]}}'
            expect(shown.page.locator("code")).to_contain_text(heard)
        expect(slider).to_have_attribute("aria-valuetext", f"{bits} bits")
        assert_true(shown, view, bits)
        levels.append(shown.levels_drawn())
    assert levels[0] < levels[1]
    assert levels[0] == levels[2]


def test_a_codebook_has_no_threshold_to_drag(histogram_url: str, page: Page) -> None:
    view = VIEWS["levels"]()
    shown = Shown(page, histogram_url, "levels")
    assert_bits_move_the_levels(shown, view)
    assert shown.text("step") == "uneven"
    slider = page.get_by_role("slider", name="Bits")
    for cell, bits in enumerate(sorted(view.thresholds)):
        if bits != 3:
            slider.click(position={"x": 32 * cell + 16, "y": 14})
            expect(slider).to_have_attribute("aria-valuetext", f"{bits} bits")
    assert page.locator(".handle:visible").count() == 0


def test_dragging_is_heard_once_on_release(histogram_url: str, page: Page) -> None:
    view = VIEWS["symmetric"]()
    shown = Shown(page, histogram_url, "symmetric")
    assert_bits_move_the_levels(shown, view)
    assert page.locator(".handle:visible").count() == 2
    page.wait_for_timeout(200)
    sent, seen = len(shown.sent), set()
    x, y = shown.grip()
    page.mouse.move(x, y)
    page.mouse.down()
    for moved in range(5, 45, 5):
        page.mouse.move(x - moved, y)
        page.wait_for_timeout(40)
        seen.add((shown.text("threshold"), shown.text("mse"), shown.text("sqnr")))
    assert len(seen) == 8  # it followed the pointer,
    assert len(shown.sent) == sent  # and nobody was asked.
    assert_true(shown, view, 4)
    dragged = shown.value("threshold")
    assert dragged < view.thresholds[4]
    page.mouse.up()
    expect(page.locator("code")).to_contain_text('"runs": 4')
    page.wait_for_timeout(300)
    assert shown.server()["runs"] == 4
    assert shown.server()["heard"][2:] == [{"bits": 4, "threshold": dragged}]
    assert shown.value("threshold") == dragged  # the rerun changed nothing on the screen

    handle = page.get_by_role("slider", name="Threshold, right")
    handle.press("ArrowRight")
    expect(page.locator("code")).to_contain_text('"runs": 5')
    assert shown.value("threshold") == pytest.approx(dragged * 1.01)
    assert handle.evaluate("node => node === node.getRootNode().activeElement")
    page.get_by_role("button", name="reset").click()
    expect(page.locator("code")).to_contain_text('"runs": 6')
    assert shown.server()["heard"][-1] == {"bits": 4, "threshold": None}
    assert shown.value("threshold") == view.thresholds[4]


def test_a_click_on_a_named_line_or_a_point_chooses_it(histogram_url: str, page: Page) -> None:
    view = VIEWS["affine"]()
    assert view.curves is not None
    shown = Shown(page, histogram_url, "affine")
    assert_bits_move_the_levels(shown, view)
    assert page.locator(".handle:visible").count() == 1
    curve = view.curves[4]
    assert shown.value("kl") == pytest.approx(curve.y[np.searchsorted(curve.x, 2.4)], rel=1e-3)
    entropy = view.lines[2].thresholds[4]
    page.get_by_role("button", name="entropy").click()
    expect(page.locator("code")).to_contain_text('"runs": 4')
    assert shown.server()["heard"][-1] == {"bits": 4, "threshold": entropy}
    assert shown.value("threshold") == entropy
    assert_true(shown, view, 4)
    page.locator(".side circle").nth(4).click()
    expect(page.locator("code")).to_contain_text('"runs": 5')
    assert shown.server()["heard"][-1] == {"bits": 6, "threshold": entropy}
    page.locator(".main").hover(position={"x": 200, "y": 200})
    expect(page.locator(".tip")).to_contain_text("values")
