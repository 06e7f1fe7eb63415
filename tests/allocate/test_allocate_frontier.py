from __future__ import annotations

import numpy as np
import pytest
from allocate_oracle import every_choice, five_layers, magnitude, problems
from hypothesis import given, settings

from qcore.allocate import AllocationProblem, evaluate, frontier, solve_ilp


def within(problem: AllocationProblem, name: str, budget: float) -> AllocationProblem:
    return AllocationProblem(
        problem.loss, problem.costs, {name: budget}, problem.groups, problem.pins
    )


def test_five_layers_by_hand():
    """Loss saved per bit falls in the order layer 0, 3 and 2 (alike), 1, 4; all start at 4 bits."""
    points = frontier(five_layers(0.2), "size_bits")
    assert len(points) == 6
    assert points.cost[[0, 1, -1]].tolist() == [136000, 140000, 272000]
    assert points.loss[[0, 1, -1]] == pytest.approx([0.176, 0.156, 0.0], abs=1e-12)
    assert points.choice_at(0) == (1, 1, 1, 1, 1)
    assert points.choice_at(3) == (0, 1, 0, 0, 1)
    assert points.choice_at(4) == (0, 0, 0, 0, 1)


def test_options_above_the_hull_are_passed_over():
    """Losses 10, 9, 2, 0 at costs 0 to 3: the second saves 1 where the third saves 4 per step."""
    problem = AllocationProblem([[10, 9, 2, 0, 1]], {"c": [[0, 1, 2, 3, 4]]}, {})
    points = frontier(problem, "c")
    assert [points.choice_at(i)[0] for i in range(len(points))] == [0, 2, 3]
    assert points.cost.tolist() == [0, 2, 3]
    assert points.loss.tolist() == [10, 2, 0]


def test_starts_at_the_least_loss_of_the_cheapest():
    problem = AllocationProblem([[5, 3, 4]], {"c": [[1, 1, 2]]}, {})
    points = frontier(problem, "c")
    assert len(points) == 1
    assert points.choice_at(0) == (1,)


def test_moves_of_one_layer_keep_their_order_where_rounding_makes_slopes_rise():
    """All options lie on one line, 0.6 saved per cost; in binary the last move saves more."""
    cost = [0.7, 1.9, 2.0, 2.7, 2.8]
    loss = [1.38, 0.66, 0.6, 0.18, 0.12]
    assert (loss[3] - loss[4]) / (cost[4] - cost[3]) > (loss[0] - loss[3]) / (cost[3] - cost[0])
    problem = AllocationProblem([loss] * 30, {"c": [cost] * 30}, {})
    points = frontier(problem, "c")
    assert len(points) > 31
    for i in range(len(points)):
        there = evaluate(problem, points.choice_at(i))
        assert there.costs["c"] == pytest.approx(points.cost[i])
        assert there.loss == pytest.approx(points.loss[i])


def test_rounding_in_a_group_is_not_a_saving():
    """1.1 + 0.3 and 0.4 + 1.0 are the same on paper; in binary the second is less."""
    loss = [[1.1e-6, 4e-7], [3e-7, 1e-6]]
    assert loss[0][1] + loss[1][1] < loss[0][0] + loss[1][0]
    problem = AllocationProblem(loss, {"c": [[0, 0], [0, 1]]}, {}, groups=((0, 1),))
    assert len(frontier(problem, "c")) == 1


@settings(max_examples=80, deadline=None)
@given(problems())
def test_every_point_is_what_it_says_and_optimal_for_its_cost(problem):
    choices = every_choice(problem)
    legal = {tried.choice for tried in choices}
    for name in problem.costs:
        points = frontier(problem, name)
        assert (np.diff(points.cost) > 0).all()
        assert (np.diff(points.loss) < 0).all()
        for i in range(len(points)):
            there = evaluate(problem, points.choice_at(i))
            assert there.choice in legal
            assert points.cost[i] == pytest.approx(there.costs[name], rel=1e-12)
            tiny = 1e-12 * magnitude(problem)
            assert points.loss[i] == pytest.approx(there.loss, rel=0, abs=tiny)
            best = min(t.loss for t in choices if t.meets({name: there.costs[name]}))
            assert there.loss == pytest.approx(best, rel=0, abs=tiny)


@settings(max_examples=60, deadline=None)
@given(problems(costs=1))
def test_no_choice_lies_below_the_frontier(problem):
    points = frontier(problem, "size")
    for tried in every_choice(problem):
        assert tried.costs["size"] >= points.cost[0] * (1 - 1e-12)
        lowest = np.interp(tried.costs["size"], points.cost, points.loss)
        assert tried.loss >= lowest - 1e-12 * magnitude(problem)


@settings(max_examples=30, deadline=None)
@given(problems(costs=1))
def test_ilp_agrees_at_every_point(problem):
    points = frontier(problem, "size")
    for cost, loss in zip(points.cost, points.loss, strict=True):
        found = solve_ilp(within(problem, "size", cost))
        assert found.loss == pytest.approx(loss, rel=0, abs=1e-12 * magnitude(problem))


def test_ilp_agrees_at_points_of_a_large_problem():
    random = np.random.default_rng(5)
    bits = np.array([2, 3, 4, 5, 6, 8])
    cost = random.integers(100, 90_000, size=(53, 1)) * bits
    loss = random.lognormal(-3, 2, (53, 1)) * 4.0**-bits * random.lognormal(0, 0.3, (53, 6))
    problem = AllocationProblem(loss, {"size": cost}, {}, groups=((3, 4), (10, 20, 30)))
    points = frontier(problem, "size")
    assert len(points) > 150
    for i in (0, 40, 90, 140, len(points) - 1):
        found = solve_ilp(within(problem, "size", points.cost[i]))
        assert found.loss == pytest.approx(points.loss[i], rel=1e-9)
        assert evaluate(problem, points.choice_at(i)).costs["size"] == points.cost[i]


def test_best_within():
    points = frontier(five_layers(0.2), "size_bits")
    assert points.best_within(135_999.9) is None
    assert points.best_within(136_000) == 0
    assert points.best_within(139_999) == 0
    assert points.best_within(1e12) == 5
    assert [points.best_within(cost) for cost in points.cost] == list(range(6))
    free = frontier(AllocationProblem([[1, 0]], {"c": [[0, 4]]}, {}), "c")
    assert free.best_within(0) == 0


def test_budgets_are_ignored():
    strict, loose = (frontier(five_layers(ratio), "size_bits") for ratio in (0.01, 0.2))
    assert strict.cost.tolist() == loose.cost.tolist()


def test_unknown_cost_is_named():
    with pytest.raises(ValueError, match=r"no cost named 'watts', costs are \['size_bits'\]"):
        frontier(five_layers(0.2), "watts")


@pytest.mark.parametrize("point", [-1, 6])
def test_point_out_of_range(point):
    points = frontier(five_layers(0.2), "size_bits")
    with pytest.raises(IndexError, match="of a frontier of 6 points"):
        points.choice_at(point)
