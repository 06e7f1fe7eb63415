"""The page Numbers: presets, bits, bad input, and the worked examples."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from qcore.errors import BadInput
from qcore.quantize.codes import fixed_point_codes, symmetric_codes
from qcore.quantize.floats import FLOAT_FORMATS
from ui.components.bit_row import BitGroup, BitRow, Flip, sent_flip
from ui.numbers import read, value
from ui.numbers.formats import NamedCodes
from ui.numbers.rows import flipped, groups

Open = Callable[..., AppTest]
NAMED = (
    NamedCodes("fixed", "Q4.4", fixed_point_codes(4, 4)),
    NamedCodes("restricted", "INT8 restricted", symmetric_codes(8.0, 8)),
    NamedCodes("affine", "UINT8 affine", None, "Low must be below high"),
)


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the page gave to the component, and the function that a click calls."""
    seen: dict[str, Any] = {}

    def rows(drawn: tuple[BitGroup, ...], key: str, on_flip: Callable[[Flip], None]) -> None:
        seen["rows"] = {row.key: row for group in drawn for row in group.rows}

    monkeypatch.setattr(value, "bit_rows", rows)
    return seen


def row_of(number: float, key: str) -> BitRow:
    return next(r for g in groups(number, NAMED) for r in g.rows if r.key == key)


def bits_of(row: BitRow) -> str:
    return "".join(block.bits for block in row.blocks)


def text_of(app: AppTest) -> str:
    kinds = (app.markdown, app.caption, app.error, app.latex)
    return "\n".join(str(element.value) for kind in kinds for element in kind)


def test_it_opens_with_the_first_worked_example(open_page: Open, shown: dict[str, Any]) -> None:
    app = open_page("numbers")
    assert app.text_input(key="value").value == "6.0"
    assert app.text_input(key="number_hex").value == "0x40C00000"
    assert shown["rows"]["fp32"].hexadecimal == "0x40C00000"
    assert shown["rows"]["fp32"].reading == "+1.5 × 2² · exponent 129 − 127"
    assert shown["rows"]["fixed"].value == "6"


def test_a_link_shows_the_same_number(open_page: Open, shown: dict[str, Any]) -> None:
    app = open_page("numbers", value="1/3", q_m="2", q_n="6")
    assert app.text_input(key="number_hex").value == "0x3EAAAAAB"
    assert shown["rows"]["fixed"].title == "Q2.6"
    assert bits_of(shown["rows"]["fixed"]) == "00010101"


@pytest.mark.parametrize("preset", list(value.PRESETS))
def test_every_preset_is_read(preset: str) -> None:
    number = read.read_value(value.PRESETS[preset])
    assert len(groups(number, NAMED)[0].rows) == len(FLOAT_FORMATS)


def test_a_preset_sets_value_and_bits(open_page: Open, shown: dict[str, Any]) -> None:
    app = open_page("numbers")
    app.pills(key="number_preset").set_value("−0.5").run()
    assert not app.exception
    assert app.text_input(key="value").value == "-0.5"
    assert shown["rows"]["fp32"].hexadecimal == "0xBF000000"


def test_bits_typed_as_hexadecimal_become_the_value(open_page: Open, shown: dict[str, Any]) -> None:
    app = open_page("numbers")
    app.text_input(key="number_hex").set_value("bf00 0000").run()
    assert app.text_input(key="value").value == "-0.5"
    assert app.text_input(key="number_hex").value == "0xBF000000"
    app.text_input(key="number_hex").set_value("xyz").run()
    assert "“xyz” is not hexadecimal" in text_of(app)
    assert app.text_input(key="number_hex").value == "xyz"
    assert app.text_input(key="value").value == "-0.5"
    assert shown["rows"]["fp32"].value == "-0.5"


@pytest.mark.parametrize(
    ("typed", "line"),
    [
        ("", "Type a number such as"),
        ("six", "“six” is not a number"),
        ("0,1", "Write decimals with a point"),
        ("1/0", "cannot be divided by 0"),
        ("0x40C00000", "type them in the field FP32 bits"),
    ],
)
def test_what_cannot_be_read_is_one_line_and_loses_nothing(
    open_page: Open, shown: dict[str, Any], typed: str, line: str
) -> None:
    app = open_page("numbers", value="0.1")
    app.text_input(key="value").set_value(typed).run()
    assert not app.exception
    said = [str(c.value).replace("\\", "") for c in app.markdown]
    assert len([one for one in said if line in one]) == 1
    assert app.text_input(key="value").value == typed
    assert shown["rows"]["fp32"].hexadecimal == "0x3DCCCCCD"


def test_integer_fields_that_cannot_be_used_say_so_in_their_row(
    open_page: Open, shown: dict[str, Any]
) -> None:
    app = open_page("numbers", q_m="12", q_n="8")
    app.number_input(key="number_threshold").set_value(-1.0)
    app.number_input(key="number_low").set_value(9.0).run()
    assert not app.exception
    rows = shown["rows"]
    assert rows["fixed"].reading == "Q12.8 takes 20 bits; lower m or n to 16 together"
    assert "must be positive" in rows["full"].reading
    assert "Low must be below high" in rows["affine"].reading


def test_a_click_flips_the_bit_that_was_hit() -> None:
    assert flipped(6.0, Flip("fp32", 0), NAMED) == -6.0
    assert flipped(6.0, Flip("fp32", 31), NAMED) == 6.0 + 2**-21
    assert flipped(6.0, Flip("fp16", 1), NAMED) == 6.0 / 2**16
    assert flipped(6.0, Flip("fixed", 7), NAMED) == 6.0625
    assert flipped(6.0, Flip("fixed", 0), NAMED) == -2.0
    assert flipped(math.nan, Flip("fixed", 0), NAMED) is math.nan


@pytest.mark.parametrize("key", [*FLOAT_FORMATS, "fixed", "restricted"])
def test_two_clicks_on_a_bit_lead_back(key: str) -> None:
    start = 1.5
    for place in range(len(bits_of(row_of(start, key)))):
        once = flipped(start, Flip(key, place), NAMED)
        if math.isfinite(once) and (key, place) != ("restricted", 0):
            assert flipped(once, Flip(key, place), NAMED) == pytest.approx(
                row_value(start, key), abs=1e-8
            )


def row_value(number: float, key: str) -> float:
    return float(row_of(number, key).value)


def test_rows_say_how_far_off_they_are() -> None:
    assert row_of(0.1, "bf16").error == "error +9.77e-05 · relative 0.000977 · 0.2 ulp"
    assert row_of(0.5, "fp32").error == "exact"
    assert row_of(1e6, "fp16").error == "beyond the largest number"
    assert row_of(100.0, "fixed").error.startswith("clipped · error −92.1")
    assert row_of(math.nan, "fixed").reading == "not a number has no integer"
    assert bits_of(row_of(math.nan, "fixed")) == "–" * 8
    assert row_of(1e-45, "fp32").reading.endswith("smallest exponent")
    assert row_of(-0.0, "fp32").value == "-0"
    assert row_of(6.0, "affine").reading == "Low must be below high"


def test_only_bits_that_are_there_can_be_flipped() -> None:
    drawn = groups(6.0, NAMED)
    assert sent_flip({"row": "fp16", "place": 15}, drawn) == Flip("fp16", 15)
    for sent in (None, "x", {}, {"row": "fp16", "place": 16}, {"row": "zz", "place": 0}):
        assert sent_flip(sent, drawn) is None
    for place in (-1, "1", None, math.nan, True):
        assert sent_flip({"row": "fp16", "place": place}, drawn) is None
    assert sent_flip({"row": ["fp16"], "place": 1}, drawn) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1/3", 1 / 3),
        (" −2.5e-3 ", -0.0025),
        ("-pi", -math.pi),
        ("π", math.pi),
        ("1e400", math.inf),
    ],
)
def test_numbers_are_read(text: str, expected: float) -> None:
    assert read.read_value(text) == expected


@pytest.mark.parametrize("text", ["--1", "+-pi", "1/2/3", "1/", "/2", "0x", "one", "1,5"])
def test_other_texts_are_refused_in_one_line(text: str) -> None:
    with pytest.raises(BadInput) as problem:
        read.read_value(text)
    assert "\n" not in str(problem.value)


@pytest.mark.parametrize("text", ["", "0x", "12345", "123456789", "0xGGGGGGGG"])
def test_bits_that_are_not_fp32_are_refused(text: str) -> None:
    with pytest.raises(BadInput):
        read.read_fp32_bits(text)


@pytest.mark.parametrize("number", [6.0, 0.1, -1 / 3, 1e-45, 5e-324, 3.4e38, -0.0, 2.0**-24])
def test_a_number_as_it_is_written_is_read_back(number: float) -> None:
    again = read.read_value(read.typed(number))
    assert (again, math.copysign(1, again)) == (number, math.copysign(1, number))


def test_exact_digits() -> None:
    assert read.exact(0.5) == "0.5"
    assert read.exact(6.0) == "6"
    assert read.exact(2.0**-24) == "0.000000059604644775390625"
    assert read.exact(0.1) == "0.100000000000000005551115123125782702118…"
    assert read.exact(2.0**-149) == "1.40129846432481707092372958328991613128…e-45"
    assert read.exact(-math.inf) == "-inf"


def test_slope_and_bias_shows_the_table(open_page: Open, shown: dict[str, Any]) -> None:
    app = open_page("numbers")
    table = next(t.value for t in app.dataframe if "s × code + z" in t.value)
    assert list(table["Value"]) == ["10", "11.5", "13", "14.5", "16", "17.5", "19", "20.5"]
    app.pills(key="slope_preset").set_value("s = ¼, z = 0").run()
    table = next(t.value for t in app.dataframe if "s × code + z" in t.value)
    assert list(table["Value"]) == ["0", "0.25", "0.5", "0.75", "1", "1.25", "1.5", "1.75"]
    assert not app.exception


def test_the_requantize_example_shows_every_number(open_page: Open, shown: dict[str, Any]) -> None:
    app = open_page("numbers")
    said = text_of(app)
    for number in ("63.5", "-98 & 14", "-5222", "-0.647529", "0.00524934", "-27.412"):
        assert number in said
    for number in ("1442928645", "2^{-38}", r"-27 \\ -18", "-0.637795", "-0.008526611328125"):
        assert number in said


def test_ranges_that_cannot_be_used_are_one_line_and_can_be_reset(
    open_page: Open, shown: dict[str, Any]
) -> None:
    app = open_page("numbers")
    app.number_input(key="range_c").set_value(0.0).run()
    assert [e.value for e in app.error] == [
        r"a range must be positive and at most 1e30, got 0".replace("-", r"\-")
    ]
    next(b for b in app.button if b.label == "Worked example").click().run()
    assert not app.error
    assert "1442928645" in text_of(app)
