"""The summary of all layers against single searches, values counted one by one, and itself."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qcore.calibrate.calibration import Calibration, LayerCalibration
from qcore.calibrate.clipping import METHODS
from qcore.calibrate.histogram import BINS, Histogram, no_values, width_for
from qcore.calibrate.methods import find_threshold, layer_grid
from qcore.calibrate.summary import Found, LayerThresholds, judged, layer_thresholds
from qcore.calibrate.threshold import instability
from qcore.errors import Stopped
from qcore.quantize.grid import rounding_error


def counted(values: np.ndarray) -> Histogram:
    """The histogram of values, by numpy."""
    width = width_for(float(np.abs(values).max(initial=0.0)))
    edges = np.arange(BINS + 1) * width
    negative = np.histogram(-values[values < 0], edges)[0]
    positive = np.histogram(values[values > 0], edges)[0]
    low, high = (float(values.min()), float(values.max())) if values.size else (0.0, 0.0)
    return Histogram(width, negative, positive, int((values == 0).sum()), low, high)


def normal(seed: int, size: int = 4000, scale: float = 1.0) -> np.ndarray:
    return scale * np.random.default_rng(seed).standard_normal(size)


def layer(name: str, seed: int, rectified: bool = False) -> LayerCalibration:
    even, odd = normal(seed, scale=2.0), normal(seed + 1)
    if rectified:
        even, odd = np.maximum(even, 0), np.maximum(odd, 0)
    return LayerCalibration(name, counted(normal(seed + 2, 500)), counted(even), counted(odd))


@pytest.fixture
def calibration() -> Calibration:
    return Calibration("net", "data", 8, (layer("first", 0), layer("<b>", 5, rectified=True)))


@pytest.mark.parametrize("target", ["weight", "activation"])
def test_rows_are_the_single_searches(calibration: Calibration, target: str) -> None:
    rows = layer_thresholds(calibration, 3, target, 99.0)
    assert [row.name for row in rows] == ["first", "<b>"]
    for row, known in zip(rows, calibration.layers, strict=True):
        histogram = known.histogram(target)
        assert list(row.methods) == list(METHODS)
        for method, found in row.methods.items():
            alone = find_threshold(histogram, method, 3, target, 99.0).value
            assert found.threshold == alone
            assert 0 < alone <= row.amax
            if target == "weight":
                assert found.even is found.odd is found.instability is None
            else:
                assert found.even == find_threshold(known.even, method, 3, target, 99.0).value
                assert found.odd == find_threshold(known.odd, method, 3, target, 99.0).value


def test_range_zeros_and_stability_are_those_of_the_values(calibration: Calibration) -> None:
    first, rectified = layer_thresholds(calibration, 4, "activation")
    seen = np.concatenate([normal(0, scale=2.0), normal(1)])
    assert (first.low, first.high, first.zeros) == (seen.min(), seen.max(), 0.0)
    both = np.concatenate([normal(5, scale=2.0), normal(6)])
    assert rectified.zeros == np.mean(both < 0)
    assert (rectified.low, rectified.high) == (0.0, both.max())
    # The even half was drawn twice as wide: a relative difference of about 2 (2 - 1) / (2 + 1).
    apart = first.methods["aciq-gaussian"].instability
    assert apart == pytest.approx(2 / 3, abs=0.06)
    assert first.methods["max"].instability == pytest.approx(
        2
        * (np.abs(normal(0, scale=2.0)).max() - np.abs(normal(1)).max())
        / (np.abs(normal(0, scale=2.0)).max() + np.abs(normal(1)).max())
    )


@given(st.floats(0.2, 4.0), st.integers(2, 8), st.sampled_from(["weight", "activation"]))
def test_judgement_agrees_with_the_values_themselves(
    threshold: float, bits: int, target: str
) -> None:
    values = normal(3, 50_000)
    histogram = counted(values)
    found = judged(histogram, threshold, bits, target)
    truth = rounding_error(values, layer_grid(histogram, threshold, bits, target))
    assert truth.sqnr_db is not None
    assert found.sqnr_db == pytest.approx(truth.sqnr_db, abs=0.05)
    assert found.clipped == pytest.approx(np.mean(np.abs(values) > threshold), abs=2e-3)


def test_zeros_only_and_one_image_only() -> None:
    nothing = LayerCalibration(
        "dead", counted(np.zeros(9)), counted(np.zeros(9)), counted(np.zeros(9))
    )
    single = LayerCalibration("single", counted(normal(1)), counted(normal(2)), no_values())
    dead, alone = layer_thresholds(Calibration("n", "d", 1, (nothing, single)), 4, "activation")
    assert (dead.amax, dead.zeros) == (0.0, 1.0)
    for found in dead.methods.values():
        assert (found.threshold, found.clipped, found.sqnr_db) == (0.0, 0.0, None)
        assert found.instability == 0.0
    assert all(found.instability is None for found in alone.methods.values())
    assert alone.methods["max"].threshold == np.abs(normal(2)).max()


def test_instability_does_not_depend_on_which_half_is_which() -> None:
    assert Found(1.0, 0.0, None, 1.1, 0.9).instability == pytest.approx(0.2)
    assert Found(1.0, 0.0, None, 0.9, 1.1).instability == pytest.approx(0.2)
    assert Found(1.0, 0.0, None).instability is None


@pytest.mark.parametrize(
    ("even", "odd", "expected"),
    [(0.0, 0.0, 0.0), (2.0, 2.0, 0.0), (0.0, 1.0, 2.0), (None, 1.0, None), (1.0, None, None)],
)
def test_instability_of_ends(even: float | None, odd: float | None, expected: float | None) -> None:
    assert instability(even, odd) == expected


def test_rows_survive_json(calibration: Calibration) -> None:
    for row in layer_thresholds(calibration, 2, "activation"):
        text = json.dumps(row.to_json(), allow_nan=False)
        assert LayerThresholds.from_json(json.loads(text)) == row
        assert json.loads(text)["amax"] == row.amax


def test_it_tells_how_far_it_is_and_stops_when_asked(calibration: Calibration) -> None:
    told: list[tuple[float, str]] = []

    def listen(fraction: float, message: str) -> None:
        told.append((fraction, message))

    layer_thresholds(calibration, 2, "weight", on_progress=listen)
    assert told == [(0.0, "first"), (0.5, "<b>")]
    with pytest.raises(Stopped):
        layer_thresholds(calibration, 2, "weight", should_stop=lambda: len(told) > 1)
