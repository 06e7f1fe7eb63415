"""The page Hardware: rooflines and tables of one's own."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
import streamlit as st
from allocate_common import press, text_of
from own_hardware_common import NAMES, own_csv, prepared
from streamlit.testing.v1 import AppTest

from qcore.errors import BadInput
from qcore.hardware.roofline import Peak
from qcore.hardware.roofline_presets import PRESETS
from qcore.store.own_hardware import own_hardware, own_roofline, own_text
from ui.hardware.own_peaks import frame_of, peaks_of

FIRST = next(iter(PRESETS))


def show_own(prepared):  # type: ignore[no-untyped-def]  # its source runs by itself
    from ui.hardware.own import own_section

    own_section(prepared)


@pytest.fixture
def app() -> AppTest:
    st.cache_data.clear()
    return run(AppTest.from_function(show_own, args=(prepared(),), default_timeout=30))


def run(app: AppTest) -> AppTest:
    app.run()
    assert not app.exception, app.exception
    return app


def field(app: AppTest, name: str) -> Any:
    """A field of the editor, whatever it began with."""
    kinds = (app.number_input, app.text_input, app.text_area)
    return next(one for kind in kinds for one in kind if str(one.key).startswith(f"own-{name}-"))


def drop(app: AppTest, name: str, text: str) -> AppTest:
    app.file_uploader[0].upload(name, text.encode())
    return run(app)


def kept() -> dict[str, str]:
    return {machine.title: name for name, machine in own_hardware().items()}


def test_a_preset_is_changed_kept_edited_and_brought_back(app: AppTest) -> None:
    field(app, "title").set_value("My <b>phone</b>")
    field(app, "gigabytes_per_s").set_value(12.5)
    run(app)
    press(app, "Keep")
    first = own_roofline(kept()["My <b>phone</b>"])
    assert first is not None
    assert (first.gigabytes_per_s, first.peaks) == (12.5, PRESETS[FIRST].peaks)
    assert "My \\<b\\>phone\\</b\\> is kept" in text_of(app)
    # The editor goes on with it; other figures under the same title take its place.
    field(app, "batch").set_value(4)
    run(app)
    press(app, "Keep the changes")
    assert list(kept()) == ["My <b>phone</b>"]
    second = own_roofline(kept()["My <b>phone</b>"])
    assert second is not None
    assert second.batch == 4
    press(app, "Bring back")
    assert {machine.batch for machine in own_hardware().values()} == {1, 4}
    field(app, "title").set_value("Another")
    run(app)
    press(app, "Keep")
    assert len(own_hardware()) == 3


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("gigabytes_per_s", 0.0, "Bandwidth is 0; give a number from"),
        ("gigabytes_per_s", 1e12, "Bandwidth is 1e+12; give a number"),
        ("batch", 0, "Batch is '0', not a whole number of at least 1"),
        ("overhead_us", -1.0, "Overhead is -1; give a number from 0"),
        ("title", "", "The title of hardware has 1 to 80 characters"),
        ("source", "a" * 5000, "Source is longer than 4,000 characters"),
    ],
)
def test_a_wrong_figure_is_said_and_not_kept(
    app: AppTest, name: str, value: Any, words: str
) -> None:
    field(app, "title").set_value("Mine")
    field(app, name).set_value(value)
    run(app)
    assert words in text_of(app).replace("\\", "")
    assert app.button(key="own-keep").disabled
    assert not kept()


def frame(*rows: tuple[Any, Any, Any]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["weight_bits", "activation_bits", "giga_ops_per_s"])


def test_peaks_are_read_from_the_table() -> None:
    found = peaks_of(frame(("fp32", "8", 100.0), (None, None, None), ("4", "fp32", 7)))
    assert [tuple(peak.values()) for peak in found] == [(None, 8, 100.0), (4, None, 7.0)]
    again = peaks_of(frame_of(PRESETS[FIRST].peaks))
    assert [Peak(**peak) for peak in again] == list(PRESETS[FIRST].peaks)
    with pytest.raises(BadInput, match="peak 2 lacks its input bits"):
        peaks_of(frame(("8", "8", 1.0), ("8", None, 1.0)))
    with pytest.raises(BadInput, match="peak 1 lacks its giga-operations"):
        peaks_of(frame(("8", "8", float("nan"))))
    with pytest.raises(BadInput, match="peak 1 is missing"):
        peaks_of(frame((None, None, None)))


def test_a_table_is_looked_at_kept_removed_and_brought_back(app: AppTest) -> None:
    text = own_csv({(8, 8): 1.5})
    drop(app, "my_board.csv", text)
    assert "3 lines of latency for a batch of 1; weights of 8 bits" in text_of(app)
    assert not kept()
    app.button(key="own-keep-file").click()
    run(app)
    (name,) = kept().values()
    assert list(kept()) == ["my board"]
    assert own_text(name) == text
    app.button(key=f"forget-{name}").click()
    run(app)
    assert not kept()
    press(app, "Bring back")
    assert kept() == {"my board": name}


def test_every_wrong_line_is_listed_and_nothing_is_kept(app: AppTest) -> None:
    wrong = [f"{NAMES[0]},8,{bits},x" for bits in range(1, 13)]
    drop(app, "mine.csv", "\n".join(["layer,weight_bits,activation_bits,ms", *wrong]))
    assert "12 lines are wrong; nothing was kept" in text_of(app)
    assert all(f"Line {number}" in text_of(app) for number in range(2, 12))
    lines = next(d.value for d in app.dataframe if "what is wrong" in d.value)
    assert len(lines) == 12
    assert not kept()
    assert any(button.proto.id.endswith("own-template") for button in app.get("download_button"))


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.json", "{", "The roofline is no JSON"),
        ("a.json", '{"title": "A"}', "The roofline lacks the field"),
        ("a.csv", "what,is,this\n1,2,3", "The file is wrong"),
        ("a.csv", own_csv({(8, 8): 1.0}).replace(NAMES[0], "stranger"), "stranger"),
    ],
)
def test_a_strange_file_does_no_harm(app: AppTest, name: str, text: str, words: str) -> None:
    drop(app, name, text)
    assert words in text_of(app)
    assert not kept()


def test_a_roofline_file_is_kept_under_its_title(app: AppTest) -> None:
    text = (
        '{"title": "From a file", "gigabytes_per_s": 20, "peaks": [{"weight_bits": 8, '
        '"activation_bits": 8, "giga_ops_per_s": 100}]}'
    )
    drop(app, "x.json", text)
    assert "A roofline with 1 peak and 20 GB/s" in text_of(app)
    app.button(key="own-keep-file").click()
    run(app)
    assert list(kept()) == ["From a file"]
