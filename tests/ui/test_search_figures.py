"""Figures of a race: what is drawn, and how it is named."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qcore.agents.episode import Episode
from ui.figures.search import Level, SearchLine, search_figure
from ui.figures.search_bits import BitCell, BitsRow, search_bits_figure
from ui.figures.search_rewards import RewardPanel, rewards_figure
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
    pixels = (420 - 12 - 48) / (figure.layout.yaxis.range[1] - figure.layout.yaxis.range[0])
    places = sorted(note.ay - note.y * pixels for note in figure.layout.annotations)
    assert all(b - a > 17 for a, b in pairwise(places))
    assert figure.layout.yaxis.type == "log"
    assert figure.layout.xaxis.range == (0, 300)
    assert not figure.layout.showlegend
    assert len({trace.line.dash for trace in figure.data if trace.mode == "lines"}) >= 4


def test_what_is_not_positive_gets_a_linear_axis() -> None:
    figure = drawn([line([0.5, 0.2])], (Level("bound", "LP bound", -0.01),))
    assert figure.layout.yaxis.type == "linear"
    low, high = figure.layout.yaxis.range
    assert low < -0.01 < 0.55 < high
    empty = drawn([SearchLine("haq", "HAQ", (), (), (), ())], ())
    assert not empty.data


@settings(max_examples=15)
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
        BitsRow("HAQ", (BitCell(4, 8), BitCell(0), BitCell(5.25, None, 0.25))),
        BitsRow("ReLeQ", ()),
        BitsRow("Optimum", (BitCell(2), BitCell(8), BitCell(6))),
    ]
    figure = search_bits_figure(["a", "<b>", "c"], rows, "<b>", LIGHT)
    bars = {bar.name: bar for bar in figure.data}
    assert list(bars) == ["Optimum", "HAQ"]
    assert bars["HAQ"].base[0] > bars["Optimum"].base[0]
    assert list(bars["HAQ"].marker.color) == [bit_color(4), LIGHT.text, bit_color(5)]
    assert list(bars["HAQ"].text) == ["4/8", "0", "5.2"]
    assert [entry[0] for entry in bars["HAQ"].customdata] == ["a", "<b>", "c"]
    assert bars["HAQ"].customdata[2][1] == "5.25 bits on average, 25 % of the kernels pruned"
    assert list(bars["HAQ"].x) == ["a", "&lt;b&gt;", "c"]
    assert bars["HAQ"].marker.line.color[1] == LIGHT.focus
    assert list(figure.layout.yaxis.ticktext) == ["Optimum", "ReLeQ", "HAQ"]


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
