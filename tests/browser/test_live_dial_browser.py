"""The live dial under a real pointer and real keys: what it shows, and when the server hears."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from live_dial_app import view_of
from playwright.sync_api import Locator, Page, WebSocket, expect

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def dial_url(start_server: Callable[..., Any]) -> str:
    """A server with the dial alone."""
    return str(start_server("tests/browser/live_dial_app.py").url)


PAINTED = """async root => {
    await new Promise(done => requestAnimationFrame(() => setTimeout(done)))
    const bars = [...root.querySelectorAll(".rects rect")].map(bar => bar.getAttribute("height"))
    const diamond = root.querySelector(".current").getAttribute("transform")
    return [diamond, root.querySelector("[data-tile=size_bytes] b").textContent, bars.join()]
}"""


class Dial:
    """What the panel on the page says."""

    def __init__(self, page: Page, url: str, net: str) -> None:
        self.page = page
        self.sent: list[object] = []
        page.on("websocket", self.listen)
        page.goto(f"{url}/?net={net}")
        expect(self.tile("size_bytes")).to_contain_text("B")
        expect(page.locator("code")).to_contain_text('"runs": 1')
        page.wait_for_timeout(300)

    def listen(self, socket: WebSocket) -> None:
        socket.on("framesent", lambda frame: self.sent.append(frame))

    def tile(self, name: str) -> Locator:
        return self.page.locator(f"[data-tile={name}] dd b")

    def hear(self, number: int) -> list[dict[str, Any]]:
        """What the server has heard, once it is so much."""
        expect(self.page.locator("code")).to_contain_text(f'"count": {number},')
        heard: list[dict[str, Any]] = json.loads(self.page.locator("code").inner_text())["heard"]
        assert len(heard) == number
        return heard

    def no_more(self, number: int) -> None:
        """Longer than any rest of the keys, nothing else is heard."""
        self.page.wait_for_timeout(600)
        self.hear(number)

    def painted(self) -> tuple[str, str, str]:
        """Place of the diamond, size, and height of each bar, once what was asked for is drawn."""
        return tuple(self.page.locator(".ld").evaluate(PAINTED))

    def bars(self) -> list[float]:
        """How high each bar is."""
        script = "nodes => nodes.map(node => Number(node.getAttribute('height')))"
        heights: list[float] = self.page.locator(".rects rect").evaluate_all(script)
        return heights

    def value(self) -> float:
        return float(str(self.page.get_by_role("slider").get_attribute("aria-valuenow")))


def centre(item: Locator) -> tuple[float, float]:
    box = item.bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def fresh() -> dict[str, Any]:
    return {"pins": {}, "focus": 0, "heard": [], "runs": 0}


def event(kind: str, **said: Any) -> dict[str, Any]:
    return {"kind": kind, "value": None, "layer": None, "bits": None} | said


def test_a_drag_is_followed_in_the_browser_and_heard_once(dial_url: str, page: Page) -> None:
    view = view_of("efficient", fresh())
    dial = Dial(page, dial_url, "efficient")
    expect(page.locator(".hint")).to_have_text("optimum proven, 0.21 s")
    x, y = centre(page.get_by_role("slider"))
    sent, seen = len(dial.sent), []
    page.mouse.move(x, y)
    page.mouse.down()
    for step in range(1, 41):
        page.mouse.move(x - 7 * step, y)
        seen.append(dial.painted())
    diamonds, sizes, bars = (set(column) for column in zip(*seen, strict=True))
    assert min(len(diamonds), len(bars)) >= 20  # it followed the pointer,
    assert len(sizes) >= 10
    assert len(dial.sent) == sent  # and nobody was asked.
    expect(page.locator(".hint")).to_contain_text("live")

    dropped = dial.value()  # What is shown is the best that fits, as the view has it:
    costs = [float(p.costs["size_bytes"] or 0) for p in view.path]
    fitting = [p for p, cost in zip(view.path, costs, strict=True) if cost <= dropped * 1e6]
    best = min(fitting, key=lambda p: p.loss)
    assert dial.tile("average_bits").inner_text() == f"{best.costs['average_bits']:.3f}"
    ratio = view.full_bytes / float(best.costs["size_bytes"] or 0)
    assert dial.tile("ratio").inner_text() == f"{ratio:.1f}×"
    heights = dial.bars()
    order = sorted(range(50), key=lambda i: heights[i])
    assert [best.bits[i] for i in order] == sorted(best.bits)

    page.mouse.up()
    assert dial.hear(1) == [event("released", value=pytest.approx(dropped))]
    assert dial.value() == pytest.approx(dropped)
    expect(page.locator(".hint")).to_have_text("optimum proven, 0.21 s")
    page.get_by_role("button", name="16", exact=True).click()  # what 16 bits everywhere cost
    assert dial.hear(2)[1:] == [event("released", value=pytest.approx(view.unit.high))]
    dial.no_more(2)


def test_a_bar_offers_bits_to_pin(dial_url: str, page: Page) -> None:
    confirmed = view_of("small", fresh()).confirmed
    assert confirmed is not None
    dial = Dial(page, dial_url, "small")
    before = dial.bars()
    page.mouse.click(*centre(page.locator(".rects rect").nth(4)))
    popover = page.get_by_role("dialog", name="Pin blocks.1.conv_pw")
    expect(popover.get_by_role("button", name="4 bits")).to_contain_text("free")
    expect(popover.get_by_role("button", name="2 bits")).to_contain_text("+")
    expect(popover.get_by_role("button", name="7 bits")).to_contain_text("not possible")
    assert dial.hear(1) == [event("focus", layer=4)]
    popover.get_by_role("button", name="2 bits").click()
    expect(popover).to_be_hidden()
    assert dial.hear(2)[1:] == [event("pin", layer=4, bits=2)]
    # Up to 8 bits, bars are in proportion.
    assert confirmed.bits[5] <= 8
    assert dial.bars()[4] == pytest.approx(before[5] / confirmed.bits[5] * 2)
    assert page.locator(".pins").get_attribute("d")

    page.get_by_role("button", name="Pin bits").click()
    popover.get_by_role("button", name="Unpin").click()
    assert dial.hear(3)[2:] == [event("pin", layer=4)]
    assert dial.bars() == before
    assert not page.locator(".pins").get_attribute("d")
    page.get_by_role("button", name="Pin bits").click()
    expect(popover).to_be_visible()
    page.keyboard.press("Escape")
    expect(popover).to_be_hidden()
    page.get_by_role("button", name="Pin bits").click()
    page.mouse.click(5, 5)  # anywhere else
    expect(popover).to_be_hidden()
    dial.no_more(3)


def test_keys_reach_it_where_nothing_else_has_the_focus(dial_url: str, page: Page) -> None:
    view = view_of("efficient", fresh())
    dial = Dial(page, dial_url, "efficient")
    for key in ("ArrowRight", "ArrowRight", "ArrowLeft", "ArrowRight"):
        page.keyboard.press(key)
    stepped = pytest.approx(view.value + 2 * view.unit.step)
    assert dial.hear(1) == [event("released", value=stepped)]
    for key in ("]", "]", "]", "["):
        page.keyboard.press(key)
    assert dial.hear(2)[1:] == [event("focus", layer=2)]
    page.keyboard.press("3")
    assert dial.hear(3)[2:] == [event("pin", layer=2, bits=3)]
    page.keyboard.press("1")
    page.keyboard.press("6")
    assert dial.hear(4)[3:] == [event("pin", layer=2, bits=16)]
    page.keyboard.press("Backspace")
    assert dial.hear(5)[4:] == [event("pin", layer=2)]
    # Two things at once: what rests is told first, and nothing is lost.
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("u")
    page.keyboard.press("k")
    one_less = pytest.approx(view.value + view.unit.step)
    assert dial.hear(8)[5:] == [event("released", value=one_less), event("undo"), event("keep")]
    expect(page.get_by_role("button", name="Redo")).to_be_disabled()
    page.keyboard.press("Control+y")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog", name="Keys")).to_be_hidden()
    dial.no_more(8)

    page.get_by_role("slider").press("Home")
    assert dial.hear(9)[8:] == [event("released", value=view.unit.low)]
    number = page.locator("input.value")
    number.fill("1.5")
    number.press("Enter")
    assert dial.hear(10)[9:] == [event("released", value=1.5)]
    number.fill("much")
    number.press("Enter")
    expect(number).to_have_value("1.50")  # that is no number
    page.locator(".curve").click(position={"x": 300, "y": 60})
    assert dial.hear(11)[10]["kind"] == "released"


def test_what_cannot_be_kept_says_why(dial_url: str, page: Page) -> None:
    dial = Dial(page, dial_url, "small")
    keep = page.get_by_role("button", name="Keep")
    keep.click()
    assert dial.hear(1) == [event("keep")]
    expect(keep).to_be_disabled()
    words = "four are kept; remove one under Compare first"
    expect(keep).to_have_attribute("title", words)
    page.get_by_role("slider").press("k")
    expect(page.get_by_role("tooltip")).to_have_text(words)
    dial.no_more(1)


def test_tiles_flips_and_a_pin_explain_themselves(dial_url: str, page: Page) -> None:
    view = view_of("efficient", fresh())
    assert view.confirmed is not None
    dial = Dial(page, dial_url, "efficient")
    bops = float(view.confirmed.costs["bops"] or 0)
    assert dial.tile("bops").inner_text() == f"{bops / 1e9:.2f} GBOPs"
    tip = page.get_by_role("tooltip")
    page.locator("[data-tile=bops]").hover()
    expect(tip).to_contain_text("Bit operations of an image")
    page.get_by_role("slider").focus()
    page.keyboard.press("Tab")
    expect(tip).to_contain_text("Bytes of the whole network")
    expect(page.locator(".caption")).to_contain_text("blocks.0.conv_dw changes its bits")
    page.keyboard.press("2")
    assert dial.hear(1) == [event("pin", layer=0, bits=2)]
    cost = view.layers[0].losses[2] - view.layers[0].losses[4]
    expect(page.locator(".facts")).to_contain_text(f"pin costs +{cost:.3g}")


def test_an_interval_stays_in_the_plot(dial_url: str, page: Page) -> None:
    Dial(page, dial_url, "one")
    expect(page.locator(".hint")).to_have_attribute("data-state", "infeasible")
    plot = page.locator(".plot.curve").bounding_box()
    assert plot is not None
    for name in (".range", ".band"):
        box = page.locator(name).bounding_box()
        assert box is not None
        assert plot["y"] < box["y"]
        assert box["y"] + box["height"] < plot["y"] + plot["height"] - 30  # above the axis' words
        assert box["height"] > 100
