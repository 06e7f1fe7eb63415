"""What the charts of the sensitivity page draw, and of what."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import plotly.graph_objects as go
import pytest
from hypothesis import given
from hypothesis import strategies as some
from scipy.optimize import minimize

from qcore.data.source import DataSource
from qcore.graph.layer import Description, Layer
from qcore.sensitivity.compare import common_cells
from qcore.sensitivity.config import Measure, SensitivityConfig
from qcore.sensitivity.ranking import keep_high, ranking, safe_to_crush
from qcore.sensitivity.row import OutputNoise, SensitivityRow
from qcore.sensitivity.table import SensitivityTable
from ui.figures.cells import cell_text, no_loss_shown, short_loss, short_name
from ui.figures.loss_axis import loss_axis
from ui.figures.ranking import ranking_figure
from ui.figures.scatter import Measures, scatter_figure
from ui.figures.sensitivity import heatmap_figure
from ui.figures.sensitivity_lines import MOST_COMPARED, line_figure
from ui.figures.signed_log import SignedLog, signed_log_for
from ui.figures.spread import spread
from ui.theme import DARK, LIGHT, Palette

NAMES = ("stem", "middle", "head")
BITS = (2, 4, 8)


def row(
    layer: str,
    bits: int,
    value: float,
    half: float | None = 0.001,
    method: Measure = "projected",
) -> SensitivityRow:
    ends = (None, None) if half is None else (value - half, value + half)
    return SensitivityRow(layer, bits, "weight", value, *ends, 9, method=method)


ROWS = (
    row("stem", 2, 0.5, 0.1),
    row("stem", 4, 0.002, 0.003),  # its interval includes zero
    row("stem", 8, -0.01, 0.001),  # loss taken away, for sure
    row("middle", 2, 0.3, 0.1, "exact"),
    row("middle", 8, 0.0001, None),
    row("head", 4, -0.02, 0.05),
)


def table(
    rows: tuple[SensitivityRow, ...] = ROWS,
    names: tuple[str, ...] = NAMES,
    method: Measure = "projected",
) -> SensitivityTable:
    layers = tuple(
        Layer(n, "conv2d", n, None, (n,), (2, 3, 3, 3), 1, 2, 100, (1, 3, 8, 8), (1, 2, 6, 6))
        for n in names
    )
    network = Description("net", "0" * 64, 99, (3, 8, 8), ((5,),), layers, {}, 0, 0, 0, None)
    config = SensitivityConfig(BITS, "kl", 9, method=method)
    return SensitivityTable(network, DataSource("d"), "0", config, rows, 1.0, None)


def places(trace: go.Bar) -> list[tuple[str, int]]:
    """(layer, bits) of a trace of cells, from where they stand."""
    columns = [round(base + wide / 2) for base, wide in zip(trace.base, trace.x, strict=True)]
    return [(NAMES[y], BITS[x]) for x, y in zip(columns, trace.y, strict=True)]


def test_each_value_is_a_cell_at_its_place_and_the_rest_is_empty() -> None:
    cells, *_ = heatmap_figure(table(), "head", LIGHT).data
    assert places(cells) == [(r.layer, r.bits) for r in ROWS]
    assert [tuple(entry) for entry in cells.customdata] == places(cells)


def test_colours_grow_with_the_logarithm_and_turn_with_the_sign() -> None:
    cells, *_ = heatmap_figure(table(), "head", LIGHT).data
    shade = dict(zip(places(cells), cells.marker.color, strict=True))
    assert [np.sign(shade[r.layer, r.bits]) for r in ROWS[:3]] == [1, 1, -1]
    order = [shade[key] for key in (("stem", 4), ("middle", 2), ("stem", 2))]
    assert order == sorted(order)
    assert shade["stem", 2] == 1.0
    assert (cells.marker.cmin, cells.marker.cmax) == (-1, 1)


def test_what_may_be_chance_is_hatched() -> None:
    _, hatched, *_ = heatmap_figure(table(), "head", DARK).data
    assert places(hatched) == [("stem", 4), ("middle", 8), ("head", 4)]
    assert hatched.marker.pattern.shape == "/"
    assert hatched.hoverinfo == "skip"


@pytest.mark.parametrize(
    ("low", "high", "chance"), [(-1, 1, True), (0, 1, True), (0.1, 1, False), (-1, -0.1, False)]
)
def test_an_interval_with_zero_shows_no_loss(low: float, high: float, chance: bool) -> None:
    assert no_loss_shown(SensitivityRow("a", 4, "weight", 0.0, low, high, 9)) is chance


def test_a_dot_marks_exact_values_among_estimates_only() -> None:
    *_, dots = heatmap_figure(table(), "head", LIGHT).data
    assert [(round(x - 0.42), y) for x, y in zip(dots.x, dots.y, strict=True)] == [(0, 1)]
    exact = table(tuple(row(n, 2, 0.1, method="exact") for n in NAMES), method="exact")
    assert len(heatmap_figure(exact, "head", LIGHT).data[-1].x) == 0


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
def test_numbers_stand_in_their_cells_in_an_ink_that_a_click_does_not_fade(
    palette: Palette,
) -> None:
    texts = [
        t
        for t in heatmap_figure(table(), "head", palette).data
        if t.type == "scatter" and t.mode == "text"
    ]
    shown = {
        (NAMES[y], BITS[x]): text
        for trace in texts
        for x, y, text in zip(trace.x, trace.y, trace.text, strict=True)
    }
    assert shown == {(r.layer, r.bits): short_loss(r.delta_loss) for r in ROWS}
    for trace in texts:
        assert trace.unselected.textfont.color == trace.textfont.color


def test_a_table_without_rows_has_its_frame_and_axes() -> None:
    figure = heatmap_figure(table(()), "middle", LIGHT)
    assert list(figure.layout.yaxis.ticktext) == list(NAMES)
    assert figure.layout.shapes[0].y0 == 0.5
    line_figure(table(()), "middle", ["stem"], LIGHT)


@given(some.lists(some.floats(-1e6, 1e6), max_size=30))
def test_colours_stay_on_the_scale_and_keep_the_order(values: list[float]) -> None:
    colours = signed_log_for(values)
    found = [colours.place(v) for v in sorted(values)]
    assert found == sorted(found)
    assert all(-1 <= place <= 1 for place in found)
    assert all(place >= 0 for v, place in zip(sorted(values), found, strict=True) if v >= 0)
    assert colours.high - colours.low >= 2


def test_a_mixed_colour_is_the_scale_s() -> None:
    colours = SignedLog(-4, 0, True)
    assert colours.place(0.01) == pytest.approx(0.5)
    assert colours.place(-0.01) == pytest.approx(-0.5)
    for place, color in colours.stops(LIGHT):
        value = 0.0 if place == 0 else float(np.sign(place)) * 10 ** (4 * abs(place) - 4)
        assert colours.color(value, LIGHT) == color


@given(some.lists(some.floats(0, 400), min_size=1, max_size=8))
def test_labels_are_apart_in_order_and_moved_least(wanted: list[float]) -> None:
    found = spread(wanted, 17)
    order = sorted(range(len(wanted)), key=lambda i: wanted[i])
    ranked = [found[i] for i in order]
    assert all(b - a >= 17 - 1e-6 for a, b in pairwise(ranked))
    goal = np.array([wanted[i] for i in order])
    steps = [
        {"type": "ineq", "fun": lambda x, i=i: x[i + 1] - x[i] - 17} for i in range(len(goal) - 1)
    ]
    best = minimize(
        lambda x: ((x - goal) ** 2).sum(), np.arange(len(goal)) * 17.0, constraints=steps
    )
    assert ((np.array(ranked) - goal) ** 2).sum() <= best.fun * (1 + 1e-4) + 1e-3


def test_the_axis_is_linear_as_far_as_chance_reaches() -> None:
    sure = [(0.5, 0.4, 0.6), (1e-5, 0.9e-5, 1.1e-5)]
    assert loss_axis(sure).linear == pytest.approx(1e-5)
    doubtful = [*sure, (1e-6, -0.02, 0.02), (-1e-6, -0.02, 0.02), (0.01, None, None)]
    assert loss_axis(doubtful).linear == pytest.approx(0.01)


def test_lines_carry_their_intervals_and_their_names_in_their_colours() -> None:
    figure = line_figure(table(), "stem", ["stem", "head", "middle"], LIGHT)
    behind, *lines = figure.data
    assert behind.x is None or len(behind.x) == 0
    assert [line.name for line in lines] == ["head", "middle", "stem"]
    assert [list(line.x) for line in lines] == [[1], [0, 2], [0, 1, 2]]
    axis = loss_axis((r.delta_loss, r.ci_low, r.ci_high) for r in ROWS)
    stem = lines[-1]
    assert np.asarray(stem.y) + np.asarray(stem.error_y.array) == pytest.approx(
        axis([0.6, 0.005, -0.009])
    )
    assert np.asarray(stem.y) - np.asarray(stem.error_y.arrayminus) == pytest.approx(
        axis([0.4, -0.001, -0.011])
    )
    labels = {note.text: note.font.color for note in figure.layout.annotations}
    assert labels == {line.name: line.line.color for line in lines}
    assert len(set(labels.values())) == 3


def test_no_more_lines_than_can_be_told_apart() -> None:
    names = tuple(f"layer{i}" for i in range(9))
    rows = tuple(row(n, b, 0.1 / b) for n in names for b in BITS)
    behind, *lines = line_figure(table(rows, names), "layer8", names, DARK).data
    assert len(lines) == MOST_COMPARED + 1
    assert len({line.line.color for line in lines}) == len(lines)
    others = {entry[0] for entry in behind.customdata} - {None}
    assert others == set(names) - {line.name for line in lines}


def test_ranking_bars_and_their_colours() -> None:
    names = tuple("abcdef")
    rows = tuple(row(n, 4, 0.1 * i, 0.01) for i, n in enumerate(names))
    ranked = ranking(table(rows, names), 4)
    keep = [r.layer for r in keep_high(ranked, 2)]
    crush = [r.layer for r in safe_to_crush(ranked, 2)]
    (bars,) = ranking_figure(ranked, keep, crush, "c", "ΔL (nats)", LIGHT).data
    assert list(bars.customdata) == ["f", "e", "d", "c", "b", "a"]
    colours = dict(zip(bars.customdata, bars.marker.color, strict=True))
    assert [n for n in names if colours[n] == LIGHT.focus] == ["e", "f"]
    assert [n for n in names if colours[n] == LIGHT.accent] == ["a", "b"]
    assert [color == LIGHT.text for color in bars.marker.line.color] == [n == "c" for n in "fedcba"]


def test_scatter_of_two_measures() -> None:
    other = table(tuple(row(r.layer, r.bits, 2 * r.delta_loss, None) for r in ROWS))
    cells = common_cells(table(), other)
    same = scatter_figure(cells, Measures(("one", "two"), ("nats", "nats")), "stem", LIGHT)
    equal = same.data[0]
    assert list(equal.x) == list(equal.y)
    dots = [trace for trace in same.data if trace.customdata is not None]
    assert [trace.name for trace in dots] == ["2 bit", "4 bit", "8 bit"]
    axis = loss_axis([(r.delta_loss, r.ci_low, r.ci_high) for r in (*ROWS, *other.rows)])
    assert list(dots[0].x) == pytest.approx(list(axis([0.5, 0.3])))
    assert list(dots[0].y) == pytest.approx(list(axis([1.0, 0.6])))
    rings = same.data[-1]
    assert len(rings.x) == 3
    units = scatter_figure(cells, Measures(("one", "two"), ("nats", "Ω")), "stem", LIGHT)
    assert len(units.data) == len(same.data) - 1  # no line of equal values
    assert units.layout.yaxis.title.text == "two, Ω"


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (0.00766, "0.0077"), (-1.3e-5, "−1.3e−5"), (1234, "1200"), (2.5e7, "2.5e7")],
)
def test_short_numbers(value: float, text: str) -> None:
    assert short_loss(value) == text


def test_each_measure_has_its_own_quantity() -> None:
    for method, quantity, title in (
        ("exact", "ΔL", "ΔL (nats)"),
        ("hessian", "Ω", "Ω"),
        ("noise", "output error", "output error (of the layer output's energy)"),
    ):
        known = table((row("stem", 2, 0.5, method=method),), method=method)
        assert line_figure(known, "stem", [], LIGHT).layout.yaxis.title.text == title
        (bar,) = (t for t in heatmap_figure(known, "stem", LIGHT).data if t.hovertext)
        assert f"<br>{quantity} +0.5" in bar.hovertext[0]
        assert bar.hovertext[0].count("Ω") == (method == "hessian")
    assert known.config.quantity_in_unit("per kB").endswith("energy per kB)")


def test_noise_has_its_ratio_and_cosine_on_hover() -> None:
    noisy = replace(row("stem", 2, 0.5), noise=OutputNoise(23.44, 0.1, 0.99876))
    assert "<br>SQNR 23.4 dB, cosine 0.9988" in cell_text(noisy, table(method="noise"))
    exact = replace(noisy, noise=OutputNoise(None, 0.0, 1.0))
    assert "<br>no error, cosine 1.0000" in cell_text(exact, table(method="noise"))


def test_short_names_end_where_the_name_does() -> None:
    assert short_name("head") == "head"
    assert short_name("_blocks.13._depthwise_conv") == "…13._depthwise_conv"
    assert short_name("x" * 40) == "…" + "x" * 23
