"""A person drags a budget, pins, takes it back, compares two configurations and takes one along."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, urlparse

import pytest
from playwright.sync_api import Locator, Page, expect

pytestmark = pytest.mark.browser


def query(page: Page, name: str) -> str | None:
    return parse_qs(urlparse(page.url).query).get(name, [None])[0]


def centre(item: Locator) -> tuple[float, float]:
    box = item.bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def confirmed(page: Page) -> None:
    """Wait until the solver's answer is shown."""
    expect(page.locator(".ld .hint[data-state=confirmed]")).to_contain_text("Proven")


def drag(page: Page, pixels: float) -> None:
    """Drag the dial, and wait for what the solver says."""
    before = query(page, "budget")
    x, y = centre(page.get_by_role("slider"))
    page.mouse.move(x, y)
    page.mouse.down()
    for part in range(1, 11):
        page.mouse.move(x + pixels * part / 10, y)
    page.mouse.up()
    expect(page).not_to_have_url(re.compile(re.escape(f"budget={before}".replace(":", "%3A"))))
    confirmed(page)


def test_drag_pin_undo_compare_export(start_server: Callable, page: Page, tmp_path: Path) -> None:
    url = start_server().url
    page.goto(f"{url}/sensitivity?model=sample%3Afashion-cnn")
    expect(page.get_by_role("button", name="Measure sensitivity")).to_be_visible(timeout=180_000)
    page.wait_for_timeout(1000)  # the form fills itself before it listens
    page.get_by_text("Projected", exact=True).click()
    page.wait_for_timeout(1000)
    page.get_by_role("button", name="Measure sensitivity").click()
    expect(page.get_by_text("measured in")).to_be_visible(timeout=120_000)
    page.get_by_role("link", name="Allocate").click()
    confirmed(page)
    page.wait_for_timeout(1000)

    drag(page, -150)
    dialled = query(page, "budget")
    assert dialled is not None
    page.locator(".ld").get_by_role("button", name="Keep").click()
    expect(page).to_have_url(re.compile("kept="))

    page.locator(".ld .bars").click(position={"x": 200, "y": 200})
    choices = page.locator(".ld .choices button")
    choices.last.click()
    expect(page).to_have_url(re.compile("pins="))
    confirmed(page)
    page.locator(".ld").get_by_role("button", name="Undo").click()
    expect(page).not_to_have_url(re.compile("pins="))
    assert query(page, "budget") == dialled

    drag(page, 250)
    page.locator(".ld").get_by_role("button", name="Keep").click()
    expect(page).to_have_url(re.compile("kept=[2-8]{11}%2C[2-8]{11}"))
    page.get_by_text("Compare", exact=True).click()
    expect(page.get_by_text("layers differ")).to_be_visible()
    expect(page.get_by_text("On the dial").first).to_be_visible()
    expect(page.get_by_role("button", name="Remove")).to_have_count(2)
    expect(page.get_by_text("Size (kB)")).to_be_visible()

    page.reload()
    expect(page.get_by_text("layers differ")).to_be_visible()
    confirmed(page)
    page.get_by_text("Take it with you", exact=True).click()
    with page.expect_download() as caught:
        page.get_by_role("button", name="Configuration (JSON)").click()
    caught.value.save_as(tmp_path / "allocation.json")
    allocation = json.loads((tmp_path / "allocation.json").read_text())
    kept = str(query(page, "kept")).split(",")[1]
    assert "".join(str(entry["weight"]) for entry in allocation["bits"].values()) == kept
    expect(page.locator("[data-testid=stException]")).to_have_count(0)
