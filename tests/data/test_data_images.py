"""Folders and ZIP files of images: order, labels, what is left out and what is refused."""

from __future__ import annotations

import contextlib
import struct
import zlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from data_common import (
    HALF,
    encoded,
    level,
    load,
    pixels,
    reads,
    refusal,
    write_tree,
    zipped,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qcore.data import images, listing
from qcore.data.dataset import Dataset
from qcore.data.photograph import Unusable, read_photograph
from qcore.data.preprocess import Preprocessing
from qcore.errors import BadInput
from qcore.graph.torchvision_import import import_torchvision

Place = Callable[[Mapping[str, bytes]], Path]


@pytest.fixture(params=["folder", "archive"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """Puts files into a folder, or into a ZIP file."""

    def put(files: Mapping[str, bytes]) -> Path:
        if request.param == "folder":
            (tmp_path / "photos").mkdir(exist_ok=True)
            return write_tree(tmp_path / "photos", files)
        (tmp_path / "photos.zip").write_bytes(zipped(files))
        return tmp_path / "photos.zip"

    return put


def levels(data: Dataset) -> list[int]:
    return data.images[:, 0, 0, 0].tolist()


def test_flat_in_order_of_names(place: Place) -> None:
    data = load(place({"b.JPG": level(100), "c.webp": level(150), "a.png": level(50)}))
    assert data.name in ("photos", "photos.zip")
    assert (levels(data), data.labels, data.notes) == ([50, 100, 150], None, ())


CLASSES = {"cat/1.png": 10, "cat/2.png": 20, "dog/1.png": 30, "ant/1.png": 0}


@pytest.mark.parametrize("above", ["", "set/", "set/val/"])
def test_folders_as_many_as_classes(place: Place, above: str) -> None:
    data = load(place({above + n: level(v) for n, v in CLASSES.items()}), reads(classes=3))
    assert levels(data) == [0, 10, 20, 30]
    assert data.labels.tolist() == [0, 1, 1, 2]
    assert data.class_names == ("ant", "cat", "dog")
    (note,) = data.notes
    assert "alphabetical order of the 3 class folders: ant is 0, dog is 2" in note


def test_order_and_labels_are_those_of_torchvisions_image_folder(tmp_path: Path) -> None:
    import_torchvision()
    from torchvision.datasets import ImageFolder

    names = ["b/2.png", "b/10.png", "a b/1.png", "B/3.jpg", "a/deep/1.png", "a/1.png", "é/ü.png"]
    contents = (pixels(4, 4, 3, seed=i) for i, _ in enumerate(names))
    write_tree(tmp_path / "d", {n: encoded(c) for n, c in zip(names, contents, strict=True)})
    expected = ImageFolder(str(tmp_path / "d"))
    data = load(tmp_path / "d", reads(classes=5))
    by_label: dict[int, set[bytes]] = {}
    for image, label in expected:
        by_label.setdefault(label, set()).add(np.asarray(image).tobytes())
    found: dict[int, set[bytes]] = {}
    for one, number in zip(data.images, data.labels.tolist(), strict=True):
        found.setdefault(number, set()).add(one.permute(1, 2, 0).contiguous().numpy().tobytes())
    assert found == by_label
    assert data.labels.tolist() == sorted(data.labels.tolist())
    assert list(data.class_names) == expected.classes


def test_numbered_folders(place: Place) -> None:
    """Not their order: 003 is class 3 although it comes first."""
    files = {"010/a.png": level(1), "003/b.png": level(2), "4/c.png": level(3)}
    data = load(place(files), reads(classes=11))
    assert (levels(data), data.labels.tolist()) == ([2, 1, 3], [3, 10, 4])
    assert data.class_names is None
    assert data.notes == ("labels are the numbers of the folders",)


@pytest.mark.parametrize(
    ("files", "classes", "note"),
    [
        (
            ["a/1.png", "b/1.png"],
            1000,
            "2 class folders but the network has 1,000 classes: used without labels; "
            "name the folders by class index, 0 to 999",
        ),
        (["a/1.png", "2.png"], 2, "some images lie in no class folder: used without labels"),
        (["1/1.png", "2/1.png"], 2, "class folders are numbered 1 to 2 but the network has"),
        (["0/1.png", "1/1.png"], None, "the network is no classifier"),
    ],
    ids=["other number", "mixed", "from one", "no classifier"],
)
def test_no_labels(place: Place, files: list[str], classes: int | None, note: str) -> None:
    data = load(place(dict.fromkeys(files, level(9))), reads(classes=classes))
    assert data.labels is None
    assert data.class_names is None
    assert len(data) == 2
    assert data.notes[-1].startswith(note)


def test_a_class_without_a_readable_image_still_counts(place: Place) -> None:
    """Four folders, three of them readable, are not three classes; nor does "dog" move up."""
    files = {"ant/1.png": b"x", "bee/1.png": level(1), "cat/1.png": level(2), "dog/1.png": level(3)}
    where = place(files)
    assert load(where, reads(classes=3)).labels is None
    assert load(where, reads(classes=4)).labels.tolist() == [1, 2, 3]


def test_what_systems_leave_behind_is_ignored(place: Place) -> None:
    files = {
        "0/a.png": level(1),
        "1/b.png": level(2),
        "__MACOSX/0/._a.png": b"resource fork",
        "0/.DS_Store": b"x",
        "1/Thumbs.db": b"x",
        ".hidden/c.png": level(3),
    }
    data = load(place(files))
    assert (levels(data), data.labels.tolist()) == ([1, 2], [0, 1])
    assert data.notes == ("labels are the numbers of the folders",)


def test_other_files_are_counted(place: Place) -> None:
    files = {"a.png": level(1), "labels.csv": b"a", "readme.txt": b"b"}
    assert load(place(files)).notes == (
        "passed over 2 files that are no image: labels.csv, readme.txt",
    )


def header_only(width: int, height: int) -> bytes:
    """A PNG that announces a size and holds next to nothing."""

    def chunk(name: bytes, content: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(name + content))
        return struct.pack(">I", len(content)) + name + content + check

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = (
        chunk(b"IHDR", header),
        chunk(b"IDAT", zlib.compress(b"\0" * 100)),
        chunk(b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


JPEG = encoded(pixels(40, 40, 3), "JPEG")
PNG = encoded(pixels(40, 40, 3))
BROKEN = {
    "text.jpg": (b"not a photograph", "cannot be read as an image"),
    "truncated.jpg": (JPEG[: len(JPEG) // 2], "cannot be read as an image"),
    "truncated.png": (PNG[: len(PNG) // 2], "cannot be read as an image"),
    "chunk.png": (PNG.replace(b"IDAT", b"\x06\xf0\xcf\x1d"), "cannot be read as an image"),
    "empty.bmp": (b"", "cannot be read as an image"),
    "gif.jpg": (encoded(pixels(4, 4), "GIF"), "cannot be read as an image"),
    "tiff.png": (encoded(pixels(4, 4), "TIFF"), "cannot be read as an image"),
    "huge.png": (header_only(60_000, 60_000), "has more than 64 megapixels"),
    "large.png": (
        header_only(10_000, 10_000),
        "is 10,000 x 10,000 pixels, more than 64 megapixels",
    ),
    "larger.png": (header_only(8_001, 8_000), "is 8,001 x 8,000 pixels, more than 64 megapixels"),
    "line.png": (encoded(pixels(1, 21)), "is 21 x 1 pixels, too long"),
    "<b>x.png": (b"x", "cannot be read as an image"),
}


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("name", BROKEN)
def test_a_bad_image_is_left_out_and_named(place: Place, name: str) -> None:
    content, reason = BROKEN[name]
    data = load(place({name: content, "good.png": level(7), "0.png": level(3)}))
    assert levels(data) == [3, 7]
    (note,) = data.notes
    assert note.startswith(f"left out 1 of 3 files: {name} {reason}")
    assert note.isprintable()


def test_control_characters_in_a_name_are_not_shown(tmp_path: Path) -> None:
    folder = write_tree(tmp_path / "d", {"\x1b[31m\nred.png": b"x", "a.png": level(1)})
    assert load(folder).notes == ("left out 1 of 2 files: [31mred.png cannot be read as an image",)


@pytest.mark.filterwarnings("error::PIL.Image.DecompressionBombWarning")
def test_where_warnings_are_errors(place: Place) -> None:
    """Pillow warns above 89 megapixels and refuses above twice that."""
    found = refusal(place({"a.png": header_only(10_000, 10_000)}))
    assert "a.png has more than 64 megapixels" in found


def test_nothing_large_is_decoded(place: Place) -> None:
    """The resized image is limited too: 16 x 1 pixels at a short side of 4096 would be 268 M."""
    large = Preprocessing(4096, (4, 4), (0.5,) * 3, (0.25,) * 3)
    found = refusal(place({"a.png": encoded(pixels(1, 16))}), reads(large))
    assert "a.png is 16 x 1 pixels, too long" in found


def test_up_to_three_are_named(place: Place) -> None:
    bad = {f"bad{i}.png": b"x" for i in range(5)}
    good = {f"good{i}.png": level(i) for i in range(6)}
    (note,) = load(place(bad | good)).notes
    assert note.startswith("left out 5 of 11 files: bad0.png")
    assert "bad2.png" in note
    assert "bad3.png" not in note
    assert note.endswith("and 2 more")


def test_more_than_half_unreadable_is_refused(place: Place) -> None:
    two = {"a.png": b"x", "b.png": b"x"}
    found = refusal(place(two | {"c.png": level(1)}))
    assert found.startswith("left out 2 of 3 files: a.png cannot be read as an image")
    assert len(load(place(two | {"c.png": level(1), "d.png": level(2)}))) == 2


@pytest.mark.parametrize("files", [{}, {"a.txt": b"x"}, {".a.png": level(1)}, {"a.gif": b"x"}])
def test_no_image_at_all(place: Place, files: dict[str, bytes]) -> None:
    found = refusal(place(files))
    assert "photos" in found
    assert "no .jpg, .png, .bmp or .webp" in found or "empty" in found


def test_too_many(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "MOST_IMAGES", 3)
    files = {f"{i}.png": level(i) for i in range(4)}
    assert "holds more than 3 images" in refusal(place(files))


def test_too_many_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "MOST_FILES", 3)
    folder = write_tree(tmp_path / "d", {f"{i}.txt": b"x" for i in range(4)})
    assert "folder d holds more than 3 files" in refusal(folder)


def test_too_much_memory(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "LIMIT_BYTES", 100)  # two images of 48 bytes
    files = {f"{i}.png": level(i) for i in range(3)}
    found = refusal(place(files))
    assert "give at most 2" in found


def test_a_file_too_large_is_left_out(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    if place({"a.png": level(0)}).is_dir():
        monkeypatch.setattr(listing, "_LARGEST_FILE_BYTES", 500)
        big = encoded(pixels(40, 40, 3), "BMP")
        assert load(place({"a.png": level(0), "b.bmp": big})).notes[0].startswith("left out 1 of 2")


@pytest.mark.parametrize(
    ("preprocessing", "shape", "message"),
    [
        (None, (3, 4, 4), "--preset ImageNet, or give --mean and --std"),
        (HALF, (3, 5, 5), "makes images of 4 x 4 pixels but the network reads 5 x 5"),
        (HALF, (1, 4, 4), "is for 3 channels but the network reads 1 x 4 x 4"),
        (HALF, (40,), "this network reads 40, not (1 or 3 channels"),
        (replace(HALF, resize_px=3), (3, 4, 4), "less than the crop"),
    ],
    ids=["unknown", "other size", "other channels", "vectors", "crop too large"],
)
def test_no_way_to_prepare(
    place: Place, preprocessing: Preprocessing | None, shape: tuple[int, ...], message: str
) -> None:
    found = refusal(place({"a.png": level(1)}), reads(preprocessing, shape))
    assert message in found


def test_further_inputs_need_an_npz(place: Place) -> None:
    found = refusal(place({"a.png": level(1)}), reads(extra=(("mask", (4,)),)))
    assert "arrays 'images' and 'mask'" in found


def test_links_that_leave_the_folder_are_not_followed(tmp_path: Path) -> None:
    outside = write_tree(tmp_path / "outside", {"secret.png": level(200)})
    folder = write_tree(tmp_path / "photos", {"a.png": level(1), "real/b.png": level(2)})
    (folder / "leaves.png").symlink_to(outside / "secret.png")
    (folder / "folder").symlink_to(outside)
    (folder / "loop").symlink_to(folder)
    (folder / "gone.png").symlink_to(folder / "nothing")
    (folder / "inside.png").symlink_to(folder / "a.png")
    assert levels(load(folder)) == [1, 1, 2]
    (tmp_path / "link").symlink_to(folder)  # what the user names is followed
    assert len(load(tmp_path / "link")) == 3


@pytest.mark.parametrize("name", ["../a.png", "/etc/a.png", "x/../../a.png"])
def test_names_that_leave_the_archive(tmp_path: Path, name: str) -> None:
    (tmp_path / "photos.zip").write_bytes(zipped({name: level(1), "b.png": level(2)}))
    assert "photos.zip" in refusal(tmp_path / "photos.zip")
    assert sorted(p.name for p in tmp_path.iterdir()) in (["photos.zip"], ["home", "photos.zip"])


def test_a_damaged_entry_is_left_out(tmp_path: Path) -> None:
    whole = bytearray(zipped({"a.png": level(1), "b.png": level(2), "c.png": level(3)}))
    start = whole.index(b"\x89PNG")  # the first entry's content; its check sum no longer fits
    whole[start + 30] ^= 0xFF
    (tmp_path / "photos.zip").write_bytes(whole)
    data = load(tmp_path / "photos.zip")
    assert levels(data) == [2, 3]
    assert "a.png cannot be read" in data.notes[0]


@pytest.mark.parametrize("content", [b"", b"PK", b"not a zip", zipped({"a.png": level(1)})[:-30]])
def test_no_archive(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "photos.zip").write_bytes(content)
    assert "photos.zip" in refusal(tmp_path / "photos.zip")


ARCHIVE = zipped({f"{i % 2}/{i}.png": encoded(pixels(9, 7, 3, seed=i)) for i in range(6)})


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    changes=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), min_size=1, max_size=8),
    cut=st.floats(0.5, 1) | st.just(1.0),
)
def test_any_change_of_an_archive_gives_data_or_a_refusal(
    tmp_path: Path, changes: list[tuple[float, int]], cut: float
) -> None:
    content = bytearray(ARCHIVE)
    for where, value in changes:
        content[int(where * (len(content) - 1))] = value
    (tmp_path / "d.zip").write_bytes(content[: int(cut * len(content))])
    with contextlib.suppress(BadInput):
        data = load(tmp_path / "d.zip")
        assert 3 <= len(data) <= 6
        assert all(note.isprintable() for note in data.notes)


ENCODED = [encoded(pixels(24, 20, 3), kind) for kind in ("JPEG", "PNG", "BMP", "WEBP")]


@settings(max_examples=200)
@given(
    whole=st.sampled_from(ENCODED),
    changes=st.lists(st.tuples(st.integers(0, 200), st.integers(0, 255)), min_size=1, max_size=5),
)
@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_any_change_of_an_image_gives_pixels_or_a_reason(
    whole: bytes, changes: list[tuple[int, int]]
) -> None:
    content = bytearray(whole)
    for where, value in changes:
        content[where] = value
    with contextlib.suppress(Unusable):
        assert read_photograph(bytes(content), HALF).shape == (3, 4, 4)


def test_one_image_as_data(tmp_path: Path) -> None:
    write_tree(tmp_path, {"one.png": level(5)})
    assert levels(load(tmp_path / "one.png")) == [5]


def test_the_folder_one_stands_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_tree(tmp_path / "photos", {"a.png": level(1)})
    monkeypatch.chdir(folder)
    assert load(".").name == "photos"


def test_many_images_stay_in_order(place: Place) -> None:
    files = {f"{i:03}.png": level(i, size=4 + i % 7) for i in range(120)}
    files |= {f"{i:03}b.png": b"x" for i in range(0, 120, 9)}
    data = load(place(files))
    assert levels(data) == list(range(120))
    assert data.images.shape == (120, 3, 4, 4)
    assert np.array_equal(data.images[:, 2, 3, 3].numpy(), np.arange(120))
