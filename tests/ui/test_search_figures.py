"""Figures of a race: what is drawn, and how it is named."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qcore.agents.episode import Episode
from ui.figures.bit_rows import BitsRow, bit_rows_figure
from ui.figures.search import Level, SearchLine, search_figure
from ui.figures.search_rewards import RewardPanel, rewards_figure
from ui.figures.spread import spread_within
from ui.search.curves import best_line, reward_panel
from ui.search.progress import seconds_left
from ui.search.standing import Competitor, Run
from ui.theme import DARK, LIGHT, bit_color

LEVELS = (
    Level("optimum", "Optimum", 0.01),
    Level("uniform", "Best uniform", 0.1),
    Level("bound", "LP bound", 0.0099),
)


def line(values: list[float], agent: Any = "haq") -> SearchLine:
    low, high = [v * 0.9 for v in values], [v * 1.1 for v in values]
    return SearchLine(agent, "HAQ", range(1, len(values) + 1), values, low, high)


def drawn(lines: list[SearchLine], levels: tuple[Level, ...] = LEVELS) -> Any:
    return search_figure(lines, levels, 300, "loss", "{:.3g}".format, LIGHT)


def test_every_line_and_level_is_named_at_its_end() -> None:
    figure = drawn([line([0.5, 0.2, 0.05]), line([0.3, 0.3], "random")])
    texts = [note.text for note in figure.layout.annotations]
    assert texts == [
        "HAQ 0.05",
        "HAQ 0.3",
        "Optimum 0.01",
        "Best uniform 0.1",
        "LP bound 0.0099",
    ]
    # Optimum and bound all but coincide: their names do not.
    assert all(b - a > 17 for a, b in pairwise(heights(figure)))
    assert figure.layout.yaxis.type == "log"
    assert figure.layout.xaxis.range == (0, 300)
    assert not figure.layout.showlegend
    assert len({trace.line.dash for trace in figure.data if trace.mode == "lines"}) >= 4


def heights(figure: Any) -> list[float]:
    """Where names stand, in pixels from the top, in order."""
    layout = figure.layout
    low, high = layout.yaxis.range
    inside = layout.height - layout.margin.t - layout.margin.b
    return sorted(note.ay + (high - note.y) * inside / (high - low) for note in layout.annotations)


def test_small_values_of_either_sign_are_told_apart_beside_large_ones() -> None:
    levels = (Level("optimum", "Solver", -0.0266), Level("uniform", "Best uniform", 0.033))
    ends = [[2.35, 0.147], [0.4, 0.00397], [0.55, 0.0101]]
    figure = drawn([line(values) for values in ends], levels)
    axis = figure.layout.yaxis
    assert axis.type == "linear"
    assert list(axis.ticktext) == ["−0.01", "−0.001", "0", "0.001", "0.01", "0.1", "1"]
    low, high = axis.range
    assert all(low <= place <= high for trace in figure.data for place in trace.y)
    # Lines end where their names point to, each in order and well apart.
    notes = {note.text: note.y for note in figure.layout.annotations}
    places = [notes[f"HAQ {value}"] for value in ("0.147", "0.0101", "0.00397")]
    assert {trace.y[-1] for trace in figure.data if trace.name == "HAQ"} == set(places)
    order = [places[0], notes["Best uniform 0.033"], *places[1:], notes["Solver -0.0266"]]
    assert all(a - b > 0.05 * (high - low) for a, b in pairwise(order))
    # On a tick is its value, and factors of ten are as far apart.
    ticks = dict(zip(axis.ticktext, axis.tickvals, strict=True))
    assert ticks["0"] == 0
    assert ticks["0.01"] < notes["Best uniform 0.033"] < ticks["0.1"]
    assert ticks["1"] - ticks["0.1"] == pytest.approx(1, abs=0.01)
    assert all(b - a > 17 for a, b in pairwise(heights(figure)))
    empty = drawn([SearchLine("haq", "HAQ", (), (), (), ())], ())
    assert not empty.data


def test_the_axis_has_the_unit_of_the_names() -> None:
    seeds = SearchLine("haq", "HAQ", [1, 9], [76e3, 51170], [75e3, 50480], [77e3, 52e3], 2)
    figure = search_figure(
        [seeds], (), 9, "size (kB)", lambda v: f"{v / 1000:.2f} kB", LIGHT, 1000.0
    )
    assert figure.layout.annotations[0].text == "HAQ, median 51.17 kB"
    assert list(figure.data[-1].y) == [76, 51.17]
    low, high = figure.layout.yaxis.range
    assert low < math.log10(50.48) < math.log10(77) < high


@given(st.lists(st.floats(-50, 450), min_size=1, max_size=12))
def test_names_stay_within_the_figure(places: list[float]) -> None:
    found = spread_within(places, 18, 360)
    order = sorted(range(len(places)), key=lambda i: (found[i], i))
    assert [places[i] for i in order] == sorted(places)
    row = sorted(found)
    assert all(b - a >= 18 - 1e-9 for a, b in pairwise(row))
    assert row[0] >= 9 - 1e-9
    assert row[-1] <= 351 + 1e-9
    if all(b - a >= 18 for a, b in pairwise([-9, *sorted(places), 369])):
        assert found == pytest.approx(places)


@settings(max_examples=8)
@given(st.lists(st.floats(1e-6, 1e6), min_size=2, max_size=9))
def test_all_values_lie_within_the_axis_and_it_has_ticks(values: list[float]) -> None:
    figure = drawn([line(values)])
    low, high = figure.layout.yaxis.range
    every = [v for trace in figure.data for v in trace.y]
    assert all(low <= math.log10(v) <= high for v in every)
    shown = figure.layout.yaxis.tickvals
    assert len(shown) >= 2
    assert all(low <= math.log10(v) <= high for v in shown)


def test_rewards_have_a_panel_each() -> None:
    panels = [
        RewardPanel("haq", "HAQ", ((1.0, 3.0), (2.0, 5.0, 7.0)), 5),
        RewardPanel("releq", "ReLeQ", ((0.5,),), 5),
    ]
    figure = rewards_figure(panels, 30, DARK)
    assert [note.text for note in figure.layout.annotations] == ["HAQ", "ReLeQ"]
    assert [list(trace.y) for trace in figure.data] == [
        [1, 3],
        [2, 5, 7],
        [1.5, 4, 7],  # the median of the seeds that have come so far
        [0.5],
    ]
    assert [trace.xaxis for trace in figure.data] == ["x", "x", "x", "x2"]


def test_bits_have_the_ramp_s_colours_and_rows_run_downwards() -> None:
    rows = [
        BitsRow("HAQ", (4, 0, (0, 8, 8, 5)), (8, None, None)),
        BitsRow("ReLeQ", ()),
        BitsRow("Optimum", (2, 8, (6, 6))),
    ]
    figure = bit_rows_figure(["a", "<b>", "c"], rows, "<b>", LIGHT)
    bars = {bar.name: bar for bar in figure.data}
    assert list(bars) == ["Optimum", "HAQ"]
    assert bars["HAQ"].base[0] > bars["Optimum"].base[0]
    assert list(bars["HAQ"].marker.color) == [bit_color(4), LIGHT.text, bit_color(5)]
    assert list(bars["HAQ"].text) == ["4/8", "0", "5.2"]
    assert [entry[0] for entry in bars["HAQ"].customdata] == ["a", "<b>", "c"]
    words = [entry[1] for bar in (bars["HAQ"], bars["Optimum"]) for entry in bar.customdata]
    assert words == [
        "4 bits, input 8 bits",
        "0 bits",
        "5.25 bits on average, 0 to 8, 25 % of the kernels pruned",
        "2 bits",
        "8 bits",
        "6 bits",
    ]
    assert list(bars["HAQ"].x) == ["a", "&lt;b&gt;", "c"]
    assert bars["HAQ"].marker.line.color[1] == LIGHT.focus
    assert list(figure.layout.yaxis.ticktext) == ["Optimum", "ReLeQ", "HAQ"]


@pytest.mark.parametrize(("layers", "text"), [(16, "4.3/8"), (17, "4.3"), (33, "4"), (61, None)])
def test_many_layers_leave_less_room_for_numbers(layers: int, text: str | None) -> None:
    rows = [BitsRow("HAQ", [(2, 3, 8)] * layers, [8] * layers)]
    (bar,) = bit_rows_figure([f"l{i}" for i in range(layers)], rows, "l0", LIGHT).data
    assert (None if bar.text is None else bar.text[0]) == text
    assert bar.customdata[0][1] == "4.33 bits on average, 2 to 8, input 8 bits"


def episodes(values: list[float]) -> tuple[Episode, ...]:
    found, best = [], math.inf
    for number, value in enumerate(values, 1):
        choice = (0,) if value < best else None
        best = min(best, value)
        found.append(Episode(number, -value, value, 1.0, value, {}, True, number, 0.1, choice))
    return tuple(found)


def competitor(*seeds: list[float]) -> Competitor:
    entry: Any = type("Asked", (), {"agent": "haq", "episodes": 30, "seed": 0})()
    return Competitor(entry, "HAQ", tuple(Run(entry, None, episodes(one)) for one in seeds))


def test_the_best_so_far_over_seeds_by_hand() -> None:
    found = best_line(competitor([5, 3, 4, 4], [4, 4, 1], [9, 2]), 10.0)
    assert list(found.episodes) == [1, 2, 3, 4]
    assert list(found.median) == [15, 13, 12, 13]  # of three, three, two and one
    assert list(found.low) == [14, 12, 11, 13]
    assert list(found.high) == [19, 14, 13, 13]
    flat = best_line(competitor([2, 2, 2, 2]), 0.0)
    assert list(flat.episodes) == [1, 4]  # between them nothing changes
    assert best_line(competitor([]), 0.0).episodes == ()


@given(st.lists(st.lists(st.floats(0.1, 9), min_size=1, max_size=12), min_size=1, max_size=5))
def test_the_best_of_all_seeds_never_rises_while_all_are_there(seeds: list[list[float]]) -> None:
    found = best_line(competitor(*seeds), 0.0)
    shortest = min(map(len, seeds))
    low = [v for e, v in zip(found.episodes, found.low, strict=True) if e <= shortest]
    assert all(b <= a for a, b in pairwise(low))
    for middle, a, b in zip(found.median, found.low, found.high, strict=True):
        assert a <= middle <= b


def test_rolling_rewards_and_time_left() -> None:
    panel = reward_panel(competitor([3, 1, 2, 9, 9, 9]))
    assert panel.window == 5
    assert list(panel.seeds[0]) == [-3, -2, -2, -2.5, -3, -9]
    assert seconds_left(competitor([1.0])) is None


@pytest.mark.parametrize(
    ("fraction", "begun", "left"), [(0.5, 10.0, 10 + 20), (0.2, 10.0, 40 + 50)]
)
def test_time_left_counts_the_seeds_that_wait(fraction: float, begun: float, left: float) -> None:
    from qcore.store.job import Job

    entry: Any = type("Asked", (), {"agent": "haq", "episodes": 30, "seed": 0})()
    fixed: Any = {"id": "x", "kind": "search", "question": {}, "message": "", "result": None}
    common = {**fixed, "cancel_requested": False, "attempt_fraction": 0.0, "seconds": 0.0}
    now = 1e12  # long after any beat is due
    running = Job(
        **common, state="running", fraction=fraction, attempt_at=now - begun, beat_at=1e15,
        asked_at=now,
    )  # fmt: skip
    queued = Job(
        **common, state="queued", fraction=0.0, attempt_at=None, beat_at=1e15, asked_at=now
    )
    runs = (Run(entry, running, ()), Run(entry, queued, ()))
    assert seconds_left(Competitor(entry, "HAQ", runs), now) == pytest.approx(left)
