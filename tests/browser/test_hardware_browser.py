"""A click on a bar of the page Hardware moves the focus of every page."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser


def test_a_click_on_a_bar_focuses_its_layer(start_server: Callable, page: Page) -> None:
    url = start_server().url
    page.goto(f"{url}/hardware?model=sample%3Afashion-cnn&machine=bismo-edge&weight_bits=3")
    expect(page.get_by_text("Where the time goes")).to_be_visible(timeout=180_000)
    bar = page.locator("[data-testid=stPlotlyChart] .trace.bars .point path").nth(3)
    bar.wait_for()
    page.wait_for_load_state("networkidle")  # the chart listens a moment after it is drawn
    page.wait_for_timeout(1000)
    bar.click(force=True)
    expect(page).to_have_url(re.compile("layer=block1.conv2"))
    # The roofline follows: its label names the layer.
    expect(page.locator(".annotation-text", has_text="block1.conv2")).to_be_visible()
    expect(page).to_have_url(re.compile("machine=bismo-edge"))
    expect(page).to_have_url(re.compile("weight_bits=3"))
    expect(page.locator("[data-testid=stException]")).to_have_count(0)
