"""What is said of predictions, and the file that it is kept in."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from scipy.stats import spearmanr

from qcore.errors import BadInput
from qcore.measure.trust_errors import errors_of
from qcore.measure.trust_point import TrustPoint
from qcore.measure.trust_words import check_lines, errors_text, left_out_text, order_text
from qcore.measure.trusted import TrustCheck


def point(
    measured: float, additive: float, low: float | None = None, bits: float = 4.0, **more: Any
) -> TrustPoint:
    """With an interval of ten per cent, or one that begins at ``low``."""
    low = 0.9 * measured if low is None else low
    values = {"ci_low": low, "ci_high": 2 * measured - low, "samples": 9, "interacting": None}
    return TrustPoint(
        bits=(4, 4),
        activation_bits=None,
        average_bits=bits,
        measured=measured,
        additive=additive,
        **{**values, **more},
    )


POINTS = (
    point(1.0, 1.05, bits=3.1),
    point(0.5, 0.25, bits=3.9),
    point(0.1, 0.13, bits=5.2),
    point(0.02, 0.019, bits=6.0),
)
CHECK = TrustCheck("nats", True, None, POINTS)


def test_ratios() -> None:
    errors = CHECK.additive
    assert (errors.points, errors.compared, errors.unclear, errors.saturated) == (4, 4, 0, 0)
    assert errors.median_ratio == pytest.approx((0.95 + 1.05) / 2)
    assert errors.median_error == pytest.approx((0.05 + 0.3) / 2)
    assert (errors.worst_factor, errors.worst_is_low, errors.worst_bits) == (2.0, True, 3.9)
    assert errors.within_interval == 0.5
    truth = spearmanr([1, 0.5, 0.1, 0.02], [1.05, 0.25, 0.13, 0.019]).statistic
    assert errors.rank_correlation == pytest.approx(truth)
    assert CHECK.rank_of_average_bits == pytest.approx(1)
    assert errors_text(errors) == (
        "Median error 18 %, at worst 2.0 times too low at 3.9 bits; "
        "the order is right (rank correlation 1.00)."
    )


def test_what_cannot_be_compared_is_left_out_and_counted() -> None:
    zero = point(0.001, 0.1, low=-0.001)
    below = point(-0.01, 0.1, low=-0.02)
    alone = point(1.0, 3.0, ci_low=None, ci_high=None)
    lost = point(5.0, 50.0)
    errors = errors_of([(p, p.additive) for p in (*POINTS, zero, below, alone, lost)], 3.5)
    assert (errors.compared, errors.unclear, errors.saturated) == (4, 3, 1)
    assert errors.worst_factor == 2.0
    assert left_out_text(errors, "nats", 3.5) == (
        "3 configurations are left out: their measured loss cannot be told from zero. 1 "
        "configuration is left out: it loses more than 3.5 nats, half as much as pure guessing; no "
        "estimate holds there."
    )
    assert left_out_text(CHECK.additive, "nats", None) == ""


def test_predictions_that_are_not_above_zero() -> None:
    points = (point(1.0, -0.5), point(0.5, 0.0), point(0.1, 0.2, bits=2.9), point(0.2, 0.2))
    errors = errors_of([(p, p.additive) for p in points], None)
    assert errors.not_positive == 2
    assert errors.median_error == pytest.approx(1.0)
    assert errors.worst_factor == pytest.approx(2.0)
    assert not errors.worst_is_low
    text = errors_text(errors)
    assert "2.0 times too high at 2.9 bits, and 2 predictions are not above zero" in text
    assert "the order is not to be trusted" in text


def test_nothing_to_say() -> None:
    errors = errors_of([], None)
    assert errors.median_error is errors.rank_correlation is errors.within_interval is None
    assert "No measured loss" in errors_text(errors)
    assert order_text(None) == "there is no order to compare"
    hopeless = errors_of([(point(9.0, 90.0), 90.0)], 3.5)
    assert (hopeless.compared, hopeless.worst_factor) == (0, None)
    assert "at worst" not in errors_text(errors_of([(point(1.0, 1.1), 1.1)], None))
    huge = [(p, 40 * p.measured) for p in POINTS]
    assert errors_text(errors_of(huge, None)).startswith("Median error 39 times the loss itself")


def test_another_unit_has_an_order_alone() -> None:
    check = replace(CHECK, same_unit=False, quantity="Ω")
    (line,) = check_lines(check)
    assert line.startswith("This measure is not the loss: the order is right")
    assert set(check.to_json()["additive"]) == {"points", "rank_correlation"}
    assert TrustCheck.from_json(check.to_json()) == check
    assert [line.split(":")[0] for line in check_lines(CHECK)][:1] == ["Sum of ΔL"]


def with_interactions() -> TrustCheck:
    points = tuple(replace(p, interacting=p.measured, activation_bits=(8, 4)) for p in POINTS)
    return TrustCheck("nats", True, 3.5, points)


def test_interactions_are_told_apart() -> None:
    found = with_interactions().interacting
    assert found is not None
    assert (found.median_error, found.within_interval) == (0, 1)
    assert found.rank_correlation == pytest.approx(1)
    assert CHECK.interacting is None
    assert len(check_lines(with_interactions())) == len(check_lines(CHECK)) + 1


@pytest.mark.parametrize("check", [CHECK, with_interactions()])
def test_through_json(check: TrustCheck) -> None:
    text = json.dumps(check.to_json(), allow_nan=False)
    assert TrustCheck.from_json(json.loads(text)) == check


@pytest.mark.parametrize(
    "wrong",
    [
        {"points": None},
        {"unit": 3},
        {"same_unit": 1},
        {"saturation": "x"},
        {"points": [{}]},
        {"points": [{**CHECK.to_json()["points"][0], "bits": [1]}]},
        {"points": [{**CHECK.to_json()["points"][0], "measured": True}]},
        {"points": [{**CHECK.to_json()["points"][0], "samples": 0}]},
    ],
)
def test_nonsense_is_refused_in_one_line(wrong: dict[str, Any]) -> None:
    with pytest.raises(BadInput, match="not a trust check"):
        TrustCheck.from_json({**CHECK.to_json(), **wrong})
