"""Rooflines as JSON: what was written is read again, and what is wrong is named."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qcore.errors import BadInput
from qcore.hardware.roofline import Peak, Roofline
from qcore.hardware.roofline_file import (
    MOST_CHARACTERS,
    read_roofline,
    roofline_from_json,
    roofline_to_json,
)
from qcore.hardware.roofline_presets import PRESETS

bits = st.none() | st.integers(1, 16)
rates = st.floats(1e-6, 1e9)
rooflines = st.builds(
    Roofline,
    title=st.text("abc é-ß", min_size=1, max_size=80).filter(lambda text: text.strip() == text),
    source=st.text('abc é\n"\\漢', max_size=50),
    peaks=st.lists(
        st.builds(Peak, bits, bits, rates), min_size=1, max_size=5, unique_by=lambda peak: peak.pair
    ).map(tuple),
    gigabytes_per_s=rates,
    batch=st.integers(1, 65_536),
    overhead_us=st.floats(0, 1e6),
)


@given(rooflines)
def test_what_was_written_is_read_again(roofline: Roofline) -> None:
    assert read_roofline(json.dumps(roofline_to_json(roofline))) == roofline


@pytest.mark.parametrize("name", PRESETS)
def test_presets_can_be_saved(name: str) -> None:
    assert roofline_from_json(roofline_to_json(PRESETS[name])) == PRESETS[name]


def plain(**changed: Any) -> dict[str, Any]:
    peak = {"weight_bits": 8, "activation_bits": 8, "giga_ops_per_s": 100}
    return {"title": "Mine", "gigabytes_per_s": 20, "peaks": [peak], **changed}


def peak(**changed: Any) -> dict[str, Any]:
    return plain(peaks=[{**plain()["peaks"][0], **changed}])


def test_source_batch_and_overhead_may_be_left_out() -> None:
    assert roofline_from_json(plain()) == Roofline("Mine", "", (Peak(8, 8, 100.0),), 20.0)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([], r"'\[\]' is no object with the fields title"),
        (None, "is no object"),
        ({"title": "Mine"}, "lacks the field 'peaks'; it needs title"),
        (plain(peaks=[]), "'peaks' is .* not a list with entries"),
        (plain(peaks=[3]), "peak 1: '3' is no object with the fields weight_bits"),
        (plain(peaks=[{"weight_bits": 8}]), "peak 1 lacks 'activation_bits'"),
        (plain(peaks=plain()["peaks"] * 2), "peak 2 is a second one of 8/8 bits; give one"),
        (plain(peaks=[0] * 10_000), "10,000 entries; give at most 64"),
        (peak(weight_bits=0), "'weight_bits' is '0', not a whole number of at least 1"),
        (peak(weight_bits=17), "'weight_bits' is 17; give 1 to 16, or null"),
        (peak(weight_bits=10**4000), "'weight_bits' is 10000"),
        (peak(weight_bits=True), "'weight_bits' is 'True'"),
        (peak(activation_bits="8"), "'activation_bits' is '8', not a whole number"),
        (peak(giga_ops_per_s=0), "'giga_ops_per_s' is 0; give a number from 1e-06 to 1e"),
        (peak(giga_ops_per_s=-1), "'giga_ops_per_s' is -1; give"),
        (peak(giga_ops_per_s=float("nan")), "'giga_ops_per_s' is 'nan', not a number"),
        (peak(giga_ops_per_s=10**400), "'giga_ops_per_s' is 'so large a value'"),
        (peak(speed=1), "there is no field 'speed'; did you mean"),
        (plain(gigabytes_per_s=float("inf")), "'gigabytes_per_s' is 'inf', not a number"),
        (plain(gigabytes_per_s="20"), "'gigabytes_per_s' is '20', not a number"),
        (plain(overhead=3), "there is no field 'overhead'; did you mean 'overhead_us'?"),
        (plain(overhead_us=-1), "'overhead_us' is -1; give a number from 0"),
        (plain(batch=0), "'batch' is '0', not a whole number of at least 1"),
        (plain(batch=1.5), "'batch' is '1.5', not a whole number"),
        (plain(batch=10**30), "'batch' is 10+; give at most 65,536"),
        (plain(title=""), "title of hardware has 1 to 80 characters on one line, not ''"),
        (plain(title="a\nb"), "title of hardware has 1 to 80 characters"),
        (plain(title="a" * 81), "title of hardware has 1 to 80 characters"),
        (plain(title=3), "'title' is '3', not a text"),
        (plain(source="\ud800"), "'source' holds signs that cannot be shown"),
        (plain(source="a" * 5000), "'source' is longer than 4,000 characters"),
    ],
)
def test_a_wrong_field_is_named(data: Any, message: str) -> None:
    with pytest.raises(BadInput, match=message) as caught:
        roofline_from_json(data)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    "text",
    ["", "{", "layer,ms\n", "\0", "[" * 50_000, '{"title": ' + "9" * 5000 + "}"],
)
def test_what_is_no_json_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="the roofline is"):
        read_roofline(text)


def test_figures_beyond_floats_and_large_files_are_refused() -> None:
    text = json.dumps(plain()).replace("100", "1e400")
    with pytest.raises(BadInput, match="'giga_ops_per_s' is 'inf', not a number"):
        read_roofline(text)
    with pytest.raises(BadInput, match="more than 100,000 characters"):
        read_roofline(" " * (MOST_CHARACTERS + 1))


def test_a_byte_order_mark_is_looked_through() -> None:
    assert read_roofline("\ufeff" + json.dumps(plain())).title == "Mine"


def test_a_field_that_is_there_twice_is_refused() -> None:
    """JSON takes the last of them, whatever the person meant."""
    text = json.dumps(roofline_to_json(PRESETS["phone-cpu"]))
    with pytest.raises(BadInput, match="'batch' is there twice"):
        read_roofline(text.replace('"batch": 1', '"batch": 1, "batch": 2'))
