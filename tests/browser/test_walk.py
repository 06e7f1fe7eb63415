"""The whole path in a real browser: open, look, measure, allocate, measure, download."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, urlparse

import pytest
from playwright.sync_api import Browser, Page, expect

pytestmark = pytest.mark.browser
MODEL = "model=sample%3Afashion-cnn"


def query(page: Page) -> dict[str, list[str]]:
    return parse_qs(urlparse(page.url).query)


@pytest.fixture(scope="module")
def url(start_server: Callable) -> str:
    return str(start_server().url)


def test_deep_link_on_a_cold_server(start_server: Callable, page: Page) -> None:
    server = start_server()
    page.goto(f"{server.url}/weights?{MODEL}&layer=down.conv&grid_bits=3")
    expect(page.get_by_role("heading", name="down.conv")).to_be_visible()
    assert urlparse(page.url).path == "/weights"
    assert query(page) == {
        "model": ["sample:fashion-cnn"],
        "layer": ["down.conv"],
        "grid_bits": ["3"],
    }
    # The menu is the app's, not the folder's: nine pages, no "app".
    links = page.get_by_test_id("stSidebarNav").get_by_role("link")
    assert links.all_inner_texts() != []
    assert [text.split("\n")[-1] for text in links.all_inner_texts()] == [
        "Network",
        "Data",
        "Weights",
        "Calibration",
        "Sensitivity",
        "Allocate",
        "Search",
        "Hardware",
        "Numbers",
    ]
    expect(page.locator("[data-testid=stException]")).to_have_count(0)


def test_from_sample_to_measured_allocation(url: str, page: Page, tmp_path: Path) -> None:
    outside: list[str] = []
    page.on(
        "request",
        lambda r: None if r.url.startswith((url, "data:", "blob:")) else outside.append(r.url),
    )
    page.goto(url)
    page.get_by_role("button", name="Open Fashion CNN").click()
    expect(page.get_by_text("Where weights and work are")).to_be_visible()
    page.get_by_role("link", name="Sensitivity").click()
    page.get_by_role("button", name="Measure sensitivity").click()
    expect(page.get_by_text("measured in")).to_be_visible(timeout=120_000)
    assert "job" in query(page)

    page.get_by_role("link", name="Allocate").click()
    slider = page.get_by_role("slider")
    expect(page.get_by_role("status").filter(has_text="Proven")).to_be_visible()
    slider.focus()
    for _ in range(5):
        slider.press("ArrowLeft")
    expect(page).to_have_url(re.compile("budget=size_bytes"))
    expect(page.get_by_role("status").filter(has_text="Proven")).to_be_visible()

    page.get_by_text("Measured", exact=True).click()
    page.get_by_role("button", name="held-out images").click()
    expect(page.get_by_text("Full precision", exact=True)).to_be_visible()
    page.get_by_text("Take it with you", exact=True).click()
    with page.expect_download() as caught:
        page.get_by_role("button", name="Configuration (JSON)").click()
    caught.value.save_as(tmp_path / "allocation.json")
    allocation = json.loads((tmp_path / "allocation.json").read_text())
    assert len(allocation["bits"]) == 11
    assert all(entry["weight"] in (2, 3, 4, 5, 6, 8) for entry in allocation["bits"].values())
    assert outside == []  # nothing is loaded from anywhere but this server


def test_reload_second_tab_cancel_and_resume(url: str, browser: Browser, page: Page) -> None:
    page.goto(f"{url}/sensitivity?{MODEL}")
    bits = page.get_by_role("button", name="16", exact=True)
    expect(bits).to_be_visible()
    bits.click()
    page.get_by_role("button", name="7", exact=True).click()
    page.get_by_role("radio", name="Both", exact=True).click()  # enough work to be cancelled
    page.wait_for_timeout(1000)
    page.get_by_role("button", name="Measure sensitivity").click()
    cancel = page.get_by_role("button", name="Cancel")
    expect(cancel).to_be_visible()
    job = query(page)["job"]
    page.reload()
    expect(page.get_by_role("progressbar").first).to_be_visible()
    assert query(page)["job"] == job

    second = browser.new_page()
    second.goto(page.url)
    other_cancel = second.get_by_role("button", name="Cancel")
    expect(other_cancel).to_be_visible()
    other_cancel.click()
    expect(page.get_by_role("button", name="Resume")).to_be_visible()  # the first tab follows
    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_text("measured in")).to_be_visible(timeout=120_000)
    expect(page.get_by_text("88 of 88 cells")).to_be_visible()
    second.close()


def click_the_fourth_bar(page: Page) -> None:
    bar = page.locator("[data-testid=stPlotlyChart] .trace.bars .point path").nth(3)
    bar.wait_for()
    page.wait_for_load_state("networkidle")  # the chart listens a moment after it is drawn
    page.wait_for_timeout(1000)
    bar.click(force=True)
    expect(page).to_have_url(re.compile("layer=block1.conv2"))


def test_click_on_a_chart_focuses_the_layer_everywhere(url: str, page: Page) -> None:
    page.goto(f"{url}/?{MODEL}")
    click_the_fourth_bar(page)
    page.get_by_role("link", name="Weights").click()
    expect(page.get_by_role("heading", name="block1.conv2")).to_be_visible()


def test_a_click_on_a_bar_of_hardware_moves_its_roofline(url: str, page: Page) -> None:
    page.goto(f"{url}/hardware?{MODEL}&hardware=bismo-edge&weight_bits=3")
    click_the_fourth_bar(page)
    label = page.locator(".annotation-text", has_text="block1.conv2")  # of the roofline's dot
    expect(label).to_be_visible()
    expect(page).to_have_url(re.compile("hardware=bismo-edge"))
    expect(page).to_have_url(re.compile("weight_bits=3"))
    expect(page.locator("[data-testid=stException]")).to_have_count(0)


def test_a_threshold_let_go_is_measured_and_serves_the_other_pages(url: str, page: Page) -> None:
    page.goto(f"{url}/calibration?{MODEL}&layer=down.conv&threshold_bits=4")
    handle = page.get_by_role("slider", name="Threshold, right")
    expect(handle).to_be_visible(timeout=120_000)
    page.wait_for_timeout(1000)
    handle.focus()
    handle.press("ArrowLeft")
    expect(page.get_by_text(re.compile("images, measured in"))).to_be_visible(timeout=120_000)
    page.get_by_role("button", name="Measure ΔL of all").click()
    every = page.get_by_role("button", name="Measure ΔL of all")
    expect(every).to_be_disabled()  # all are known: the table followed by itself
    page.get_by_role("button", name="Clip this layer at").click()
    expect(page).to_have_url(re.compile("clipping="))
    page.get_by_role("link", name="Sensitivity").click()
    expect(page.get_by_role("button", name="Measure sensitivity")).to_be_enabled()
    page.wait_for_timeout(2000)  # the form fills itself from the run in view before it listens
    page.get_by_text("Inputs", exact=True).click()
    expect(page.get_by_text("clipping: mse, 1 layer otherwise")).to_be_visible()
    expect(page.locator("[data-testid=stException]")).to_have_count(0)


def test_another_network_in_the_sidebar_brings_its_own_layer(url: str, page: Page) -> None:
    page.goto(f"{url}/weights?{MODEL}&layer=down.conv&grid_bits=3&quantizer=affine")
    expect(page.get_by_role("heading", name="down.conv")).to_be_visible()
    page.get_by_role("combobox", name="Network").click()
    page.get_by_role("option", name="EfficientNet-Lite0").click()
    expect(page.get_by_role("heading", name="_conv_stem")).to_be_visible(timeout=180_000)
    focus = page.get_by_role("combobox", name="Focused layer")
    expect(focus).to_have_value("_conv_stem")
    expect(page).to_have_url(re.compile("efficientnet-lite0"))
    assert query(page).get("layer", ["_conv_stem"]) == ["_conv_stem"]  # the first may be left out

    page.get_by_role("link", name="Numbers").click()
    expect(page.get_by_role("heading", name="Numbers", exact=True)).to_be_visible()
    page.get_by_role("link", name="Weights").click()
    expect(page.get_by_role("heading", name="_conv_stem")).to_be_visible()
    expect(page).to_have_url(re.compile("grid_bits=3"))
    expect(page).to_have_url(re.compile("quantizer=affine"))
