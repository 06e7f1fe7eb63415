"""Layers may be called anything: charts show the name as text and pass it on as it is."""

from __future__ import annotations

import html
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import plotly.graph_objects as go
import pytest

from qcore.data.source import DataSource
from qcore.graph.layer import Description, Layer
from qcore.measure.data_report import DataReport, LayerEvidence, Trial
from qcore.sensitivity.compare import common_cells
from qcore.sensitivity.config import SensitivityConfig
from qcore.sensitivity.ranking import ranking
from qcore.sensitivity.row import SensitivityRow
from qcore.sensitivity.table import SensitivityTable
from ui.figures.bit_rows import BitsRow, bit_rows_figure
from ui.figures.cells import short_name
from ui.figures.data import balance_figure, need_figure
from ui.figures.layers import share_figure
from ui.figures.ranking import ranking_figure
from ui.figures.scatter import Measures, scatter_figure
from ui.figures.sensitivity import heatmap_figure
from ui.figures.sensitivity_lines import line_figure
from ui.theme import DARK, LIGHT

HOSTILE = ("<b>x</b>", "&lt;", "%{y}<extra>", 'a"onmouseover=', "<a href='javascript:x'>")
NUMBERS = ("193", "194", "1e3", "2024-01-01", "7.0")
FOCUS = 1
BITS = (2, 8)


def network(names: tuple[str, ...]) -> Description:
    layers = tuple(
        Layer(n, "conv2d", n, None, (n,), (2, 3, 3, 3), 1, 2, 100 * i, (1, 3, 8, 8), (1, 2, 6, 6))
        for i, n in enumerate(names, 1)
    )
    return Description("net", "0" * 64, 99, (3, 8, 8), ((5,),), layers, {}, 0, 0, 0, None)


def report(names: tuple[str, ...]) -> DataReport:
    layers = tuple(LayerEvidence(n, 1234 * i, 1.0, 1.0 + i / 10) for i, n in enumerate(names))
    own = Trial("as asked", 9, None, None)
    nothing: Any = ()
    return DataReport(
        9,
        5,
        ((0, 4), (3, 5)),
        (0.0,),
        (1.0,),
        -1.0,
        1.0,
        0,
        None,
        own,
        nothing,
        layers,
        (),
        0.1,
        0,
        0,
    )


def table(names: tuple[str, ...]) -> SensitivityTable:
    rows = tuple(
        SensitivityRow(n, b, "weight", 0.1 / b, 0.05 / b, 0.2 / b, 9) for n in names for b in BITS
    )
    config = SensitivityConfig(BITS, "kl", 9)
    return SensitivityTable(network(names), DataSource("d"), "0", config, rows, 1.0, None)


BARS: dict[str, Callable[[tuple[str, ...]], go.Figure]] = {
    "need": lambda names: need_figure(report(names), names[FOCUS], LIGHT),
    "differences": lambda names: bit_rows_figure(
        names,
        [BitsRow("A", [4] * len(names)), BitsRow("now", range(2, 2 + len(names)))],
        names[FOCUS],
        LIGHT,
        grey_equal=True,
    ),
    "share": lambda names: share_figure(network(names), names[FOCUS], DARK),
}


def first(entry: Any) -> Any:
    """The name in a mark's customdata, which is it or begins with it."""
    return entry if isinstance(entry, str) else entry[0]


@pytest.mark.parametrize("names", [HOSTILE, NUMBERS], ids=["hostile", "numbers"])
@pytest.mark.parametrize("kind", list(BARS))
def test_bars(kind: str, names: tuple[str, ...]) -> None:
    figure = BARS[kind](names)
    assert figure.layout.xaxis.type == "category"
    for bar in figure.data:
        assert [html.unescape(x) for x in bar.x] == list(names)
        assert not any(set("<>") & set(x) for x in bar.x)
        assert [first(entry) for entry in bar.customdata] == list(names)
        assert not any(name in bar.hovertemplate for name in HOSTILE)


@pytest.mark.parametrize("names", [HOSTILE, NUMBERS], ids=["hostile", "numbers"])
def test_heat_map(names: tuple[str, ...]) -> None:
    figure = heatmap_figure(table(names), names[FOCUS], LIGHT)
    axis = figure.layout.yaxis
    assert [html.unescape(text) for text in axis.ticktext] == list(names)
    assert not any(set("<>") & set(text) for text in axis.ticktext)
    assert list(axis.tickvals) == list(range(len(names)))  # places, whatever the names look like
    marks = figure.data[0]
    assert [tuple(entry) for entry in marks.customdata] == [(n, b) for n in names for b in BITS]
    assert list(marks.y) == [i for i in range(len(names)) for _ in BITS]
    check_hover(marks.hovertext, [n for n in names for _ in BITS])
    frame = figure.layout.shapes[0]
    assert (frame.y0 + frame.y1) / 2 == FOCUS


@pytest.mark.parametrize("names", [HOSTILE, NUMBERS], ids=["hostile", "numbers"])
def test_lines(names: tuple[str, ...]) -> None:
    figure = line_figure(table(names), names[FOCUS], names[2:4], LIGHT)
    behind, *lines = figure.data
    assert [html.unescape(line.name) for line in lines] == [*names[2:4], names[FOCUS]]
    for line in lines:
        assert not set("<>") & set(line.name)
        assert {first(entry) for entry in line.customdata} == {html.unescape(line.name)}
        check_hover(line.hovertext, [html.unescape(line.name)] * len(BITS))
    shown = [
        (text, first(entry))
        for text, entry in zip(behind.hovertext, behind.customdata, strict=True)
    ]
    others = [(text, name) for text, name in shown if name is not None]
    assert {name for _, name in others} == {names[0], names[4]}
    check_hover([text for text, _ in others], [name for _, name in others])
    labels = [note.text for note in figure.layout.annotations]
    assert not any(set("<>") & set(text) for text in labels)
    assert html.unescape(labels[-1]) == short_name(names[FOCUS])


@pytest.mark.parametrize("names", [HOSTILE, NUMBERS], ids=["hostile", "numbers"])
def test_ranking_and_scatter(names: tuple[str, ...]) -> None:
    whole = table(names)
    ranked = ranking(whole, BITS[0])
    bars = ranking_figure(ranked, names[:1], names[1:2], names[FOCUS], "nats", LIGHT)
    assert [html.unescape(text) for text in bars.layout.yaxis.ticktext] == list(names)
    assert not any(set("<>") & set(text) for text in bars.layout.yaxis.ticktext)
    assert list(bars.data[0].customdata) == list(names)
    check_hover(bars.data[0].hovertext, list(names))
    cells = common_cells(whole, whole)
    measures = Measures(("Exact", "Noise"), ("nats", "nats"))
    dots = [
        t
        for t in scatter_figure(cells, measures, names[FOCUS], DARK).data
        if t.customdata is not None
    ]
    for trace, bits in zip(dots, BITS, strict=True):
        assert [tuple(entry) for entry in trace.customdata] == [(name, bits) for name in names]
        check_hover(trace.hovertext, list(names))


def check_hover(texts: Any, names: list[str]) -> None:
    """The name stands escaped between the only tags there are."""
    for text, name in zip(texts, names, strict=True):
        shown, _, rest = text.removeprefix("<b>").partition("</b>")
        assert html.unescape(shown) == name
        assert "<" not in shown
        assert not any(raw in rest for raw in HOSTILE)


def test_bars_of_the_data_figures_are_the_report_s() -> None:
    names = ("stem", "middle", "head")
    figure = need_figure(report(names), "middle", LIGHT)
    (bars,) = figure.data
    assert bars.y == pytest.approx([0.0, 100 * 2 * 0.1 / 2.1, 100 * 2 * 0.2 / 2.2])
    assert [entry[1] for entry in bars.customdata] == ["0", "1,234", "2,468"]
    assert [color == LIGHT.focus for color in bars.marker.color] == [False, True, False]
    assert figure.layout.yaxis.title.text.endswith("(%)")
    assert figure.layout.shapes[0].y0 == 10  # where the warning begins
    counts = balance_figure(report(names), LIGHT)
    assert (list(counts.data[0].x), list(counts.data[0].y)) == (["0", "3"], [4, 5])
    assert counts.layout.xaxis.type == "category"


def test_a_threshold_that_is_unknown_has_no_bar() -> None:
    one = report(("a", "b"))
    layers = (LayerEvidence("a", 1, 1.0, None), one.layers[1])
    (bars,) = need_figure(replace(one, layers=layers), "a", LIGHT).data
    assert bars.y[0] is None
    assert bars.y[1] > 0


@pytest.mark.parametrize(("count", "shown"), [(24, True), (25, False)])
def test_names_are_left_out_where_they_do_not_fit(count: int, shown: bool) -> None:
    names = tuple(f"layer{i}" for i in range(count))
    for kind, build in BARS.items():
        always = kind == "differences"  # whose names turn, and are shortened
        assert build(names).layout.xaxis.showticklabels is (shown or always)
