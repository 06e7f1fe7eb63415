from __future__ import annotations

import math

import numpy as np
import pytest
from allocate_oracle import every_choice, magnitude, problems
from hypothesis import given, settings

from qcore.allocate import AllocationProblem, evaluate
from qcore.allocate.problem import merge_groups

LOSS = [[0.0, 0.3], [0.0, 0.5], [0.0, -0.1]]
BITS = [[8.0, 4.0], [16.0, 8.0], [24.0, 12.0]]


def build(**changes):
    given = {"loss": LOSS, "costs": {"bits": BITS}, "budgets": {"bits": 30.0}}
    return AllocationProblem(**{**given, **changes})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"loss": [0.0, 0.3]}, r"loss has shape \(2,\), expected \(layers, options\)"),
        ({"loss": np.empty((0, 2))}, r"loss has shape \(0, 2\)"),
        ({"loss": [[0, 1], [0, math.nan], [0, 1]]}, "loss of layer 1, option 1 is nan"),
        ({"loss": [[0, 1], [0, 1], [math.inf, 1]]}, "loss of layer 2, option 0 is inf"),
        ({"costs": {"bits": BITS[:2]}}, r"cost 'bits' has shape \(2, 2\), loss has \(3, 2\)"),
        (
            {"costs": {"bits": [[8, math.nan], *BITS[1:]]}},
            "cost 'bits' of layer 0, option 1 is nan",
        ),
        ({"budgets": {"watts": 1.0}}, r"budget 'watts' has no cost .* \['bits'\]"),
        ({"budgets": {"bits": math.nan}}, "budget 'bits' is nan"),
        ({"budgets": {"bits": math.inf}}, "budget 'bits' is inf"),
        ({"groups": ((0, 1), (2, 1))}, "layer 1 is in group 0 and again in 1"),
        ({"groups": ((2, 2),)}, "layer 2 is in group 0 and again in 0"),
        ({"groups": ((0, 3),)}, "group 0 names layer 3, there are 3 layers"),
        ({"groups": ((-1, 1),)}, "group 0 names layer -1"),
        ({"groups": ((0, 1), ())}, "group 1 is empty"),
        ({"pins": {3: 0}}, "pin names layer 3, there are 3 layers"),
        ({"pins": {-1: 0}}, "pin names layer -1"),
        ({"pins": {1: 2}}, "layer 1 is pinned to option 2 of 2"),
        ({"pins": {1: -1}}, "layer 1 is pinned to option -1 of 2"),
        ({"groups": ((0, 2),), "pins": {0: 0, 2: 1}}, r"different options.*\{0: 0, 2: 1\}"),
    ],
)
def test_bad_input_is_named_in_one_line(changes, message):
    with pytest.raises(ValueError, match=message) as raised:
        build(**changes)
    assert "\n" not in str(raised.value)


def test_tables_are_read_only_copies():
    given = np.array(LOSS, dtype=np.float32)
    problem = build(loss=given)
    given[0, 0] = 7
    assert problem.loss[0, 0] == 0
    assert problem.loss.dtype == np.float64
    for table in (problem.loss, problem.costs["bits"]):
        with pytest.raises(ValueError, match="read-only"):
            table[0, 0] = 1


def test_agreeing_pins_within_a_group_are_accepted():
    problem = build(groups=((0, 2),), pins={0: 1, 2: 1, 1: 0})
    assert [tried.choice for tried in every_choice(problem)] == [(1, 0, 1)]


def test_evaluate_adds_up():
    allocation = evaluate(build(), [1, 0, 1])
    assert allocation.choice == (1, 0, 1)
    assert allocation.loss == pytest.approx(0.2)
    assert allocation.costs == {"bits": 32.0}
    assert allocation.bound is None
    assert allocation.gap is None


def test_evaluate_rounds_once():
    losses = [[1e16], [1.0], [-1e16]]
    assert evaluate(AllocationProblem(losses, {}, {}), (0, 0, 0)).loss == 1.0


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ((0, 1), "choice has 2 entries for 3 layers"),
        ((0, 2, 0), "layer 1 takes option 2, there are 2 options"),
        ((0, 0, -1), "layer 2 takes option -1"),
    ],
)
def test_evaluate_refuses_an_impossible_choice(choice, message):
    with pytest.raises(ValueError, match=message):
        evaluate(build(), choice)


@settings(deadline=None)
@given(problems())
def test_merging_keeps_every_choice_and_its_worth(problem):
    merged = merge_groups(problem)
    choices = every_choice(problem)
    assert np.prod(merged.allowed.sum(axis=1)) == len(choices)
    _, first_layer = np.unique(merged.unit_of_layer, return_index=True)
    for tried in choices:
        units = np.array(tried.choice)[first_layer]
        rows = np.arange(len(units))
        assert merged.allowed[rows, units].all()
        assert merged.expand(units) == tried.choice
        loss = merged.loss[rows, units].sum()
        assert loss == pytest.approx(tried.loss, rel=0, abs=1e-14 * magnitude(problem))
        for name, cost in merged.costs.items():
            assert cost[rows, units].sum() == pytest.approx(tried.costs[name], rel=1e-13)
