"""A network and images of one's own on the command line, prepared as the options say."""

from __future__ import annotations

import argparse
import io
import json
import shlex
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from cli_common import problem
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image
from small_nets import small_residual

from qcore.cli.main import main
from qcore.cli.preparing import add_preparing, data_source, measure_command, options_text
from qcore.data.dataset import normalise
from qcore.data.load import load_data
from qcore.data.preprocess import PRESETS, Preprocessing, from_preset
from qcore.data.source import DataSource
from qcore.errors import BadInput
from qcore.graph.load import load_network
from qcore.store.uploads import add_upload

SHAPE = (3, 8, 8)
COUNT = 25
CLASSES = ("ant", "bee", "cow", "dog", "eel")


def parsed(text: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(exit_on_error=False)
    add_preparing(parser)
    return parser.parse_args(shlex.split(text))


@st.composite
def sources(draw: st.DrawFn) -> DataSource:
    channels = draw(st.sampled_from([1, 3]))
    crop = (draw(st.integers(1, 4096)), draw(st.integers(1, 4096)))
    fit = draw(st.sampled_from(["crop", "stretch"]))
    finite = st.floats(allow_nan=False, allow_infinity=False)
    how = Preprocessing(
        draw(st.integers(max(crop) if fit == "crop" else 1, 4096)),
        crop,
        tuple(draw(finite) for _ in range(channels)),
        tuple(draw(st.floats(0, exclude_min=True, allow_infinity=False)) for _ in range(channels)),
        fit,
        draw(st.sampled_from(["bilinear", "bicubic", "nearest"])),
        draw(st.sampled_from(["RGB", "BGR"])),
        draw(st.sampled_from(["0 to 1", "0 to 255"])),
    )
    return DataSource(draw(st.text()), draw(st.sampled_from([how, None])), draw(st.booleans()))


@given(sources(), st.sampled_from([None, *PRESETS]))
@example(DataSource("x", Preprocessing(9, (8, 8), (-1e-5,), (5e-324,))), None)
def test_options_text_is_the_inverse_of_parsing(source: DataSource, own: str | None) -> None:
    """Whatever the network's own preprocessing is, or if none is known."""
    how = source.preprocessing
    shape = SHAPE if how is None else how.input_shape
    known = None if own is None else from_preset(own, shape)
    arguments = parsed(options_text(source))
    assert data_source(source.reference, arguments, known, shape) == source


@given(st.text(min_size=1).filter(lambda text: "\0" not in text), st.text(min_size=1), sources())
def test_the_command_survives_a_shell(model: str, file: str, source: DataSource) -> None:
    words = shlex.split(measure_command(model, source, file))
    expected = ["python", "-m", "qcore", "evaluate", model, source.reference, "--bits", file]
    assert words[:8] == expected
    assert words[8:] == shlex.split(options_text(source))


def test_no_options_for_what_is_the_default() -> None:
    assert options_text(DataSource("x")) == ""
    assert options_text(DataSource("x", None, halved=True)) == "--halved"
    assert measure_command("m", DataSource("x"), "a.json").endswith(" --bits a.json")


def prepared(text: str, own: Preprocessing | None = None) -> Preprocessing | None:
    return data_source("x", parsed(text), own, SHAPE).preprocessing


OWN = Preprocessing(9, (8, 8), (0.1,) * 3, (0.2,) * 3, "crop", "bicubic", "BGR", "0 to 255")


def test_what_options_change() -> None:
    assert prepared("", OWN) is None
    assert prepared("--halved", OWN) is None
    for name in PRESETS:
        assert prepared(f"--preset {shlex.quote(name)}", OWN) == from_preset(name, SHAPE)
        assert prepared(f"--preset={shlex.quote(name)}") == from_preset(name, SHAPE)
    changed = prepared("--resize 12 --channel-order RGB", OWN)
    assert changed == Preprocessing(
        12, (8, 8), (0.1,) * 3, (0.2,) * 3, "crop", "bicubic", "RGB", "0 to 255"
    )
    mean = prepared("--mean=-1,0,1e3", None)
    assert mean is not None
    assert (mean.mean, mean.std) == ((-1, 0, 1000), PRESETS["ImageNet"].std)


def test_options_for_a_network_that_reads_no_images() -> None:
    with pytest.raises(BadInput, match=r"give a \.npz"):
        data_source("x", parsed("--fit crop"), None, (10,))
    assert data_source("x", parsed("--halved"), None, (10,)).halved


# The whole way with files


def picture(random: np.random.Generator) -> bytes:
    stream = io.BytesIO()
    pixels = random.integers(0, 256, (10, 12, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


@pytest.fixture(scope="module")
def content() -> dict[str, bytes]:
    """A network with five classes, and five images in each of five class folders."""
    program = torch.export.export(
        small_residual(),
        (torch.zeros(2, *SHAPE),),
        dynamic_shapes=({0: torch.export.Dim.AUTO},),
    )
    network, images, random = io.BytesIO(), io.BytesIO(), np.random.default_rng(0)
    torch.export.save(program, network)
    with zipfile.ZipFile(images, "w") as archive:
        for number in range(COUNT):
            name = f"{CLASSES[number // 5]}/{number}.png"
            archive.writestr(name, picture(random))
    return {"my net.pt2": network.getvalue(), "images.zip": images.getvalue()}


@pytest.fixture
def files(tmp_path: Path, content: dict[str, bytes], monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, data in content.items():
        (tmp_path / name).write_bytes(data)
    monkeypatch.chdir(tmp_path)
    return tmp_path


MODEL, DATA = "my net.pt2", "images.zip"


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[dict[str, Any], str]:
    """JSON from standard output, which holds nothing else, and what standard error says."""
    capsys.readouterr()
    assert main([*arguments, "--json", "-"]) == 0
    out, err = capsys.readouterr()
    value: dict[str, Any] = json.loads(out)
    return value, err


def test_all_commands(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    described, _ = told(capsys, "describe", MODEL)
    layers = ["stem", "first", "second", "head"]
    assert [layer["name"] for layer in described["layers"]] == layers
    assert described["model"]["input_shape"] == list(SHAPE)

    options = ["--preset", "ImageNet", "--halved"]
    table, err = told(capsys, "sensitivity", MODEL, DATA, "--bits", "2,8", *options)
    assert "note: " in err  # which folder is which class
    assert table["config"]["images"] == 13  # 0, 2, ... 24
    assert table["config"]["objective"] == "cross_entropy"
    assert table["data"]["halved"] is True
    assert Preprocessing.from_json(table["data"]["preprocessing"]) == from_preset("ImageNet", SHAPE)
    (files / "table.json").write_text(json.dumps(table))

    allocation, _ = told(capsys, "allocate", "table.json", "--budget", "average_bits=5")
    (files / "bits.json").write_text(json.dumps(allocation))
    measured, err = told(capsys, "evaluate", MODEL, DATA, "--bits", "bits.json", *options)
    assert "note: " in err
    assert measured["samples"] == 12  # 1, 3, ... 23
    again = ["evaluate", MODEL, DATA, "--bits", "bits.json", *options[:2]]
    assert main(again) == 2  # biases would be corrected by images that are measured on
    whole, _ = told(capsys, *again, "--no-bias-correction")
    assert whole["samples"] == COUNT


def test_measured_with_the_command_that_a_page_prints(
    files: Path, content: dict[str, bytes], capsys: pytest.CaptureFixture[str]
) -> None:
    """The page's source: an upload, in halves, prepared in a way that no option alone asks for."""
    upload = add_upload([(DATA, io.BytesIO(content[DATA]))], "data")
    how = Preprocessing(
        9, (8, 8), (-3.5, 0.1, 120.0), (50.0, 1 / 3, 1e2), "crop", "nearest", "BGR", "0 to 255"
    )
    source = DataSource(upload.reference, how, halved=True)
    arguments = shlex.split(options_text(source))
    table, _ = told(capsys, "sensitivity", MODEL, upload.reference, "--bits", "2,8", *arguments)
    assert DataSource.from_json(table["data"]) == source
    (files / "table.json").write_text(json.dumps(table))
    bits, _ = told(capsys, "allocate", "table.json", "--budget", "average_bits=6")
    (files / "a.json").write_text(json.dumps(bits))

    command = shlex.split(measure_command(MODEL, source, "a.json"))
    assert command[:3] == ["python", "-m", "qcore"]
    measured, _ = told(capsys, *command[3:])
    # The held-out half, prepared by hand: images 1, 3, 5 ... of the whole.
    whole = load_data(DataSource(DATA, how), load_network(MODEL), "calibration")
    with torch.inference_mode():
        logits = small_residual()(normalise(whole.images[1::2], how))
    assert whole.labels is not None
    expected = torch.nn.functional.cross_entropy(logits, whole.labels[1::2])
    assert measured["samples"] == 12
    assert measured["baseline_loss"] == pytest.approx(float(expected), rel=1e-4)


def test_presets_change_what_is_measured(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    losses = []
    layers = {name: {"weight": 8} for name in ("stem", "first", "second", "head")}
    (files / "bits.json").write_text(json.dumps({"bits": layers, "objective": "cross_entropy"}))
    for options in (["--preset", "0 to 1"], ["--preset", "Caffe"], ["--preset=-1 to 1"]):
        value, _ = told(capsys, "evaluate", MODEL, DATA, "--bits", "bits.json", *options)
        losses.append(value["baseline_loss"])
    assert len(set(losses)) == 3


BAD = {
    "preset unknown": ("--preset imagenet", "invalid choice"),
    "no preset": ("", "--preset"),
    "fit unknown": ("--fit pad", "invalid choice"),
    "resize is a word": ("--resize big", "invalid int"),
    "resize 0": ("--resize 0", "1 to 4096"),
    "resize below the crop": ("--resize 7", "at least 8"),
    "resize huge": ("--resize 99999", "1 to 4096"),
    "mean is a word": ("--mean grey", "0.5,0.5,0.5"),
    "mean is empty": ("--mean=", "0.5,0.5,0.5"),
    "mean nan": ("--mean nan,0,0", "finite"),
    "two means": ("--mean 0.5,0.5", "2 means"),
    "std 0": ("--std 1,0,1", "above zero"),
    "std negative": ("--std=-1,1,1", "above zero"),
    "grey for a colour network": ("--mean 0.5 --std 0.5", "for 1 channels"),
    "order unknown": ("--channel-order GRB", "invalid choice"),
    "range unknown": ("--value-range 255", "invalid choice"),
}


@pytest.mark.parametrize("case", list(BAD))
def test_bad_options_are_one_line(
    case: str, files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options, expected = BAD[case]
    assert expected in problem(capsys, ["sensitivity", MODEL, DATA, *options.split()])


def test_one_image_has_no_halves(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (files / "one.png").write_bytes(picture(np.random.default_rng(1)))
    options = ["--preset", "0 to 1", "--halved"]
    assert "two halves" in problem(capsys, ["sensitivity", MODEL, "one.png", *options])
