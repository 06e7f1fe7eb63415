"""ZIP archives from strangers: nothing passes that could leave its folder or fill the memory."""

from __future__ import annotations

import contextlib
import io
import os
import stat
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qcore.data.archive import ArchiveLimits, check_archive, open_archive, read_entry
from qcore.errors import BadInput

LIMITS = ArchiveLimits(entries=20, total_bytes=2**20, ratio=50.0)
MIXED = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def made(entries: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def put(folder: Path, content: bytes) -> Path:
    path = folder / "a.zip"
    path.write_bytes(content)
    return path


def read_all(path: Path, limits: ArchiveLimits = LIMITS) -> dict[str, bytes]:
    with open_archive(path, "a.zip") as archive:
        entries = check_archive(archive, "a.zip", limits)
        return {info.filename: read_entry(archive, info, 2**20) for info in entries}


def refusal(path: Path, limits: ArchiveLimits = LIMITS) -> str:
    with pytest.raises(BadInput) as caught:
        read_all(path, limits)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    "method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
)
def test_an_ordinary_archive(method: int, tmp_path: Path) -> None:
    content = {"b/x.txt": b"one", "a.txt": os.urandom(5000), "empty": b"", ".data/v": b"6"}
    path = put(tmp_path, made({**content, "folder/": b""}, method))
    found = read_all(path)
    assert found == content
    assert list(found) == list(content)  # in order, without the folder


def test_files_from_a_unix_disk_pass(tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_bytes(b"x")
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(tmp_path, "folder")
        archive.write(tmp_path / "x.txt", "folder/x.txt")
    assert read_all(path) == {"folder/x.txt": b"x"}


def renamed(old: bytes, new: bytes) -> bytes:
    """Names that zipfile would tidy up, written over one of the same length."""
    assert len(old) == len(new)
    return made({old.decode(): b"x"}).replace(old, new)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (made({"../up": b""}), "leaves the archive"),
        (made({"a/../../up": b""}), "leaves the archive"),
        (made({"a/..": b""}), "leaves the archive"),
        (made({"a/./b": b""}), "an empty part"),
        (made({"a//b": b""}), "an empty part"),
        (renamed(b"aetc", b"/etc"), "an absolute path"),
        (renamed(b"cc/x", b"C:/x"), "an absolute path"),
        (renamed(b"aaab", b"a\\ab"), "a backslash"),
        (renamed(b"aaab", b"a\x00ab"), "control characters"),
        (renamed(b"aaab", b"a\nab"), "control characters"),
        (made({"one": b"", "two": b""}).replace(b"two", b"one"), "is there twice"),
        (made({f"f{i}": b"" for i in range(21)}), "21 entries, at most 20"),
        (made({"zeros": bytes(10**6)}), "a ZIP bomb"),
        (made({f"z{i}": bytes(60_000) for i in range(15)}), "a ZIP bomb"),
        (made({"big": os.urandom(2**20 + 1)}), "at most 1048576 are read"),
    ],
)
def test_refused(content: bytes, message: str, tmp_path: Path) -> None:
    assert message in refusal(put(tmp_path, content))


@pytest.mark.parametrize(
    ("mode", "message"),
    [
        (stat.S_IFLNK, "a symbolic link"),
        (stat.S_IFIFO, "no regular file"),
        (stat.S_IFCHR, "no regular file"),
        (stat.S_IFDIR, "no regular file"),
    ],
)
def test_links_and_devices(mode: int, message: str, tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        info = zipfile.ZipInfo("link")
        info.external_attr = (mode | 0o777) << 16
        archive.writestr(info, "/etc/passwd")
    assert message in refusal(path)


def patched(offset: int, value: bytes, entry: bytes = b"file") -> bytes:
    """An archive of one stored entry with bytes of its central directory record replaced."""
    content = bytearray(made({"file": b"0123456789"}, zipfile.ZIP_STORED))
    at = content.rfind(b"PK\1\2") + offset
    content[at : at + len(value)] = value
    return bytes(content)


@pytest.mark.parametrize(
    ("offset", "value", "message"),
    [
        (8, b"\1\0", "is encrypted"),
        (10, b"\x63\0", "an unknown method (99)"),
        (24, struct.pack("<L", 10**9), "two different sizes"),
        (24, struct.pack("<L", 11), "two different sizes"),
        (20, struct.pack("<2L", 200, 200), "not where the directory says"),
        (42, struct.pack("<L", 5), ""),
        (16, b"\0\0\0\0", "is damaged"),
        (24, struct.pack("<L", 5), "two different sizes"),
    ],
)
def test_a_directory_that_lies(offset: int, value: bytes, message: str, tmp_path: Path) -> None:
    assert message in refusal(put(tmp_path, patched(offset, value)))


def test_entries_that_share_their_data(tmp_path: Path) -> None:
    """The overlap of Fifield's bomb: two names in the directory, one piece of data."""
    content = made({"one": b"x" * 100, "two": b"x" * 100}, zipfile.ZIP_STORED)
    at = content.rfind(b"PK\1\2")
    same = content[: at + 42] + b"\0\0\0\0" + content[at + 46 :]
    assert "share their data" in refusal(put(tmp_path, same))
    # The second entry's header lies inside the first one's data.
    inner = made({"two": b"y" * 10}, zipfile.ZIP_STORED)
    header = inner[: inner.find(b"PK\1\2")]
    outer = made({"one": header, "two": b"y" * 10}, zipfile.ZIP_STORED)
    at = outer.rfind(b"PK\1\2")
    quine = outer[: at + 42] + struct.pack("<L", 33) + outer[at + 46 :]
    assert "share their data" in refusal(put(tmp_path, quine))


def test_data_that_unpack_to_another_size(tmp_path: Path) -> None:
    content = bytearray(made({"file": b"a" * 1000}))
    at = content.rfind(b"PK\1\2")
    content[at + 24 : at + 28] = struct.pack("<L", 1200)
    assert "has not the 1200 bytes" in refusal(put(tmp_path, bytes(content)))
    content[at + 24 : at + 28] = struct.pack("<L", 500)
    assert "is damaged" in refusal(put(tmp_path, bytes(content)))
    content[at + 16 : at + 20] = struct.pack("<L", zlib.crc32(b"a" * 500))
    assert read_all(put(tmp_path, bytes(content))) == {"file": b"a" * 500}  # never more


def test_one_entry_may_be_limited_further(tmp_path: Path) -> None:
    path = put(tmp_path, made({"file": b"12345"}))
    with open_archive(path, "a.zip") as archive:
        (info,) = check_archive(archive, "a.zip", LIMITS)
        assert read_entry(archive, info, 5) == b"12345"
        with pytest.raises(BadInput, match="at most 4"):
            read_entry(archive, info, 4)


def test_no_archives(tmp_path: Path) -> None:
    whole = made({"file": os.urandom(1000)})
    for content in (b"", b"text", b"PK\3\4", b"PK\5\6", whole[:-10], whole[:500], bytes(70_000)):
        assert "a.zip is no ZIP archive" in refusal(put(tmp_path, content))
    with pytest.raises(BadInput):
        open_archive(tmp_path / "nowhere.zip", "a.zip")
    with pytest.raises(BadInput):
        open_archive(tmp_path, "a.zip")


def test_a_directory_that_hides_entries(tmp_path: Path) -> None:
    """A comment that reaches over the next entries would leave them out without a word."""
    content = bytearray(made(dict.fromkeys("abc", b"x")))
    second = content.find(b"PK\1\2", content.find(b"PK\1\2") + 4)
    third = content.find(b"PK\1\2", second + 4)
    end = content.rfind(b"PK\5\6")
    content[second + 32 : second + 34] = struct.pack("<H", end - third)  # the comment's length
    with zipfile.ZipFile(io.BytesIO(bytes(content))) as read:
        assert read.namelist() == ["a", "b"]
    assert "not as many entries as it states" in refusal(put(tmp_path, bytes(content)))


def test_a_directory_too_large_is_not_read(tmp_path: Path) -> None:
    content = bytearray(made({"file": b"x"}))
    at = content.rfind(b"PK\5\6")
    content[at + 12 : at + 16] = struct.pack("<L", 2**31)
    assert "a directory of 2147483648 bytes" in refusal(put(tmp_path, bytes(content)))


@MIXED
@given(name=st.text(st.characters(codec="utf-8"), min_size=1, max_size=30))
def test_names_that_pass_stay_inside(name: str, tmp_path: Path) -> None:
    buffer = io.BytesIO()
    info = zipfile.ZipInfo("x")
    info.filename = info.orig_filename = name
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(info, b"")
    try:
        found = read_all(put(tmp_path, buffer.getvalue()))
    except BadInput:
        return
    for one in found:
        parts = PurePosixPath(one).parts
        assert not PurePosixPath(one).is_absolute()
        assert ".." not in parts
        assert "\\" not in one
        assert not {unicodedata.category(c) for c in one} & {"Cc", "Cs"}


HOSTILE = st.lists(
    st.sampled_from(["..", ".", "", "a", "C:", "~", "\\", "b\\..", "\n"]), max_size=6
)


@MIXED
@given(parts=HOSTILE)
def test_hostile_names(parts: list[str], tmp_path: Path) -> None:
    name = "/".join(parts)
    try:
        found = read_all(put(tmp_path, made({name: b""}) if name else b""))
    except BadInput:
        return
    inner = set(name.removesuffix("/").split("/"))  # a folder passes, and is left out
    assert inner <= {"a", "~", "C:"}
    assert not name.startswith("C:")
    assert list(found) == ([] if name.endswith("/") else [name])


BASES: list[Callable[[], bytes]] = [
    lambda: made({"a": b"one", "b/c": bytes(range(256)) * 3, "d": b"x" * 500}),
    lambda: made({"a": b"one", "b": bytes(range(256))}, zipfile.ZIP_STORED),
    lambda: made({"a": b"one" * 50, "b": b""}, zipfile.ZIP_LZMA),
    lambda: made({"a": b"one" * 50, "b": b""}, zipfile.ZIP_BZIP2),
]


@settings(MIXED, max_examples=300)
@given(data=st.data())
def test_changed_and_cut_archives(data: st.DataObject, tmp_path: Path) -> None:
    """BadInput or entries of the size that is stated; no other exception, and no file written."""
    content = bytearray(data.draw(st.sampled_from(BASES))())
    for _ in range(data.draw(st.integers(0, 5))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    end = data.draw(st.just(len(content)) | st.integers(0, len(content)))
    path = put(tmp_path, bytes(content[:end]))
    before = sorted(tmp_path.rglob("*"))
    with contextlib.suppress(BadInput), open_archive(path, "a.zip") as archive:
        for info in check_archive(archive, "a.zip", LIMITS):
            assert len(read_entry(archive, info, 2**20)) == info.file_size <= 2**20
    assert sorted(tmp_path.rglob("*")) == before


@MIXED
@given(content=st.binary(max_size=200))
def test_any_bytes(content: bytes, tmp_path: Path) -> None:
    for one in (content, content + made({"a": b"x"}), made({"a": b"x"}) + content):
        with contextlib.suppress(BadInput):
            read_all(put(tmp_path, one))
