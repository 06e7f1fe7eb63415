from __future__ import annotations

import pickle

import pytest
from allocate_oracle import WEIGHTS, every_choice, five_layers, magnitude, problems
from hypothesis import assume, given, settings

from qcore.allocate import AllocationProblem, InfeasibleBudget, solve_ilp

TOLERANCE = 1e-11


def refusal(problem: AllocationProblem) -> InfeasibleBudget:
    with pytest.raises(InfeasibleBudget) as raised:
        solve_ilp(problem)
    assert "\n" not in str(raised.value)
    return raised.value


def test_one_budget():
    error = refusal(five_layers(0.1))
    smallest = 4.0 * sum(WEIGHTS)
    assert (error.name, error.given, error.nearest) == ("size_bits", 108800, smallest)
    assert error.allocation.choice == (1, 1, 1, 1, 1)
    assert str(error) == (
        "budget 'size_bits' = 108800 cannot be met: the smallest feasible 'size_bits' is 136000; "
        "allow that much, or loosen pins and groups"
    )


def test_pins_count():
    error = refusal(five_layers(0.125, pins={0: 0}))
    assert error.nearest == 4.0 * sum(WEIGHTS) + 4 * 1000
    assert error.allocation.choice == (0, 1, 1, 1, 1)


def test_least_loss_among_the_cheapest():
    problem = AllocationProblem(
        [[0, 3, 2], [0, 1, 5]], {"bits": [[8, 4, 4], [8, 4, 4]]}, {"bits": 7}
    )
    assert refusal(problem).allocation.choice == (2, 1)


def test_costs_that_differ_by_rounding_alone_are_alike():
    """2.0 + 1.1 exceeds 1.2 + 1.9 in binary alone, so the loss decides."""
    assert 2.0 + 1.1 > 1.2 + 1.9
    problem = AllocationProblem(
        [[0, 1], [0, 1]], {"ms": [[2.0, 1.2], [1.1, 1.9]]}, {"ms": 3}, groups=((0, 1),)
    )
    assert refusal(problem).allocation.choice == (0, 0)


TWO = {"size": [[8, 4], [8, 4]], "time": [[1, 3], [2, 5]]}


def test_budgets_that_only_conflict_together():
    """Small and slow, or large and fast: 12 bits need a time of 5 or more."""
    problem = AllocationProblem([[0, 1], [0, 1]], TWO, {"size": 12, "time": 4})
    error = refusal(problem)
    assert (error.name, error.given, error.nearest) == ("size", 12, 16)
    assert error.allocation.costs == {"size": 16, "time": 3}
    assert str(error) == (
        "budgets 'size', 'time' cannot be met together: the smallest feasible 'size' within the "
        "other budgets is 16 (given: 12); allow that much, or loosen pins and groups"
    )


def test_one_impossible_budget_is_named_and_the_other_kept():
    """Alone the least size is 8, but within a time of 5 it is 12."""
    problem = AllocationProblem([[0, 1], [0, 1]], TWO, {"time": 5, "size": 7})
    error = refusal(problem)
    assert (error.name, error.nearest) == ("size", 12)
    assert error.allocation.costs == {"size": 12, "time": 5}
    assert "within the other budgets" in str(error)


def test_least_loss_among_the_cheapest_within_the_other_budget():
    costs = {"size": [[8, 4, 4], [8, 8, 8]], "time": [[1, 2, 2], [0, 0, 1]]}
    problem = AllocationProblem([[0, 3, 2], [5, 4, 1]], costs, {"size": 11, "time": 2})
    error = refusal(problem)
    assert (error.name, error.nearest) == ("size", 12)
    assert error.allocation.choice == (2, 1)


def test_two_impossible_budgets():
    three = {"any": [[1, 1], [1, 1]], **TWO}
    problem = AllocationProblem([[0, 1], [0, 1]], three, {"any": 9, "size": 7, "time": 2})
    error = refusal(problem)
    assert (error.name, error.nearest) == ("size", 8)
    assert "within the other budgets" not in str(error)


def test_survives_pickling():
    error = refusal(five_layers(0.1))
    copy = pickle.loads(pickle.dumps(error))
    assert (copy.name, copy.nearest, str(copy)) == (error.name, error.nearest, str(error))
    assert copy.allocation == error.allocation


def nearest_by_brute_force(problem, choices, name):
    others = {n: b for n, b in problem.budgets.items() if n != name}
    reachable = [tried for tried in choices if tried.meets(others)]
    return min((tried.costs[name] for tried in reachable), default=None)


@settings(max_examples=60, deadline=None)
@given(problems(tight=True))
def test_nearest_equals_brute_force(problem):
    choices = every_choice(problem)
    assume(not any(tried.meets(problem.budgets) for tried in choices))
    error = refusal(problem)
    budgets = problem.budgets
    assert error.given == budgets[error.name]
    alone = [n for n in budgets if not any(t.meets({n: budgets[n]}) for t in choices)]
    if alone:
        assert error.name == alone[0]
    smallest = nearest_by_brute_force(problem, choices, error.name)
    others = {n: b for n, b in budgets.items() if n != error.name}
    if smallest is None:
        smallest, others = min(tried.costs[error.name] for tried in choices), {}
    assert error.nearest == pytest.approx(smallest, rel=TOLERANCE)
    least_loss = min(t.loss for t in choices if t.meets(others) and t.meets({error.name: smallest}))
    assert error.allocation.loss == pytest.approx(least_loss, abs=1e-12 * magnitude(problem))
    assert error.allocation.bound is None


@settings(max_examples=40, deadline=None)
@given(problems(costs=1, tight=True))
def test_the_nearest_value_as_printed_is_feasible(problem):
    assume(not any(tried.meets(problem.budgets) for tried in every_choice(problem)))
    error = refusal(problem)
    printed = float(str(error).split(" is ")[1].split(";")[0])
    again = AllocationProblem(
        problem.loss, problem.costs, {error.name: printed}, problem.groups, problem.pins
    )
    assert solve_ilp(again).loss == pytest.approx(
        error.allocation.loss, abs=1e-12 * magnitude(problem)
    )
