"""The command that the allocation page prints measures its allocation as the page does."""

from __future__ import annotations

import io
import json
import shlex
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from bring_common import press
from PIL import Image
from small_nets import small_residual
from streamlit.testing.v1 import AppTest

from qcore.calibrate.clipping import Clipping
from qcore.cli.main import main
from qcore.store.clippings import keep_clipping
from ui.downloads import json_text

IMAGES = 22


def program() -> bytes:
    axes = ({0: torch.export.Dim.AUTO},)
    exported = torch.export.export(
        small_residual(), (torch.zeros(2, 3, 8, 8),), dynamic_shapes=axes
    )
    file = io.BytesIO()
    torch.export.save(exported, file)
    return file.getvalue()


def photographs() -> bytes:
    file, random = io.BytesIO(), np.random.default_rng(0)
    with zipfile.ZipFile(file, "w") as archive:
        for number in range(IMAGES):
            image = io.BytesIO()
            pixels = random.integers(0, 256, (10, 12, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(image, "PNG")
            archive.writestr(f"{number % 5}/{number}.png", image.getvalue())
    return file.getvalue()


def test_measures_the_same(
    open_page: Callable[..., AppTest],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    exported: list[dict[str, Any]] = []

    def kept(value: dict[str, Any]) -> str:
        exported.append(value)
        return json_text(value)

    monkeypatch.setattr("ui.allocation.export.json_text", kept)
    app = open_page(input_bits="3", clipping=keep_clipping(Clipping(activation="max")))
    app.file_uploader[0].upload("small.pt2", program())
    app.run()
    app.switch_page("pages/data.py").run()
    app.file_uploader[0].upload("photos.zip", photographs())
    app.run()
    app.switch_page("pages/sensitivity.py").run()
    press(app, "Measure sensitivity")
    app.switch_page("pages/allocate.py").run()
    app.segmented_control(key="allocate_view").set_value("Measured").run()
    press(app, f"Measure on {IMAGES // 2} held-out images")
    shown = {metric.label: metric.value for metric in app.metric}

    app.segmented_control(key="allocate_view").set_value("Take it with you").run()
    (line,) = [c.value for c in app.caption if c.value.startswith("Measure it on this machine")]
    words = shlex.split(line.partition("`")[2].removesuffix("`"))
    assert words[:4] == ["python", "-m", "qcore", "evaluate"]
    monkeypatch.chdir(tmp_path)
    # The same options ask for the page's own table, which is in the store.
    options = words[words.index("--bits") + 2 :]
    table = ["sensitivity", *words[4:6], *options, "--json", "table.json"]
    monkeypatch.setattr("qcore.cli.answered.run_job", None)  # calling it would fail
    assert main(table) == 0
    assert {entry["activation"] for entry in exported[-1]["bits"].values()} == {3}
    assert exported[-1]["clipping"]["activation"] == "max"
    Path("a.json").write_text(json.dumps(exported[-1]))
    words[words.index("--bits") + 1] = "a.json"
    capsys.readouterr()
    assert main([*words[3:], "--json", "-"]) == 0
    measured = json.loads(capsys.readouterr().out)
    assert measured["samples"] == IMAGES // 2
    assert f"{measured['accuracy']:.2%}" == shown["Accuracy"]
    assert f"{measured['baseline_accuracy']:.2%}" == shown["Full precision"]
    assert float(shown["Measured ΔL"].replace("−", "-")) == pytest.approx(
        measured["delta_loss"], rel=0.01
    )
