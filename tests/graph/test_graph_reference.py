"""What a MODEL argument names, and which files it stands for."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from qcore.errors import BadInput
from qcore.graph.reference import (
    ModelReference,
    files_of,
    main_first,
    parse_reference,
    stamp_of,
)
from qcore.store.uploads import add_upload

ID = "upload:0123456789abcdef"
GRAMMAR = {
    "sample:fashion-cnn": ("sample", "fashion-cnn", None, None),
    "torchvision:resnet18": ("torchvision", "resnet18", None, None),
    "torchvision:resnet18@w.pt": ("torchvision", "resnet18", "w.pt", None),
    f"torchvision:resnet18@{ID}": ("torchvision", "resnet18", ID, None),
    "torchvision:vgg11@b@c": ("torchvision", "vgg11", "b@c", None),
    "net.onnx": ("file", "", "net.onnx", None),
    "net.onnx#3x224x224": ("file", "", "net.onnx", (3, 224, 224)),
    "net.onnx#10": ("file", "", "net.onnx", (10,)),
    "NET.PT2": ("file", "", "NET.PT2", None),
    "a b/net.pt2#1x28x28": ("file", "", "a b/net.pt2", (1, 28, 28)),
    "w.safetensors": ("file", "", "w.safetensors", None),
    "w.pth": ("file", "", "w.pth", None),
    "w.ckpt": ("file", "", "w.ckpt", None),
    "pytorch_model.bin": ("file", "", "pytorch_model.bin", None),
    "a#b.onnx": ("file", "", "a#b.onnx", None),
    "a#1x2.onnx#3x4": ("file", "", "a#1x2.onnx", (3, 4)),
    "net.onnx#65536": ("file", "", "net.onnx", (65536,)),
    ID: ("file", "", ID, None),
    f"{ID}#3x64x64": ("file", "", ID, (3, 64, 64)),
}
REFUSED = {
    "": "cannot read",
    "resnet18": "cannot read",
    "net.h5": "cannot read",
    "sample:": "fashion-cnn",
    "sample:none": "fashion-cnn",
    "sample:fashion-cnn#3x2x2": "cannot read",
    "torchvision:": "cannot read",
    "torchvision:@w": "cannot read",
    "torchvision:resnet18@": "cannot read",
    "torchvision:resnet18#3x2x2": "cannot read",
    "net.onnx#": "cannot read",
    "net.onnx#3x": "cannot read",
    "net.onnx#3X4": "cannot read",
    "net.onnx#-3": "cannot read",
    "net.onnx#3x4\n": "cannot read",
    "net.onnx#٣": "cannot read",
    "net.onnx#0x4": "no sense",
    "net.onnx#65537": "no sense",
    "net.onnx#" + "9" * 4_000: "no sense",
    "net.onnx#" + "9" * 10_000: "10,009 characters; at most 4,096",
    "torchvision:resnet": "no classification network 'resnet'; there are 80, for example resnet18",
    "torchvision:__class__@w.pt": "no classification network",
}


@pytest.mark.parametrize("text", list(GRAMMAR))
def test_grammar(text: str) -> None:
    assert parse_reference(text) == ModelReference(*GRAMMAR[text])  # type: ignore[arg-type]


@pytest.mark.parametrize("text", list(REFUSED), ids=lambda text: text[:30])
def test_refused(text: str) -> None:
    with pytest.raises(BadInput) as caught:
        parse_reference(text)
    assert REFUSED[text] in str(caught.value)


PIECES = ["sample:", "torchvision:", "upload:", "@", "#", "x", "3", "0", ".onnx", ".pt", "/", "a"]


@given(st.text(max_size=40) | st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
@example("\0.onnx")
@example("a" * 5000 + ".onnx")
@example("a/" * 3000 + "b.pt2")
@example("\ud800.onnx")
@example("#" + "1" * 5000)
def test_nothing_but_bad_input_is_raised(text: str) -> None:
    try:
        reference = parse_reference(text)
    except BadInput:
        return
    assert reference.file is None or reference.file in text
    assert bool(reference.name) is (reference.kind != "file")
    if reference.file is not None:
        with pytest.raises(BadInput):
            files_of(reference.file)


@given(st.lists(st.integers(1, 2**16), min_size=1, max_size=5))
def test_sizes_round_trip(sizes: list[int]) -> None:
    text = "n.onnx#" + "x".join(map(str, sizes))
    assert parse_reference(text).input_shape == tuple(sizes)


def upload(*names: str) -> str:
    return add_upload([(name, io.BytesIO(name.encode())) for name in names], "network").reference


def test_files_of_an_upload_put_the_network_first() -> None:
    files = files_of(upload("weights.bin", "readme.txt", "Net.ONNX"))
    assert list(files) == ["Net.ONNX", "weights.bin", "readme.txt"]
    assert {name: path.read_text() for name, path in files.items()} == {n: n for n in files}


def test_main_first_keeps_the_order_of_equals() -> None:
    names = ["c", "b.bin", "a.safetensors", "x.pt2", "z.bin", "n.onnx", "a"]
    found = list(main_first({name: Path(name) for name in names}))
    assert found == ["n.onnx", "x.pt2", "a.safetensors", "b.bin", "z.bin", "c", "a"]


@pytest.mark.parametrize("file", ["upload:0123456789abcdef", "upload:../x", "none.onnx", "", "."])
def test_files_that_are_not_there(file: str) -> None:
    with pytest.raises(BadInput):
        files_of(file)


def test_what_lies_beside_an_onnx(tmp_path: Path) -> None:
    folder, outside = tmp_path / "net", tmp_path / "secret"
    folder.mkdir()
    outside.write_text("secret")
    for name in ("m.onnx", "other.onnx", "m.data", "b.bin"):
        (folder / name).write_text(name)
    (folder / "below").mkdir()
    (folder / "link").symlink_to(outside)
    (folder / "dangling").symlink_to(tmp_path / "nowhere")
    (folder / "folder-link").symlink_to(tmp_path)
    assert list(files_of(str(folder / "m.onnx"))) == ["m.onnx", "b.bin", "m.data"]
    (folder / "m.pt2").write_text("x")
    assert list(files_of(str(folder / "m.pt2"))) == ["m.pt2"]


def stamp(text: str) -> str:
    return stamp_of(parse_reference(text))


@pytest.mark.parametrize("suffix", ["pt2", "onnx"])
def test_stamp_changes_with_the_file(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"net.{suffix}"
    path.write_text("one")
    os.utime(path, ns=(5, 1000))
    first = stamp(str(path))
    assert first
    assert stamp(f"{path}#3x4") == first
    os.utime(path, ns=(5, 1001))
    later = stamp(str(path))
    path.write_text("other")
    os.utime(path, ns=(5, 1000))
    longer = stamp(str(path))
    assert len({first, later, longer}) == 3


def test_stamp_changes_with_external_weights(tmp_path: Path) -> None:
    (tmp_path / "net.onnx").write_text("one")
    beside = tmp_path / "net.data"
    beside.write_text("weights")
    first = stamp(str(tmp_path / "net.onnx"))
    beside.write_text("more weights")
    assert stamp(str(tmp_path / "net.onnx")) != first


def test_stamp_of_weights_for_an_architecture(tmp_path: Path) -> None:
    path = tmp_path / "w.pt"
    path.write_text("one")
    first = stamp(f"torchvision:resnet18@{path}")
    path.write_text("other")
    assert stamp(f"torchvision:resnet18@{path}") != first


def test_no_stamp_where_nothing_can_change() -> None:
    assert stamp("sample:fashion-cnn") == stamp("torchvision:resnet18") == ""
    assert stamp(upload("net.onnx")) == ""
