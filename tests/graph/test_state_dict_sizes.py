"""A file that claims more than it holds is refused before memory is taken for it."""

from __future__ import annotations

import struct
import zipfile
from pathlib import Path

import pytest
import torch
from state_dict_files import HUGE, Bomb, refused, repack, save


def test_compressed_archive(tmp_path: Path) -> None:
    path = save({"a": torch.zeros(10**6)}, tmp_path / "w.pt")
    repack(path, lambda _, content: content, zipfile.ZIP_DEFLATED)
    assert path.stat().st_size < 20_000
    assert "compressed" in refused(path)


def test_archive_with_odd_entries(tmp_path: Path) -> None:
    path = save({"a": torch.zeros(2)}, tmp_path / "w.pt")
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("w/../../evil", b"")
    assert "outside" in refused(path)
    path = save({"a": torch.zeros(2)}, tmp_path / "w.pt")
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("w/data.pkl", b"")
    assert "twice" in refused(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.npy", b"")
    assert "ZIP file without weights" in refused(path)


def test_zip_at_the_end_of_an_old_file(tmp_path: Path) -> None:
    bad = save({"w": Bomb(tmp_path / "x")}, tmp_path / "bad", "legacy").read_bytes()
    good = save({"a": torch.zeros(2)}, tmp_path / "good").read_bytes()
    (tmp_path / "both").write_bytes(bad + good)
    assert "mkdir" in refused(tmp_path / "both")


@pytest.mark.parametrize("kind", ["zip", "legacy"])
def test_giant_expanded_tensor_is_named(kind: str, tmp_path: Path) -> None:
    state = {"fine": torch.zeros(2), "giant": torch.zeros(1).expand(HUGE)}
    path = save(state, tmp_path / "w.pt", kind)
    assert path.stat().st_size < 10_000
    assert f"'giant' claims {HUGE} numbers" in refused(path)


def claim(content: bytes, before: bytes, count: int) -> bytes:
    """Another number of values in the one storage of a pickle."""
    assert content.count(before) == 1
    return content.replace(before, before[:-2] + b"\x8a\x08" + struct.pack("<q", count))


@pytest.mark.parametrize("kind", ["zip", "legacy"])
@pytest.mark.parametrize("count", [64, HUGE])
def test_storage_larger_than_the_file(kind: str, count: int, tmp_path: Path) -> None:
    path = save({"a": torch.zeros(7)}, tmp_path / "w.pt", kind)
    before = b"cpuq\x06K\x07"
    if kind == "zip":
        repack(path, lambda n, c: claim(c, before, count) if n == "data.pkl" else c)
    else:
        path.write_bytes(claim(path.read_bytes(), before, count))
    assert "incomplete" in refused(path)


def test_tensor_larger_than_its_storage(tmp_path: Path) -> None:
    path = save({"a": torch.zeros(7)}, tmp_path / "w.pt")
    sizes = b"K\x07\x85"
    big = b"\x8a\x08" + struct.pack("<q", HUGE) + b"\x85"
    repack(path, lambda n, c: c.replace(sizes, big) if n == "data.pkl" else c)
    assert "'a' claims" in refused(path)


@pytest.mark.parametrize(
    "call",
    [
        b"ctorch.storage\nUntypedStorage\n\x8a\x08" + struct.pack("<q", HUGE) + b"\x85R",
        b"ctorch\nFloatTensor\n\x8a\x08" + struct.pack("<q", HUGE) + b"\x85R",
        b"cbuiltins\nbytearray\n\x8a\x08" + struct.pack("<q", HUGE) + b"\x85R",
        b"(" * 2000 + b"t" * 2000,
        b")q\x00" + b"(h\x00h\x00h\x00h\x00tq\x00" * 60,
    ],
    ids=["storage", "tensor", "bytearray", "deep", "shared tuples"],
)
def test_pickles_that_would_take_all_memory_or_time(call: bytes, tmp_path: Path) -> None:
    path = save({"a": torch.zeros(1)}, tmp_path / "w.pt")
    body = b"\x80\x02}X\x01\x00\x00\x00a" + call + b"s."
    repack(path, lambda n, c: body if n == "data.pkl" else c)
    refused(path)


def test_one_block_listed_a_thousand_times(tmp_path: Path) -> None:
    block = torch.zeros(10_000, dtype=torch.float16)
    path = save({str(i): block for i in range(1000)}, tmp_path / "w.pt")
    assert "save each tensor once" in refused(path)
