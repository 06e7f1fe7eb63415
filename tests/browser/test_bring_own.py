"""A visitor's own network and photographs, from two files to a measured allocation."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from playwright.sync_api import Page, expect

from qcore.samples import SAMPLES, build_sample

pytestmark = pytest.mark.browser
BOX = "input[type=file]"


@pytest.fixture(scope="module")
def url(start_server: Callable) -> str:
    return str(start_server().url)


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The small sample as an .onnx whose name is markup, with its weights in a second file."""
    folder = tmp_path_factory.mktemp("network")
    path = folder / "<b>fashion *cnn*.onnx"
    torch.onnx.export(
        build_sample("fashion-cnn"),
        (torch.zeros(1, 1, 28, 28),),
        str(path),
        dynamo=True,
        external_data=True,
        verbose=False,
    )
    return [path, Path(f"{path}.data")]


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """200 of the sample's images as PNG in class folders; one is broken."""
    path = tmp_path_factory.mktemp("data") / "photographs.zip"
    with np.load(SAMPLES["fashion-cnn"].evaluation) as sample, zipfile.ZipFile(path, "w") as target:
        for number, (image, label) in enumerate(
            zip(sample["images"][:200], sample["labels"][:200], strict=True)
        ):
            file = io.BytesIO()
            Image.fromarray(image[0]).save(file, "PNG")
            content = b"broken" if number == 5 else file.getvalue()
            target.writestr(f"{label}/{number:03d}.png", content)
    return path


def test_from_two_files_to_a_measured_allocation(
    url: str, page: Page, network: list[Path], photographs: Path
) -> None:
    page.goto(url)
    expect(page.get_by_text("Your own network")).to_be_visible()
    page.set_input_files(BOX, network)
    expect(page.get_by_text("Where weights and work are")).to_be_visible(timeout=120_000)
    expect(page.get_by_text("<b>fashion *cnn*.onnx").first).to_be_visible()  # as it is written

    page.get_by_role("link", name="Next: bring images").click()
    expect(page.get_by_text("Drop images of your own")).to_be_visible()
    page.set_input_files(BOX, photographs)
    expect(page.get_by_text("What the network sees")).to_be_visible(timeout=120_000)
    expect(page.get_by_text("005.png")).to_be_visible()
    # ImageNet's normalisation is not what this network was trained with, and the page says so.
    page.get_by_role("button", name="mean and spread of these images").click()
    accuracy = page.get_by_test_id("stMetricValue").nth(1)
    expect(accuracy).to_have_text(re.compile(r"^(8|9)\d\.\d %"), timeout=120_000)

    page.get_by_role("link", name="Next: measure sensitivity").click()
    page.get_by_role("button", name="Measure sensitivity").click()
    expect(page.get_by_text("measured in")).to_be_visible(timeout=120_000)
    page.get_by_role("link", name="Allocate").click()
    page.get_by_text("Measured", exact=True).click()  # the view
    page.get_by_role("button", name=re.compile("Measure on .* held-out images")).click()
    expect(page.get_by_text("Full precision", exact=True)).to_be_visible(timeout=120_000)

    page.reload()  # everything is in the address and in the store
    expect(page.get_by_text("Full precision", exact=True)).to_be_visible(timeout=120_000)


def test_a_refused_file_leaves_the_page_ready_for_the_next(
    url: str, page: Page, network: list[Path], tmp_path: Path
) -> None:
    whole = tmp_path / "model.pth"
    torch.save(torch.nn.Linear(2, 2), whole)
    page.goto(url)
    expect(page.get_by_text("Your own network")).to_be_visible()
    page.set_input_files(BOX, whole)
    expect(page.get_by_text("is a pickled module")).to_be_visible(timeout=120_000)
    expect(page.get_by_text("torch.export.save")).to_be_visible()
    page.set_input_files(BOX, network[:1])
    expect(page.get_by_text("upload both files together")).to_be_visible(timeout=120_000)
    page.set_input_files(BOX, network)
    expect(page.get_by_text("Where weights and work are")).to_be_visible(timeout=120_000)
