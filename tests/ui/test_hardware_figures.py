"""What the page Hardware draws and links, on networks made by hand."""

from __future__ import annotations

import html
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qcore.allocate.across import CrossTable
from qcore.graph.layer import Description, Layer
from qcore.hardware import HARDWARE, BitPair
from qcore.hardware.bismo import EDGE, layer_cycles
from qcore.hardware.model import MOST_IMAGES, Cost, Hardware
from qcore.hardware.validation.networks import conv
from qcore.quantize.limits import MAX_BITS
from qcore.sensitivity.config import Width
from ui.figures.bounds import BOUNDS
from ui.figures.latency_parts import layer_figure
from ui.figures.policies import Crossed, cross_figure
from ui.figures.roofline import Dot, Trail, roofline_figure
from ui.hardware.chosen import LINK, UNIFORM, Chosen, read_query, to_query
from ui.hardware.cross_words import crossed, in_words, troubles
from ui.hardware.limits import Limit
from ui.hardware.parts import energy_bars, latency_bars
from ui.hardware.roofline import dots, roofs, speed, trails
from ui.hardware.run import run_of
from ui.theme import DARK, LIGHT

EDGE_MACHINE, OPERATIONS = HARDWARE["bismo-edge"], HARDWARE["operations"]
HOSTILE = "<b>x</b>"


LAYERS = (
    conv("stem", 3, 32, 3, 16),
    conv(HOSTILE, 32, 32, 3, 16, groups=32),
    conv("c", 32, 64, 1, 16),
    conv("d", 64, 64, 3, 8),
    conv("head", 64, 10, 1, 1),
)
NETWORK = Description("net", "figures", 9, (3, 16, 16), ((10,),), LAYERS, {}, 0, 0, 0, None)
PAIRS = tuple(BitPair(w, a) for w, a in ((4, 8), (2, 3), (8, 8), (5, 4), (4, 8)))


def timed(name: str, times: dict[BitPair, float]) -> Hardware:
    """A machine with a list of times, without parts: as somebody's own table."""

    def cost(layer: Layer, pairs: list[BitPair], batch: int) -> Cost:
        return Cost(
            np.array([times[pair] * (math.nan if layer.name == "d" else 1) for pair in pairs])
        )

    return Hardware(
        name,
        "By hand",
        "by hand",
        (),
        (8, None),
        (8, None),
        1,
        cost,
        fixed_batch=True,
        runs_as=lambda pair: pair if pair in times else None,
    )


def test_bars_add_up_to_the_machine_s_own_cycles() -> None:
    run = run_of(NETWORK, EDGE_MACHINE, PAIRS, 3)
    cycles = [
        0 if layer.name in ("stem", "head") else int(layer_cycles(EDGE, layer, [pair], 3).total[0])
        for layer, pair in zip(LAYERS, PAIRS, strict=True)
    ]
    assert run.total_ms == pytest.approx(sum(cycles) / 200e3)
    bars = latency_bars(run)
    assert bars is not None
    assert bars.parts is not None
    per_ms = {"ms": 1.0, "µs": 1e3}[bars.unit]
    stacked = np.sum([list(values) for values in bars.parts.values()], axis=0)
    assert stacked == pytest.approx(np.array(cycles) / 200e3 * per_ms)
    assert bars.values == pytest.approx(stacked)
    assert bars.shares is not None
    assert sum(bars.shares.values()) == pytest.approx(1)
    assert bars.texts == ["left<br>out", "2/3", "8/8", "5/4", "left<br>out"]
    assert "left out" in bars.hovers[0]
    assert "bound by" in bars.hovers[3]


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
def test_bars_are_told_apart_without_colour_and_the_focus_has_a_band(palette) -> None:
    bars = latency_bars(run_of(NETWORK, EDGE_MACHINE, PAIRS))
    assert bars is not None
    figure = layer_figure(bars, HOSTILE, palette)
    *stacked, columns = figure.data
    assert len({bar.marker.pattern.shape for bar in stacked}) == 3
    assert [bar.marker.color for bar in stacked] == [
        look.light if palette is LIGHT else look.dark for look in BOUNDS.values()
    ]
    assert len({bar.marker.color for bar in stacked}) == 3
    for bar in figure.data:
        assert list(bar.customdata) == [layer.name for layer in LAYERS]
        assert html.unescape(bar.x[1]) == HOSTILE
        assert "<" not in bar.x[1]
        assert not any(HOSTILE in text for text in bar.hovertext)
    heights = np.sum([bar.y for bar in figure.data], axis=0)
    assert heights == pytest.approx([figure.layout.yaxis.range[1]] * len(LAYERS))
    assert max(columns.y) == figure.layout.yaxis.range[1]  # over a layer that is not counted
    band = figure.layout.shapes[0]
    assert (band.x0, band.x1) == (0.5, 1.5)


def test_a_machine_without_parts_has_plain_bars_and_gaps() -> None:
    machine = timed("own:plain", {BitPair(8, 8): 2.0, BitPair(None, None): 5.0})
    run = run_of(NETWORK, machine, [BitPair(8, 8)] * 5)
    assert run.total_ms is None
    assert run.refusal is not None
    assert "'d'" in run.refusal
    assert "8/8" in run.refusal
    bars = latency_bars(run)
    assert bars is not None
    assert bars.parts is None
    assert bars.values == [2.0, 2.0, 2.0, None, 2.0]
    bar, _ = layer_figure(bars, "c", LIGHT).data
    assert list(bar.y) == bars.values
    assert "does not run" in bars.hovers[3]
    assert not any("nan" in text.lower() for text in bars.hovers)


@pytest.mark.parametrize(
    ("pair", "said"),
    [
        (BitPair(4, 8), ["'stem'", "4/8", "8 bits, or full precision", "full/full, 8/8"]),
        (BitPair(8, None), ["'stem'", "8/full", "pairs that it runs: full/full, 8/8"]),
    ],
)
def test_what_does_not_run_is_named_with_what_does(pair: BitPair, said: list[str]) -> None:
    machine = timed("own:pairs", {BitPair(8, 8): 2.0, BitPair(None, None): 5.0})
    run = run_of(NETWORK, machine, [pair] * 5)
    assert run.refusal is not None
    assert all(words in run.refusal.replace("8/8, full/full", "full/full, 8/8") for words in said)
    assert "4 other layers as well" in run.refusal
    assert not run.runs.any()


def test_energy_bars_are_the_energy() -> None:
    run = run_of(NETWORK, OPERATIONS, PAIRS)
    bars = energy_bars(run)
    assert bars is not None
    assert latency_bars(run) is None
    assert run.total_mj is not None
    per_mj = {"mJ": 1, "µJ": 1e3, "nJ": 1e6}[bars.unit]
    assert sum(value or 0 for value in bars.values) == pytest.approx(run.total_mj * per_mj)


@pytest.mark.parametrize("name", ["bismo-cloud", "bismo-edge"])
def test_every_dot_is_below_its_roof(name: str) -> None:
    machine = HARDWARE[name]
    assert machine.roof is not None
    for weight in (2, 5, 8):
        for inputs in (3, 8):
            pair = BitPair(weight, inputs)
            found = dots(run_of(NETWORK, machine, [pair] * 5))
            assert [dot.layer for dot in found] == [layer.name for layer in LAYERS]
            roof = machine.roof(pair)
            for dot in found:
                best = min(roof.peak_ops_per_s, dot.ops_per_byte * roof.bytes_per_s)
                assert dot.ops_per_s <= best * (1 + 1e-9)


def test_the_trail_goes_through_the_layer_s_own_dot() -> None:
    run = run_of(NETWORK, EDGE_MACHINE, PAIRS)
    own = next(dot for dot in dots(run) if dot.layer == "d")
    weights, inputs = trails(run, "d")
    assert list(weights.widths) == list(inputs.widths) == [2, 3, 4, 5, 6, 7, 8]
    assert weights.dots[weights.widths.index(5)] == own
    assert inputs.dots[inputs.widths.index(4)] == own
    # Fewer bits move fewer bytes for the same operations.
    for trail in (weights, inputs):
        reach = [dot.ops_per_byte for dot in trail.dots]
        assert reach == sorted(reach, reverse=True)


@pytest.mark.parametrize("focus", ["stem", "d"])
def test_the_roofline_figure_shows_what_it_was_given(focus: str) -> None:
    run = run_of(NETWORK, EDGE_MACHINE, PAIRS)
    found, lines = dots(run), roofs(run)
    assert len(lines) == 4
    assert next(iter(lines)).startswith("4/8 bits: ")  # of most layers
    figure = roofline_figure(found, lines, trails(run, focus), focus, DARK)
    drawn = [
        (x, y, name)
        for trace in figure.data
        if trace.mode == "markers" and trace.customdata
        for x, y, name in zip(trace.x, trace.y, trace.customdata, strict=True)
    ]
    assert sorted(drawn) == sorted((d.ops_per_byte, d.ops_per_s, d.layer) for d in found)
    best = {
        trace.name: list(zip(trace.x, trace.y, strict=True))
        for trace in figure.data
        if trace.mode == "lines"
    }
    assert set(best) == set(lines)
    for name, roof in lines.items():
        bend = (roof.peak_ops_per_s / roof.bytes_per_s, roof.peak_ops_per_s)
        assert best[name][1] == pytest.approx(bend)
        (x, y), (_, top) = best[name][0], best[name][-1]
        assert (y, top) == pytest.approx((x * roof.bytes_per_s, roof.peak_ops_per_s))
    assert figure.layout.xaxis.type == figure.layout.yaxis.type == "log"
    low, high = figure.layout.yaxis.range
    assert all(low <= math.log10(y) <= high for _, y, _ in drawn)
    words = [note.text for note in figure.layout.annotations]
    assert set(lines) <= set(words)
    assert f"<b>{focus}</b>" in words
    assert any(text.startswith("memory 3.2 GB/s") for text in words)


@pytest.mark.parametrize(
    ("per_s", "text"), [(1.64e12, "1.64 TOP/s"), (2.05e11, "205 GOP/s"), (12.0, "12 OP/s")]
)
def test_speeds_read_as_people_write_them(per_s: float, text: str) -> None:
    assert speed(per_s) == text


some_bits = st.none() | st.integers(1, MAX_BITS)
some_widths = st.lists(
    st.builds(Width, st.integers(2, MAX_BITS), st.none() | st.integers(2, MAX_BITS)),
    min_size=3,
    max_size=3,
).map(tuple)


@given(
    hardware=st.text(min_size=1, max_size=9),
    batch=st.none() | st.integers(1, MOST_IMAGES),
    weight=some_bits,
    inputs=some_bits,
    widths=st.none() | some_widths,
    known=st.booleans(),
)
def test_a_link_shows_the_same(hardware, batch, weight, inputs, widths, known) -> None:
    names = {"A": widths} if known and widths else {}
    source = UNIFORM if widths is None else "A" if known else LINK
    chosen = Chosen(hardware, batch, weight, inputs, source, widths)
    query = {name: text for name, text in to_query(chosen).items() if text is not None}
    assert read_query(query, names, 3) == chosen


@pytest.mark.parametrize(
    "query",
    [
        {"batch": "0"},
        {"batch": "-3"},
        {"batch": "9" * 400},
        {"batch": "²"},
        {"weight_bits": "99"},
        {"input_bits": "x"},
        {"bits": "zzz"},
        {"bits": "44"},
    ],
)
def test_what_a_link_says_wrongly_is_the_default(query: dict[str, str]) -> None:
    assert read_query(query, {}, 3) == Chosen()


NAMES = {"a": "Alpha (one)", "b": "Beta", "c": "<i>Gamma</i>"}
CROSS = CrossTable(
    names=("a", "b", "c"),
    policies=((Width(4), Width(8)), (Width(8), Width(4)), None),
    values=((10.0, 30.0, 8.0), (15.0, 20.0, None), (None, None, None)),
    quantities=("latency_ms", "energy_mj", "latency_ms"),
    uniform=(12.0, None, 8.0),
    trouble=(None, None, "no widths within the loss"),
)


def test_each_column_is_relative_to_its_best() -> None:
    shown = crossed(CROSS, NAMES)
    assert shown is not None
    assert shown.rows == ["for Alpha (one)", "for Beta", "Best uniform"]
    assert shown.ratios == [[1.0, 1.5, 1.0], [1.5, 1.0, None], [1.2, None, 1.0]]
    assert shown.own == [(0, 0), (1, 1)]
    assert shown.amounts[0] == ["10.00 ms", "30.00 mJ", "8.000 ms"]
    figure = cross_figure(shown, LIGHT)
    cells, words = figure.data
    assert len(cells.marker.color) == 9
    assert cells.marker.color[0] != cells.marker.color[1]
    assert list(words.text)[:2] == ["<b>1.00×</b><br>10.00 ms", "<b>1.50×</b><br>30.00 mJ"]
    assert words.text[5] == "–"
    frames = [((s.y0 + s.y1) / 2, (s.x0 + s.x1) / 2) for s in figure.layout.shapes]
    assert frames == [(0, 0), (1, 1)]
    assert not any("<i>" in text for text in figure.layout.xaxis.ticktext)


def test_the_frame_is_in_the_row_of_the_policy_and_the_column_of_the_machine() -> None:
    only = Crossed(["for B"], ["A", "B"], [[1.2, 1.0]], [["", ""]], own=[(0, 1)])
    (frame,) = cross_figure(only, DARK).layout.shapes
    assert ((frame.x0 + frame.x1) / 2, (frame.y0 + frame.y1) / 2) == (1, 0)
    assert frame.x1 - frame.x0 == pytest.approx(frame.y1 - frame.y0)


def test_the_words_say_what_the_table_shows() -> None:
    text = in_words(CROSS, NAMES, Limit("uniform 4 bits", 0.123))
    assert "2 different policies for 2 kinds" in text
    assert "**1.50 times**" in text
    assert "1.20 times" in text  # uniform bits on Alpha
    assert "uniform 4 bits" in text
    assert troubles(CROSS, NAMES) == ["<i>Gamma</i> takes no part: no widths within the loss."]


def test_bits_that_run_alike_share_a_mark() -> None:
    def dot(per_s: float) -> Dot:
        return Dot("d", 10.0, per_s, None, "")

    trail = Trail("at other bits", [2, 3, 4, 8], [dot(9e9), dot(9e9), dot(9e9), dot(1e9)])
    figure = roofline_figure([dot(9e9)], {}, [trail], "d", LIGHT)
    marks = next(trace for trace in figure.data if trace.name == "at other bits")
    assert list(marks.text) == ["2–4", "8"]
    assert list(marks.y) == [9e9, 1e9]


def test_many_machines_have_upright_names_and_units_on_a_line_of_their_own() -> None:
    count = 12
    names = [f"Machine with a long name <{number}>" for number in range(count)]
    shown = Crossed(["for one"], names, [[1.0] * count], [["928.5 µs"] * count], [(0, 0)])
    few = Crossed(["for one"], names[:2], [[1.0] * 2], [["928.5 µs"] * 2], [(0, 0)])
    many, plain = cross_figure(shown, LIGHT), cross_figure(few, LIGHT)
    assert (many.layout.xaxis.tickangle, plain.layout.xaxis.tickangle) == (-90, 0)
    assert many.data[1].text[0].endswith("928.5<br>µs")
    assert plain.data[1].text[0].endswith("928.5 µs")
    assert max(len(line) for line in plain.layout.xaxis.ticktext[0].split("<br>")) <= 16
    assert "&lt;1&gt;" in many.data[0].hovertext[1]
