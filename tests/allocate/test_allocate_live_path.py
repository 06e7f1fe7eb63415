from __future__ import annotations

import numpy as np
import pytest
from allocate_oracle import every_choice, five_layers, magnitude, problems
from hypothesis import given, settings

from qcore.allocate import Allocation, AllocationProblem, InfeasibleBudget, evaluate, frontier
from qcore.allocate.ilp import solve_ilp
from qcore.allocate.live_path import live_path


def pareto(problem: AllocationProblem, name: str, others: dict[str, float]) -> list[tuple]:
    """(cost, loss) of all that nothing of no more cost beats, by rising cost."""
    found: list[tuple] = []
    tried = [t for t in every_choice(problem) if t.meets(others)]
    for t in sorted(tried, key=lambda t: (t.costs[name], t.loss)):
        if not found or t.loss < found[-1][1] - 1e-12 * magnitude(problem):
            found.append((t.costs[name], t.loss))
    return found


def check(path: tuple[Allocation, ...], problem: AllocationProblem, name: str) -> None:
    costs, losses = [a.costs[name] for a in path], [a.loss for a in path]
    assert (np.diff(costs) > 0).all()
    assert (np.diff(losses) < 0).all()
    for a in path:
        assert a == evaluate(problem, a.choice)
        for other, budget in problem.budgets.items():
            assert other == name or a.costs[other] <= budget + 1e-11 * abs(budget)


@settings(max_examples=60, deadline=None)
@given(problems())
def test_few_layers_have_every_best_trade(problem):
    for name in problem.costs:
        others = {n: b for n, b in problem.budgets.items() if n != name}
        expected = pareto(problem, name, others)
        if not expected:
            with pytest.raises(InfeasibleBudget):
                live_path(problem, name)
            continue
        path = live_path(problem, name, 400)
        check(path, problem, name)
        legal = {tried.choice for tried in every_choice(problem)}
        assert all(a.choice in legal for a in path)
        tiny = 1e-11 * magnitude(problem)
        if len(expected) > 300:
            continue
        span = max(abs(cost) for cost, _ in expected) or 1.0
        for cost, loss in expected:
            least = min(a.loss for a in path if a.costs[name] <= cost + 1e-11 * span)
            assert least == pytest.approx(loss, rel=0, abs=tiny)
        for a in path:
            best = min(loss for cost, loss in expected if cost <= a.costs[name] + 1e-11 * span)
            assert a.loss >= best - tiny


def network(layers: int, options: int, seed: int = 0) -> AllocationProblem:
    """A size, and a time that is another matter in every layer; a budget on both."""
    random = np.random.default_rng(seed)
    bits = np.linspace(2, 8, options)
    loss = random.lognormal(-3, 1.5, (layers, 1)) * 4.0 ** -(bits - 2)
    loss = loss * random.lognormal(0, 0.2, loss.shape)
    size = random.integers(100, 90_000, (layers, 1)) * bits
    time = random.lognormal(0, 1, (layers, 1)) * (1 + bits / 4)
    budgets = {"size": 1.0, "time": (time.min(1) + 0.5 * (time.max(1) - time.min(1))).sum()}
    return AllocationProblem(loss, {"size": size, "time": time}, budgets)


def test_six_layers_have_a_fine_path_of_optima():
    problem = network(6, 6)
    free = AllocationProblem(problem.loss, problem.costs, {})
    path = live_path(free, "size")
    check(path, free, "size")
    assert len(path) > 60
    for a in path[::8]:
        exact = solve_ilp(AllocationProblem(free.loss, free.costs, {"size": a.costs["size"]}))
        assert a.loss == pytest.approx(exact.loss, rel=1e-9)


def test_six_layers_within_a_second_budget():
    problem = network(6, 6)
    path = live_path(problem, "size")
    check(path, problem, "size")
    for a in path[::8]:
        limits = problem.budgets | {"size": a.costs["size"]}
        exact = solve_ilp(AllocationProblem(problem.loss, problem.costs, limits))
        assert a.loss == pytest.approx(exact.loss, rel=1e-9)


@pytest.mark.parametrize(("second", "worse"), [(False, 0.01), (True, 0.05)])
def test_fifty_layers_stay_close_to_the_optimum(second, worse):
    full = network(50, 8)
    budgets = {"time": full.budgets["time"]} if second else {}
    problem = AllocationProblem(full.loss, full.costs, budgets)
    path = live_path(problem, "size")
    check(path, problem, "size")
    assert 100 < len(path) <= 200
    excess = []
    for a in path[::12]:
        limits = budgets | {"size": a.costs["size"]}
        exact = solve_ilp(AllocationProblem(problem.loss, problem.costs, limits))
        excess.append(a.loss / exact.loss - 1)
    assert min(excess) >= -1e-9
    assert np.mean(excess) <= worse


def test_from_the_cheapest_to_the_best():
    full = network(50, 8)
    problem = AllocationProblem(full.loss, full.costs, {})
    path, points = live_path(problem, "size"), frontier(problem, "size")
    assert path[0].costs["size"] == pytest.approx(points.cost[0])
    assert path[-1].costs["size"] == pytest.approx(points.cost[-1])
    assert path[-1].loss == pytest.approx(points.loss[-1])


def test_thousands_of_kernels_take_corners_closer_together_where_there_is_little():
    full = network(3000, 6)
    problem = AllocationProblem(full.loss, full.costs, {})
    path, points = live_path(problem, "size", 40), frontier(problem, "size")
    check(path, problem, "size")
    assert len(path) == 40
    parts = (np.array([a.costs["size"] for a in path]) - points.cost[0]) / np.ptp(points.cost)
    assert np.diff(np.sqrt(parts)).max() < 1.2 / 39
    for a in path:
        lowest = np.interp(a.costs["size"], points.cost, points.loss)
        assert a.loss == pytest.approx(lowest, rel=1e-9)


def test_the_own_budget_is_not_looked_at():
    assert live_path(five_layers(0.01), "size_bits")[0].choice == (1, 1, 1, 1, 1)


def test_groups_and_pins_hold():
    path = live_path(five_layers(0.2, pins={2: 0}, groups=((0, 1),)), "size_bits")
    assert all(a.choice[2] == 0 and a.choice[0] == a.choice[1] for a in path)
    assert len(path) > 3


def test_never_more_than_asked_for_nor_than_400():
    full = network(6, 6)
    free = AllocationProblem(full.loss, full.costs, {})
    assert len(live_path(free, "time", 25)) <= 25
    assert len(live_path(free, "time", 10_000)) <= 400


@pytest.mark.parametrize(
    ("name", "points", "message"),
    [("watts", 9, "no cost named 'watts'"), ("size_bits", 1, "points is 1, expected 2 or more")],
)
def test_wrong_questions(name, points, message):
    with pytest.raises(ValueError, match=message):
        live_path(five_layers(0.2), name, points)
