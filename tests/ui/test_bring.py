"""A visitor brings a network and images; what is refused says why and loses nothing."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from bring_common import drop, metrics, press, text_of
from PIL import Image
from safetensors.torch import save
from streamlit.testing.v1 import AppTest
from torch import nn

from qcore.store.uploads import all_uploads

Open = Callable[..., AppTest]


class Small(nn.Module):
    """Two layers, ten classes, 16 x 16 colour images."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv, self.fc = nn.Conv2d(3, 8, 3), nn.Linear(8, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.fc(self.conv(x).relu().mean((2, 3)))
        return out


@pytest.fixture(scope="module")
def program() -> bytes:
    axes = ({0: torch.export.Dim.AUTO},)
    exported = torch.export.export(
        Small().eval(), (torch.zeros(2, 3, 16, 16),), dynamic_shapes=axes
    )
    file = io.BytesIO()
    torch.export.save(exported, file)
    return file.getvalue()


def photographs(count: int = 12, folder: str = "{0}/", broken: bool = False) -> bytes:
    """A ZIP of noise, one image in each class folder in turn."""
    file = io.BytesIO()
    random = np.random.default_rng(0)
    with zipfile.ZipFile(file, "w") as archive:
        for number in range(count):
            image = io.BytesIO()
            Image.fromarray(random.integers(0, 256, (20, 24, 3), dtype=np.uint8)).save(image, "PNG")
            content = b"not an image" if broken and number == 3 else image.getvalue()
            archive.writestr(folder.format(number % 10) + f"image{number}.png", content)
    return file.getvalue()


def test_from_two_files_to_a_measured_allocation(open_page: Open, program: bytes) -> None:
    app = drop(open_page(), ("small.pt2", program))
    assert metrics(app)["Layers"] == "2"
    assert app.session_state["model"].startswith("upload:")
    app.switch_page("pages/sensitivity.py").run()
    assert "Sensitivity is measured on images" in text_of(app)

    app.switch_page("pages/data.py").run()
    app = drop(app, ("photos.zip", photographs(24)))
    assert metrics(app)["Images"] == "12 + 12"
    assert "Accuracy" in metrics(app)
    app.switch_page("pages/sensitivity.py").run()
    press(app, "Measure sensitivity")
    assert "measured in" in text_of(app)
    app.switch_page("pages/allocate.py").run()
    app.segmented_control(key="allocate_view").set_value("Measured").run()
    press(app, "Measure on 12 held-out images")
    assert {"Predicted ΔL", "Measured ΔL", "Accuracy"} <= metrics(app).keys()


def test_a_file_is_kept_once_and_can_be_removed(open_page: Open, program: bytes) -> None:
    drop(open_page(), ("small.pt2", program))
    app = drop(open_page(), ("small.pt2", program))
    assert len(all_uploads("network")) == 1
    press(app, "Remove this file")
    assert all_uploads("network") == []
    assert "Start with a sample network" in text_of(app)


def test_names_are_text_and_not_markup(open_page: Open, program: bytes) -> None:
    name = "<img src=x onerror=alert(1)> ![a](http:x) **b**.pt2"
    app = drop(open_page(), (name, b"no program"))
    shown = text_of(app)
    assert "\\<img" in shown
    assert "<img" not in shown.replace("\\<img", "")
    assert "![a]" not in shown
    assert "**b**" not in shown


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("model.pth", b"\x80\x04cos\nsystem\n.", "model"),
        ("empty.onnx", b"", "is empty"),
        ("model.onnx", b"not a protobuf", "model"),
        ("weights.safetensors", save({"a.weight": torch.zeros(2, 2)}), "fit no torchvision"),
    ],
)
def test_a_refused_network_leaves_the_page_alive(
    open_page: Open, name: str, content: bytes, message: str
) -> None:
    app = drop(open_page(), (name, content))
    assert len(app.error) == 1
    assert message in app.error[0].value
    assert "Your own network" in text_of(app)  # another one can be dropped at once


def test_a_refused_pickle_shows_the_lines_to_export_with(open_page: Open) -> None:
    file = io.BytesIO()
    torch.save(nn.Linear(2, 2), file)
    app = drop(open_page(), ("model.pth", file.getvalue()))
    assert "torch.export.save" in app.code[0].value


def test_a_broken_image_is_named_and_left_out(open_page: Open, program: bytes) -> None:
    app = drop(open_page(), ("small.pt2", program))
    app.switch_page("pages/data.py").run()
    drop(app, ("photos.zip", photographs(broken=True)))
    assert "image3" in text_of(app)
    assert metrics(app)["Images"] == "6 + 5"


def test_refused_data_say_why_and_the_next_ones_are_taken(open_page: Open, program: bytes) -> None:
    app = drop(open_page(), ("small.pt2", program))
    app.switch_page("pages/data.py").run()
    drop(app, ("photos.zip", b"PK no archive"))
    assert "photos" in app.error[0].value
    drop(app, ("photos.zip", photographs()))
    assert metrics(app)["Images"] == "6 + 6"


def test_other_preprocessing_is_another_look_at_the_same_file(
    open_page: Open, program: bytes
) -> None:
    app = drop(open_page(), ("small.pt2", program))
    app.switch_page("pages/data.py").run()
    drop(app, ("photos.zip", photographs()))
    first = metrics(app)["Input values"]
    app.text_input[0].set_value("0, 0, 0")
    app.text_input[1].set_value("1, 1, 1").run()
    press(app, "Look again")
    assert metrics(app)["Input values"] != first
    low, high = (float(value) for value in metrics(app)["Input values"].split(" to "))
    assert 0 <= low < high <= 1
    assert len(all_uploads("data")) == 1


def test_senseless_preprocessing_is_said_at_once(open_page: Open, program: bytes) -> None:
    app = drop(open_page(), ("small.pt2", program))
    app.switch_page("pages/data.py").run()
    drop(app, ("photos.zip", photographs()))
    app.text_input[1].set_value("0, 1, 1").run()
    assert "above zero" in app.error[0].value
    app.text_input[1].set_value("1, 1").run()
    assert "3 numbers" in app.error[0].value


def test_weights_alone_are_recognised(open_page: Open) -> None:
    from qcore.graph.torchvision_import import import_torchvision

    torch.manual_seed(0)
    module = import_torchvision().models.squeezenet1_1(weights=None)
    app = drop(open_page(), ("weights.safetensors", save(module.state_dict())))
    assert "fit squeezenet1" in text_of(app).replace("\\", "")
    assert metrics(app)["Layers"] == "26"


def test_torchvision_offline_says_that_weights_are_random(open_page: Open) -> None:
    app = open_page()
    app.selectbox(key="bring-architecture").set_value("squeezenet1_1").run()
    next(b for b in app.button if b.label == "Open").click().run()
    assert not app.exception
    assert "random weights" in app.warning[0].value.replace("\\", "")


def test_uploads_stay_in_the_store(open_page: Open, program: bytes, store_home: Path) -> None:
    before = set(Path.cwd().iterdir())
    app = drop(open_page(), ("../../evil.pt2", program))
    assert metrics(app)["Layers"] == "2"
    assert set(Path.cwd().iterdir()) == before
    assert not (store_home.parent / "evil.pt2").exists()
    kept = [p for p in (store_home / "uploads").rglob("*") if p.is_file()]
    assert {p.name for p in kept} == {"0", "manifest.json"}
