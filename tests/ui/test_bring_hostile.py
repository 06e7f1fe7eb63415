"""The worst of files, dropped one after another: the page says why, and goes on."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from attack_files import NAMES, image, images, network, pickled, program, saved, script, zipped
from bring_common import drop, metrics, text_of
from onnx import helper
from streamlit.testing.v1 import AppTest

from qcore.store.uploads import add_upload
from ui import format as fmt

Open = Callable[..., AppTest]


def named(names: tuple[str, ...]) -> bytes:
    """An .onnx network with a convolution of each name."""
    nodes, last = [], "x"
    for number, name in enumerate(names):
        nodes.append(helper.make_node("Conv", [last, name], [f"v{number}"], name=name))
        last = f"v{number}"
    nodes.append(helper.make_node("ReduceMean", [last], ["y"], axes=[2, 3], keepdims=0))
    weight = np.ones((3, 3, 1, 1), np.float32) / 3
    return network(nodes=nodes, stored=dict.fromkeys(names, weight))


@pytest.fixture
def mark(tmp_path: Path) -> Path:
    return tmp_path / "mark"


def test_networks(open_page: Open, mark: Path) -> None:
    giant = struct.pack("<Q", 2**62) + b"{}"
    files = {
        "evil.pth": (pickled(mark), "could run any code"),
        "script.pt": (script(mark), "TorchScript"),
        "evil.pt2": (pickled(mark), "is a pickle"),
        "evil.onnx": (saved({"w": mark.name}), "is not an ONNX file"),
        "giant.safetensors": (giant, "header claims"),
        "cut.pt2": (program()[:5000], "is cut off"),
        "bomb.pt2": (
            zipped({"net/archive_format": bytes(10**7)}, zipfile.ZIP_DEFLATED),
            "a ZIP bomb",
        ),
        "empty.onnx": (b"", "is empty"),
    }
    app = open_page()
    for name, (content, message) in files.items():
        drop(app, (name, content))
        shown = " ".join(error.value for error in app.error).replace("\\", "")
        assert message in shown, name
        assert "Your own network" in text_of(app)
    assert not mark.exists()
    drop(app, ("good.pt2", program()))
    assert metrics(app)["Layers"] == "2"
    assert not app.error


def test_data(open_page: Open, mark: Path) -> None:
    app = drop(open_page(), ("good.pt2", program()))
    app.switch_page("pages/data.py").run()
    array = io.BytesIO()
    np.save(array, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    files = {
        "bomb.zip": (zipped({"a.png": bytes(10**8)}, zipfile.ZIP_BZIP2), "a ZIP bomb"),
        "above.zip": (zipped({"../../mark.png": image()}), "leaves the archive"),
        "objects.npz": (zipped({"images.npy": array.getvalue()}), "pickled objects"),
        "cut.zip": (zipped(images())[:3000], "is cut off"),
        "notes.zip": (zipped({"a.txt": b"x"}), "holds no .jpg"),
        "page.png": (b"<script>alert(1)</script>", "cannot be read as an image"),
    }
    for name, (content, message) in files.items():
        drop(app, (name, content))
        shown = " ".join(error.value for error in app.error).replace("\\", "")
        assert message in shown, name
    assert not mark.exists()
    drop(app, ("good.zip", zipped(images())))
    assert metrics(app)["Images"] == "3 + 3"
    assert not app.error


def raw_markup(text: str) -> bool:
    """True where markdown would make something of what stands in ``NAMES``."""
    plain = text.replace("\\<", "").replace("\\[", "").replace("\\*", "").replace("\\`", "")
    return any(part in plain for part in ("<b>", "![a", "](", "**bold", "`touch"))


def test_layer_names_are_text_on_every_page(open_page: Open) -> None:
    app = drop(open_page(), ("named.onnx", named(NAMES)))
    assert metrics(app)["Layers"] == str(len(NAMES))
    layers = list(app.dataframe[0].value["layer"])
    assert len(set(layers)) == len(NAMES)
    for page in ("network", "weights", "sensitivity", "allocate", "data"):
        app.switch_page(f"pages/{page}.py").run()
        for layer in layers if page in ("network", "weights") else layers[:1]:
            app.session_state["layer"] = layer
            app.run()
            assert not app.exception, (page, layer, app.exception)
            assert not raw_markup(text_of(app)), (page, layer)


def test_file_names_are_text(open_page: Open) -> None:
    app = open_page()
    for name in NAMES:
        drop(app, (f"{name}.pt2", b"no network"))
        assert not raw_markup(text_of(app)), name
    drop(app, (f"{NAMES[4]}.pt2", program()))
    app.switch_page("pages/data.py").run()
    for name in NAMES:
        drop(app, (f"{name}.zip", b"no archive"))
        assert not raw_markup(text_of(app)), name
    folders = {f"{name.replace('/', '')}/{i}.png": image(i) for i, name in enumerate(NAMES)}
    drop(app, (f"{NAMES[4]}.zip", zipped(folders)))
    assert metrics(app)["Images"] == "3 + 2"  # a name that begins with a dot is passed over
    assert not raw_markup(text_of(app))


def test_names_are_cut_and_printable(store_home: Path) -> None:
    for name in (*NAMES, "..", "/", "\\", "a\nb", "\u202e", "C:\\x"):
        upload = add_upload([(name, io.BytesIO(b"x"))], "data")
        (kept,) = upload.files
        assert kept.name
        assert kept.name.isprintable()
        assert not set(kept.name) & {"/", "\\", "\u202e"}
        assert "\n" not in fmt.plain(upload.title)
        assert {path.name for path in (store_home / "uploads" / upload.id).iterdir()} == {
            "0",
            "manifest.json",
        }
