"""Text that somebody else wrote stays text: in markdown, in charts, in file names; and shapes."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from qcore.fields import sizes
from ui.format import file_name, label, plain, shortened

# CommonMark 0.31, 2.4: a backslash before one of these stands for the character itself.
PUNCTUATION = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
# None of these begins or ends anything in CommonMark, in GitHub's tables and strike-through, or
# in Streamlit's directives and formulas.
HARMLESS = "\"'%,/;?@"

JOINER = "\u2060"
# What mdast-util-gfm-autolink-literal and Streamlit replace in text whose escapes are undone.
REPLACED = re.compile(
    r"https?://[-.\w]|www\.[-.\w]|[-.\w+]+@[-\w]+(\.[-\w]+)+|:material/\w+:|:streamlit:",
    re.IGNORECASE,
)

markup = st.text(st.sampled_from(PUNCTUATION + " \n\tab1"), max_size=20)


@given(st.text() | markup)
@example("1. a")
@example("    code")
@example("a\n\n# b\n===\n- c\n***")
@example("&lt;b&gt; &copy; \\&")
@example("<img src=x onerror=alert(1)>")
@example("[a](http://x) ![b][c] <http://d> `e` $f$ :red[g] ~~h~~ |i| {j} _k_")
@example("trailing backslash\\")
def test_plain_text_renders_as_itself(text: str) -> None:
    """Escapes are undone to the text, and what is left unescaped has no meaning."""
    escaped = plain(text)
    pairs = re.findall(r"\\(.)|([^\\])", escaped, re.DOTALL)
    rendered = "".join(escape or char for escape, char in pairs)
    assert rendered.replace(JOINER, "") == " ".join(text.split()).replace(JOINER, "")
    assert all(escape in PUNCTUATION for escape, _ in pairs)
    bare = {char for _, char in pairs}
    assert not bare & set(PUNCTUATION) - set(HARMLESS)
    assert not bare & set("\n\r\t")


addresses = st.sampled_from(["http", "https", "://", "www", ".", "@", "a", "-", ":", "material/"])


@given(st.lists(addresses, max_size=9).map("".join))
@example("see https://a.b/c")
@example("WWW.a.b")
@example("resnet18@w.pt")
@example(":material/home: :streamlit:")
def test_addresses_and_icons_stay_text(text: str) -> None:
    rendered = re.sub(r"\\(.)", r"\1", plain(text))
    assert rendered.replace(JOINER, "") == text
    assert not REPLACED.search(rendered)


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("torchvision:NAME@FILE", r"torchvision\:NAME@FILE"),
        ("layer1.0.conv1", r"layer1\.0\.conv1"),
        ("a*b", r"a\*b"),
        ("  two\n lines ", "two lines"),
        ("größe 網", "größe 網"),
        ("", ""),
    ],
)
def test_plain(text: str, escaped: str) -> None:
    assert plain(text) == escaped


@given(st.text() | st.text(st.sampled_from("<>&;#x0amp lt\"'")))
@example("&lt;")
@example("&amp;amp;")
@example("<b>x</b>")
def test_label_is_undone_by_unescaping(text: str) -> None:
    shown = label(text)
    assert html.unescape(shown) == text
    assert not set(shown) & set("<>")


@given(st.text())
@example("../../etc/passwd")
@example("sample:a/b")
@example("...")
@example("a\0b\r\nContent-Type: x")
def test_file_names_are_safe(text: str) -> None:
    name = file_name(text)
    assert re.fullmatch(r"[A-Za-z0-9._-]+", name)
    assert name[0] not in "-."
    assert name[-1] not in "-."
    assert file_name(name) == name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("sample:a/b", "a-b"),
        ("sample:fashion-cnn", "fashion-cnn"),
        ("net (1).onnx · 0a1b2c", "net-1-.onnx-0a1b2c"),
        ("網", "network"),
        ("", "network"),
    ],
)
def test_file_name(text: str, name: str) -> None:
    assert file_name(text) == name


@given(st.lists(st.integers(1)))
def test_sizes_are_read_as_they_are(shape: list[int]) -> None:
    assert sizes({"s": shape}, "s") == sizes({"s": tuple(shape)}, "s") == tuple(shape)


@pytest.mark.parametrize(
    "value", [None, 3, "12", {}, [0], [-1], [1.0], [True], ["1"], [[1]], [1, None]]
)
def test_what_is_no_shape(value: Any) -> None:
    with pytest.raises(ValueError, match="'s' is"):
        sizes({"s": value}, "s")


def test_a_shape_that_is_missing() -> None:
    with pytest.raises(KeyError):
        sizes({}, "s")


@given(st.text(max_size=40), st.integers(1, 30))
def test_shortened_text_is_one_line_that_fits(text: str, most: int) -> None:
    line, whole = shortened(text, most), " ".join(text.split())
    assert len(line) <= most
    assert line == whole if len(whole) <= most else line.endswith("…")
    assert whole.startswith(line.removesuffix("…"))
