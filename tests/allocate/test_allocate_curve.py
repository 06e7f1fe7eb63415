"""The curves that an allocation is seen against."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_allocate_budget import BITS, LOSS, hand_table, losses

from qcore.allocate import random_allocations, uniform_allocations
from qcore.allocate.budget import TableProblem, table_problem
from qcore.allocate.curve import (
    CurvePoint,
    best_uniform,
    curve_point,
    frontier_points,
)
from qcore.allocate.problem import Allocation, evaluate
from qcore.hardware.size import average_bits, size_ledger

PINS: list[dict[str, int]] = [{}, {"b": 8}, {"a": 3, "c": 2}]
tables = st.fixed_dictionaries(dict.fromkeys("abc", losses)).map(hand_table)
tiny_loss = 1e-12
COSTS = {
    "size_bytes": lambda p: p.size_bytes,
    "average_bits": lambda p: p.average_bits,
    "size_ratio": lambda p: p.average_bits / 32,
}


def points_of(problem: TableProblem, found: Iterable[Allocation]) -> list[CurvePoint]:
    return [curve_point(problem, allocation) for allocation in found]


def uniform_points(problem: TableProblem) -> list[CurvePoint]:
    return points_of(problem, uniform_allocations(problem.problem))


def random_points(problem: TableProblem, count: int, seed: int) -> list[CurvePoint]:
    return points_of(problem, random_allocations(problem.problem, count, seed))


def every_point(problem: TableProblem) -> list[CurvePoint]:
    pins = problem.problem.pins or {}
    choices = itertools.product(range(len(BITS)), repeat=3)
    kept = (c for c in choices if all(c[layer] == option for layer, option in pins.items()))
    return points_of(problem, (evaluate(problem.problem, choice) for choice in kept))


@given(tables, st.sampled_from(PINS), st.integers(0, 99))
@settings(max_examples=40)
def test_no_random_or_uniform_point_beats_the_frontier(
    table: object, pins: dict[str, int], seed: int
) -> None:
    problem = table_problem(table, pins=pins)
    others = [*uniform_points(problem), *random_points(problem, 20, seed)]
    for point in frontier_points(problem):
        for other in others:
            if other.size_bytes <= point.size_bytes:
                assert other.predicted_loss >= point.predicted_loss - tiny_loss


@given(tables, st.sampled_from(PINS))
def test_frontier_is_the_lower_hull_of_all_choices(table: object, pins: dict[str, int]) -> None:
    problem = table_problem(table, pins=pins)
    hull, points = frontier_points(problem), every_point(problem)
    sizes = [point.size_bytes for point in hull]
    assert sizes == sorted(set(sizes))
    # The ends: the smallest allocation, the best of its size, and the least loss of all.
    smallest = min(point.size_bytes for point in points)
    assert sizes[0] == smallest == problem.limits("size_bytes")[0]
    assert hull[0].predicted_loss == pytest.approx(
        min(p.predicted_loss for p in points if p.size_bytes == smallest)
    )
    assert hull[-1].predicted_loss == pytest.approx(min(p.predicted_loss for p in points))
    # Nothing lies below the line between two neighbours.
    for left, right in itertools.pairwise(hull):
        slope = (right.predicted_loss - left.predicted_loss) / (right.size_bytes - left.size_bytes)
        for point in points:
            line = left.predicted_loss + slope * (point.size_bytes - left.size_bytes)
            assert point.predicted_loss >= line - 1e-9


@pytest.mark.parametrize("pins", PINS, ids=["free", "one pinned", "two pinned"])
def test_every_curve_keeps_pins_and_counts_its_own_bits(pins: dict[str, int]) -> None:
    problem = table_problem(hand_table(), pins=pins)
    curves = (frontier_points(problem), uniform_points(problem), random_points(problem, 30, 1))
    for point in itertools.chain(*curves):
        assert pins.items() <= point.bits.items()
        assert point.size_bytes == size_ledger(problem.network, point.bits).total_bytes
        assert point.average_bits == pytest.approx(average_bits(problem.network, point.bits))
        by_hand = sum(LOSS[name][BITS.index(bits)] for name, bits in point.bits.items())
        assert point.predicted_loss == pytest.approx(by_hand)
        assert json.loads(json.dumps(point.to_json()))["bits"] == point.bits


def test_uniform_points_are_the_measured_widths_in_order() -> None:
    points = uniform_points(table_problem(hand_table()))
    assert [set(point.bits.values()) for point in points] == [{b} for b in BITS]
    assert [point.average_bits for point in points] == pytest.approx(BITS)


def test_random_points_repeat_with_their_seed_and_spread_over_sizes() -> None:
    problem = table_problem(hand_table())
    points = random_points(problem, 200, 5)
    assert random_points(problem, 200, 5) == points
    assert random_points(problem, 200, 6) != points
    low, high = problem.limits("size_bytes")
    tenths = {int(10 * (p.size_bytes - low) / (high - low + 1)) for p in points}
    assert len(points) == 200
    assert len(tenths) >= 8


@given(tables, st.sampled_from(PINS), st.sampled_from(list(COSTS)), st.floats(-0.1, 1.1))
def test_best_uniform_within_a_budget(
    table: object, pins: dict[str, int], budget: str, part: float
) -> None:
    problem = table_problem(table, pins=pins)
    low, high = problem.limits(budget)
    value = low + part * (high - low)
    cost = COSTS[budget]
    fitting = [p for p in uniform_points(problem) if cost(p) <= value * (1 + 1e-9)]
    best = best_uniform(problem, {budget: value})
    if not fitting:
        assert best is None
        return
    assert best in fitting
    assert best.predicted_loss == min(p.predicted_loss for p in fitting)
