"""What the live dial sends to the browser."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ui.components.live_dial import (
    DialLayer,
    DialMark,
    DialMeasured,
    DialPoint,
    DialTile,
    DialUnit,
    LiveDial,
    payload,
)
from ui.components.live_dial_payload import DIGITS
from ui.theme import BIT_RAMP, LIGHT

UNIT = DialUnit("size_bytes", "Size", 1e6, 0.5, 2.0, 0.01, 2, "MB")
WIDTHS = (0, 2, 4, 8, 16)


def point(bits: tuple[float, ...], size: float | None = 1e6, loss: float = 0.1) -> DialPoint:
    return DialPoint("frontier", "frontier", {"size_bytes": size}, loss, None, None, bits)


def view_of(**changed: Any) -> LiveDial:
    layers = tuple(
        DialLayer(f"n{i}", f"layer {i}", 0.5, {b: 2.0**-b for b in WIDTHS}, None) for i in range(2)
    )
    view = LiveDial(
        unit=UNIT,
        value=1.0,
        path=(point((2, 4), 6e5), point((4, 4), 8e5), point((8, 16), 1.6e6, -0.01)),
        confirmed=None,
        confirmed_text="",
        layers=layers,
        focus=1,
        marks=(),
        measured=(),
        tiles=(DialTile("size_bytes", "Size", ""), DialTile("ratio", "Ratio", "")),
        quantity="loss",
        full_bytes=4e6,
    )
    return replace(view, **changed)


def sent(view: LiveDial) -> dict[str, Any]:
    return payload(view, "alt", LIGHT)


def filled(column: list[Any]) -> list[Any]:
    """A column whose repeated texts are written out again."""
    whole: list[Any] = []
    for value in column:
        whole.append(whole[-1] if value is None else value)
    return whole


def bits_of(text: str, places: int) -> list[float]:
    numbers = [DIGITS.index(digit) for digit in text]
    if places == 1:
        return [float(n) for n in numbers]
    return [(a * 64 + b) / 100 for a, b in zip(numbers[::2], numbers[1::2], strict=True)]


@given(st.lists(st.lists(st.floats(0, 32), min_size=3, max_size=3), min_size=1, max_size=6))
def test_bits_come_back_to_the_hundredth(rows: list[list[float]]) -> None:
    data = sent(view_of(path=tuple(point(tuple(row)) for row in rows)))
    texts = filled(data["path"]["bits"])
    for text, row in zip(texts, rows, strict=True):
        assert bits_of(text, data["places"]) == pytest.approx(row, abs=0.0051)


@given(st.lists(st.tuples(*[st.integers(0, 32)] * 4), min_size=1, max_size=6))
def test_whole_bits_take_a_letter_each_and_input_bits_too(rows: list[tuple[int, ...]]) -> None:
    path = tuple(replace(point(row), input_bits=row[::-1]) for row in rows)
    data = sent(view_of(path=path))
    assert data["places"] == 1
    for name, wanted in (("bits", rows), ("inputs", [row[::-1] for row in rows])):
        assert [tuple(bits_of(t, 1)) for t in filled(data["path"][name])] == list(wanted)


def test_a_confirmed_mean_is_not_rounded_to_whole_bits() -> None:
    data = sent(view_of(confirmed=point((3.25, 4))))
    assert bits_of(data["confirmed"]["bits"][0], data["places"]) == [3.25, 4.0]
    assert bits_of(data["path"]["bits"][0], data["places"]) == [2.0, 4.0]


def test_it_is_strict_json_and_small() -> None:
    rng = np.random.default_rng(0)
    names = ("size_bytes", "average_bits", "bops", "latency_ms", "energy_mj")
    layers, points = 300, 400

    def random_point(kind: str) -> DialPoint:
        costs = {name: float(rng.random() * 1e7) for name in names}
        loss = float(rng.random())
        bits = tuple(float(b) for b in rng.choice([2, 3, 4, 5, 6, 7, 8, 16], layers))
        return DialPoint(kind, kind, costs, loss, loss / 2, 2 * loss, bits)

    view = view_of(
        path=tuple(random_point("frontier") for _ in range(points)),
        marks=(DialMark("random", "cloud", tuple(random_point("random") for _ in range(300))),),
        layers=tuple(
            DialLayer(f"<b>{i}", f"<b>{i}", 1 / 3, {b: float(rng.random()) for b in range(2, 9)}, 4)
            for i in range(layers)
        ),
        tiles=tuple(DialTile(name, name, "") for name in names),
    )
    text = json.dumps(sent(view), allow_nan=False)
    assert len(text) < 300_000
    assert json.loads(text)["layers"]["label"][7] == "<b>7"


def test_what_is_not_a_number_is_left_out() -> None:
    points = (point((2, 4), None), point((2, 4), 7e5, math.nan), point((2, 4), 8e5))
    measured = DialMeasured("m", {"size_bytes": 8e5}, 0.2, None, math.inf)
    marks = (DialMark("random", "cloud", points),)
    data = sent(view_of(path=points, marks=marks, measured=(measured, replace(measured, costs={}))))
    assert data["path"]["costs"]["size_bytes"] == data["marks"][0]["x"] == [800_000]
    assert [(m["low"], m["high"]) for m in data["measured"]] == [(None, None)]
    json.dumps(data, allow_nan=False)


def test_an_empty_path_and_no_layer_can_be_sent() -> None:
    data = sent(view_of(path=(), layers=(), focus=0, marks=(DialMark("none", "line", ()),)))
    assert data["path"]["loss"] == data["layers"]["label"] == []
    json.dumps(data, allow_nan=False)


def test_uniform_marks_know_their_width_and_others_do_not() -> None:
    uniform = replace(point((4, 4, 8)), kind="uniform")  # one layer is pinned
    marks = (DialMark("uniform", "line", (uniform,)), DialMark("greedy", "line", (point((4, 4)),)))
    data = sent(view_of(marks=marks))
    assert [mark["width"] for mark in data["marks"]] == [[4], None]
    assert data["colors"]["ramp"][2][:2] == [4, BIT_RAMP[4]]


def test_widths_that_one_layer_has_are_not_offered_for_another() -> None:
    layers = (DialLayer("a", "a", 0.5, {4: 0.1}, None), DialLayer("b", "b", 0.5, {8: math.inf}, 8))
    data = sent(view_of(layers=layers))["layers"]
    assert data["widths"] == [4, 8]
    assert data["can"] == [[True, False], [False, True]]
    assert data["losses"] == [[0.1, None], [None, None]]
