"""What the live histogram sends to the browser, and what it takes from there."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ui.components.live_histogram import (
    DivergenceCurve,
    LiveHistogram,
    Released,
    ThresholdLine,
    payload,
    released_of,
)
from ui.theme import BIT_RAMP, DARK, LIGHT


def view_of(**changed: Any) -> LiveHistogram:
    view = LiveHistogram(
        counts=np.array([0, 0, 3, 0, 5, 0], np.int64),
        low=-1.5,
        bin_width=0.5,
        zeros=7,
        seen=(-0.4, 0.9),
        scheme="symmetric",
        bits=4,
        thresholds={2: 0.5, 4: 0.9, 8: 0.9},
        x_title="weight",
    )
    return replace(view, **changed)


def test_empty_ends_stay_at_home() -> None:
    data = payload(view_of(), "alt", LIGHT)
    assert (data["counts"], data["low"], data["bin_width"]) == ([3, 0, 5], -0.5, 0.5)
    assert data["widths"] == [2, 4, 8]
    assert data["colors"]["bits"]["4"] == BIT_RAMP[4]
    assert payload(view_of(counts=np.zeros(9, np.int64)), "alt", LIGHT)["counts"] == [0]


@given(st.integers(1, 20_000), st.integers(0, 2**31), st.sampled_from([0.25, 1.0]), st.booleans())
def test_at_most_4096_bins_and_no_value_lost(
    bins: int, seed: int, width: float, sparse: bool
) -> None:
    rng = np.random.default_rng(seed)
    counts = rng.integers(0, 50, bins) * (rng.random(bins) < (0.001 if sparse else 1.0))
    data = payload(view_of(counts=counts, low=-3.0, bin_width=width), "alt", LIGHT)
    sent = np.array(data["counts"])
    assert sent.size <= 4096
    assert sent.sum() == counts.sum()
    # Every value is still at its place, to within a bin.
    middles = -3.0 + (np.arange(bins) + 0.5) * width
    sent_middles = data["low"] + (np.arange(sent.size) + 0.5) * data["bin_width"]
    off = abs(sent @ sent_middles - counts @ middles)
    assert off <= counts.sum() * data["bin_width"] / 2


@given(st.integers(1, 300), st.integers(0, 2**31))
def test_curves_are_sent_with_their_minimum(points: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    y = rng.random(points).round(3)  # equals happen
    y[rng.random(points) < 0.2] = np.inf
    y[rng.random(points) < 0.05] = np.nan
    x = np.arange(1, points + 1) * 0.25
    data = payload(view_of(curves={4: DivergenceCurve(x, y)}), "alt", LIGHT)["curves"]["4"]
    assert len(data["x"]) == len(data["y"]) == points
    assert data["x"] == sorted(set(data["x"]))
    assert (data["x"][0], data["x"][-1]) == (x[0], x[-1])
    lookup = dict(zip(x, y, strict=True))
    for place, value in zip(data["x"], data["y"], strict=True):
        assert value == (lookup[place] if np.isfinite(lookup[place]) else None)
    finite = y[np.isfinite(y)]
    if finite.size == 0:
        assert data["best"] is None
    else:
        assert data["y"][data["best"]] == finite.min()
        assert data["x"][data["best"]] == x[np.flatnonzero(y == finite.min())[-1]]


def test_it_is_strict_json_and_small() -> None:
    rng = np.random.default_rng(0)
    curve = DivergenceCurve(np.arange(1921) / 3, np.append(rng.random(1920), np.inf))
    view = view_of(
        counts=rng.integers(0, 10**9, 4096),
        thresholds=dict.fromkeys(range(2, 9), 0.9),
        lines=(ThresholdLine("<b>one</b>", {4: np.float32(0.5)}, "#123456"),),  # type: ignore[dict-item]
        curves=dict.fromkeys(range(2, 9), curve),
    )
    text = json.dumps(payload(view, "alt", LIGHT), allow_nan=False)
    assert len(text) < 350_000
    assert json.loads(text)["lines"][0]["label"] == "<b>one</b>"


def test_revision_follows_what_a_dragged_threshold_depends_on() -> None:
    def revision(view: LiveHistogram) -> str:
        return str(payload(view, "alt", LIGHT)["revision"])

    same = revision(view_of())
    assert revision(view_of(bits=8, x_title="other", log=True)) == same
    assert payload(view_of(), "other", DARK)["revision"] == same
    assert revision(view_of(thresholds={2: 0.5, 4: 0.8, 8: 0.9})) != same
    assert revision(view_of(counts=np.array([0, 0, 3, 0, 6, 0]))) != same
    assert revision(view_of(zeros=8)) != same
    assert revision(view_of(levels={4: np.array([0.0, 1.0])})) != same


def test_a_release_is_checked() -> None:
    assert released_of({"bits": 4, "threshold": None, "serial": 1}, view_of()) == Released(4, None)
    told = released_of({"bits": 8, "threshold": 1, "serial": 2}, view_of())
    assert told == Released(8, 1.0)


@pytest.mark.parametrize(
    "message",
    [
        None,
        "4",
        {"bits": 4, "threshold": 0.5},
        {"bits": 5, "threshold": 0.5, "serial": 1},
        {"bits": "4", "threshold": 0.5, "serial": 1},
        {"bits": 4, "threshold": "0.5", "serial": 1},
        {"bits": 4, "threshold": -0.5, "serial": 1},
        {"bits": 4, "threshold": float("nan"), "serial": 1},
        {"bits": 4, "threshold": float("inf"), "serial": 1},
        {"bits": 4, "threshold": 0.5, "serial": None},
    ],
)
def test_nonsense_is_not_a_release(message: object) -> None:
    assert released_of(message, view_of()) is None
