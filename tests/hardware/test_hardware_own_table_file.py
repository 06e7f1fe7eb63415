"""Tables as CSV: every wrong line is named, and a filled template is read."""

from __future__ import annotations

import csv
import io

import pytest
from hardware_networks import conv, describe, linear
from hypothesis import given
from hypothesis import strategies as st

from qcore.errors import BadInput
from qcore.hardware.own_table import OwnTable, TableEntry
from qcore.hardware.own_table_file import (
    MOST_CHARACTERS,
    WrongLines,
    read_table_csv,
    table_template_csv,
)
from qcore.hardware.pair import BitPair

NETWORK = describe([conv("stem.conv", 3, 16, 3, 12), linear("head", 16, 10)])
EIGHT = BitPair(8, 8)
HEADER = "layer,weight_bits,activation_bits,ms\n"
SHAPES = "op,weight_shape,output_shape,groups,weight_bits,activation_bits,ms\n"

bits = st.none() | st.integers(1, 16)
names = st.text("ab,;\"' é/.\t", min_size=1, max_size=8).filter(
    lambda name: name.strip() == name and name.isprintable()
)


def wrong(text: str) -> tuple[str, ...]:
    with pytest.raises(WrongLines) as caught:
        read_table_csv(text, NETWORK)
    return caught.value.lines


@pytest.mark.parametrize(
    "text",
    [
        HEADER + "head,8,8,1.5\n",
        "\ufeff" + HEADER + "head,8,8,1.5",
        (HEADER + "\nhead,8,8,1.5\n\n").replace("\n", "\r\n"),
        (HEADER + "head,8,8,1.5\n").replace("\n", "\r"),
        (HEADER + " head , 8 , 8 ,1.5e0\n").replace(",", ";"),
        (HEADER + "head,8,8,+1.50\n").replace(",", "\t"),
        "ms,activation_bits,weight_bits,layer\n1.5,8,8,head\n",
        HEADER.strip() + ",,\nhead,8,8,1.5,,\n,,,,,\n",
        HEADER.strip() + ",batch\nhead,8,8,1.5,1\nstem.conv,8,8,,1\n",
        '"layer","weight_bits","activation_bits","ms"\n"head","8","8","1.5"\n',
    ],
)
def test_one_table_written_in_many_ways(text: str) -> None:
    expected = OwnTable((TableEntry("head", EIGHT, 1.5, None),), 1)
    assert read_table_csv(text, NETWORK) == expected
    assert read_table_csv(text, None) == expected


def test_full_precision_both_figures_and_the_batch() -> None:
    text = (
        "layer,weight_bits,activation_bits,ms,mJ,batch\nhead,FP32,fp32,2,,16\nhead,4,fp32,,3,16\n"
    )
    assert read_table_csv(text, NETWORK) == OwnTable(
        (
            TableEntry("head", BitPair(None, None), 2.0, None),
            TableEntry("head", BitPair(4, None), None, 3.0),
        ),
        16,
    )


def test_every_wrong_line_is_named_with_everything_that_is_wrong() -> None:
    lines = wrong(
        HEADER + "heat,8,8,1\n"
        "head,8,8,1\n"
        'head,32,0,"1,5"\n'
        "head,8,8,2\n"
        "head,8.0,8,nan\n"
        "head,8,8\n"
        "head,4,4,-1\n"
        "head,4,5,1_000\n"
        "head,4,6,1e999\n"
        "head,4,7,=1+1\n"
    )
    assert lines == (
        "line 2: there is no layer 'heat'; the nearest is 'head'",
        "line 4: weight_bits is '32'; give 1 to 16, or fp32, and activation_bits is '0'; give 1 to "
        "16, or fp32, and ms is '1,5' with a comma; write 1.5",
        "line 5: 'head' at 8/8 bits stands on line 3 too; remove one",
        "line 6: weight_bits is '8.0'; give 1 to 16, or fp32, and ms is 'nan'; give a number from "
        "0 to 1e+12",
        "line 7: 3 cells under 4 columns; write numbers with a point, and names with commas in "
        "quotes",
        "line 8: ms is '-1'; give a number from 0 to 1e+12",
        "line 9: ms is '1_000'; give a number from 0 to 1e+12",
        "line 10: ms is '1e999'; give a number from 0 to 1e+12",
        "line 11: ms is '=1+1'; give a number from 0 to 1e+12",
    )


def test_a_decimal_comma_between_semicolons() -> None:
    text = (HEADER + "head,8,8,COMMA\n").replace(",", ";").replace("COMMA", "1,5")
    assert wrong(text) == ("line 2: ms is '1,5' with a comma; write 1.5",)


def test_ten_lines_are_shown_and_the_rest_counted() -> None:
    text = HEADER + "".join(f"nobody{i},8,8,1\n" for i in range(5000))
    with pytest.raises(WrongLines, match=r"; and 4,990 more$") as caught:
        read_table_csv(text, NETWORK)
    assert len(caught.value.lines) == 5000
    assert len(str(caught.value)) < 2000


def test_one_batch_for_the_table() -> None:
    text = HEADER.replace("ms", "ms,batch") + "head,8,8,1,4\nhead,4,4,1,8\nhead,2,2,1,\n"
    assert wrong(text) == (
        "line 3: the batch is 8, above it is 4; give one batch",
        "line 4: batch is ''; give a whole number of at least 1",
    )


def test_wrong_shapes() -> None:
    lines = wrong(
        SHAPES + "conv2d,16x3x3x3,16x12x12,1,8,8,1\n"
        "conv2d,16*3,16x12x12,1,8,8,1\n"
        "conv2d,16x3x3x3,,0,8,8,1\n"
        ",16x3x3x3,1x16x12x12,1,8,8,1\n"
        "conv2d,1x1x1x1x1x1x1x1x1,16,1,8,8,1\n"
        "conv2d,16x3x3x3,1x16x12x12,1,8,8,1\n"
    )
    assert [line.partition(";")[0] for line in lines] == [
        "line 3: weight_shape is '16*3'",
        "line 4: output_shape is ''",
        "line 5: op is ''",
        "line 6: weight_shape is '1x1x1x1x1x1x1x1x1'",
        "line 7: 'conv2d 16x3x3x3 to 16x12x12' at 8/8 bits stands on line 2 too",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no column 'layer'; line 1 names the columns: layer, weight_bits"),
        ("layer,weight_bits,ms\n", "no column 'activation_bits'"),
        ("layer,weight_bits,activation_bits\n", "neither ms nor mJ"),
        (HEADER.replace("ms", "mj"), "column 'mj'; did you mean 'mJ'"),
        (HEADER.replace("ms", "latency (us)"), "column 'latency .us.'; did you mean"),
        (HEADER.replace("ms", "ms,ms"), "two columns 'ms'; keep one"),
        (HEADER.replace("ms", ",ms"), "a column without a name; name it. line 1 names"),
        (HEADER.replace("ms", "ms,op"), "the columns 'layer' and 'op'; give layers by name"),
        (SHAPES.replace("groups,", ""), "no column 'groups'"),
        (HEADER, "no line with a figure; fill in ms or mJ"),
        (HEADER + "head,8,8,\n", "no line with a figure"),
        (SHAPES + "conv2d,1x1,1,1,8,8,1\n", "first layer is conv2d 16x3x3x3 to 16x12x12"),
        (HEADER + "head\0,8,8,1\n", "zero byte"),
        (HEADER + '"head,8,8,1\n', "line 2: .*; mend the quotes, the rest was not read"),
        ('"layer,ms\n', "line 1: .*; mend the quotes"),
        (HEADER + "h" * 200_000 + ",8,8,1\n", "line 2: field larger than field limit"),
        (HEADER + "head,8,8," + "9" * 100_000 + "\n", "line 2: ms is '9+'; give a number"),
        ("x" * 10_000, "did you mean"),
        ("a" * (MOST_CHARACTERS + 1), "over 5,000,000 characters"),
        (HEADER + "\n" * 200_000 + "head,8,8,1\n", "more than 200,000 lines"),
    ],
)
def test_what_is_no_such_table_is_refused(text: str, message: str) -> None:
    with pytest.raises(BadInput, match=message) as caught:
        read_table_csv(text, NETWORK)
    assert len(str(caught.value)) < 400


def test_an_empty_template_has_no_figures() -> None:
    template = table_template_csv(NETWORK, [EIGHT, BitPair(None, None), BitPair(0, 8)])
    assert template.splitlines()[:3] == [
        "layer,weight_bits,activation_bits,ms,mJ,batch",
        "stem.conv,8,8,,,1",
        "stem.conv,fp32,fp32,,,1",
    ]
    assert len(template.splitlines()) == 5
    with pytest.raises(BadInput, match="no line with a figure"):
        read_table_csv(template, NETWORK)


@given(
    st.lists(names, min_size=1, max_size=3, unique=True),
    st.lists(st.builds(BitPair, bits, bits), min_size=1, max_size=4, unique=True),
    st.data(),
)
def test_a_filled_template_is_read_as_it_was_filled(
    layers: list[str], pairs: list[BitPair], data: st.DataObject
) -> None:
    network = describe([linear(name, 2, 3) for name in layers])
    rows = list(csv.reader(io.StringIO(table_template_csv(network, pairs))))
    expected = []
    figures = st.tuples(*[st.none() | st.floats(0, 1e12)] * 2)
    wanted = [(name, pair) for name in layers for pair in pairs]
    for row, (name, pair) in zip(rows[1:], wanted, strict=True):
        ms, mj = data.draw(figures)
        row[3:5] = ["" if value is None else repr(value) for value in (ms, mj)]
        if ms is not None or mj is not None:
            expected.append(TableEntry(name, pair, ms, mj))
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    if expected:
        assert read_table_csv(out.getvalue(), network) == OwnTable(tuple(expected), 1)
