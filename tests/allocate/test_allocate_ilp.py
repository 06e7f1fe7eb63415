from __future__ import annotations

import subprocess
import sys
import time

import numpy as np
import pytest
from allocate_oracle import (
    EIGHT_BITS,
    FOUR_BITS,
    WEIGHTS,
    every_choice,
    five_layers,
    magnitude,
    problems,
)
from hypothesis import assume, given, settings

from qcore.allocate import Allocation, AllocationProblem, SolverTimeout, solve_ilp
from qcore.allocate.highs import solve_program
from qcore.allocate.known import best_known
from qcore.allocate.problem import merge_groups
from qcore.allocate.program import usable_options

# Ratio allowed, layers at 4 bits, loss, ratio reached. The first and second layer return to 8 bits
# at 0.18, which no method that only ever lowers layers can do.
KNOWN = [
    (0.25, set(), 0.0, 0.25000),
    (0.20, {0, 1, 4}, 0.026, 0.19853),
    (0.18, {3, 4}, 0.121, 0.17279),
    (0.16, {1, 3, 4}, 0.126, 0.14338),
    (0.14, {0, 1, 3, 4}, 0.146, 0.13971),
    (0.13, {1, 2, 3, 4}, 0.156, 0.12868),
    (0.125, {0, 1, 2, 3, 4}, 0.176, 0.12500),
]


@pytest.mark.parametrize(("ratio", "low", "loss", "reached"), KNOWN)
def test_five_layers(ratio, low, loss, reached):
    found = solve_ilp(five_layers(ratio))
    assert {layer for layer, option in enumerate(found.choice) if option == FOUR_BITS} == low
    assert found.loss == pytest.approx(loss, abs=1e-12)
    assert found.costs["size_bits"] / (32 * sum(WEIGHTS)) == pytest.approx(reached, abs=5e-6)
    assert found.bound == pytest.approx(loss, abs=1e-9)
    assert found.gap == pytest.approx(0, abs=1e-8)


def test_most_saving_within_a_loss_limit():
    """Equation 5 of CalibTIP as printed: 0.126 of loss buys what ratio 0.16 needed."""
    plain = five_layers(0.25)
    saved = plain.costs["size_bits"][:, :1] - plain.costs["size_bits"]
    found = solve_ilp(AllocationProblem(-saved, {"loss": plain.loss}, {"loss": 0.126}))
    assert found.choice == (EIGHT_BITS, FOUR_BITS, EIGHT_BITS, FOUR_BITS, FOUR_BITS)
    assert found.loss == -4 * (8000 + 16000 + 5000)


def by_highs(problem: AllocationProblem) -> Allocation:
    """The integer program of all options, solved by HiGHS: prices would decide these alone."""
    merged = merge_groups(problem)
    usable = usable_options(merged, merged.allowed, merged.loss, problem.budgets)
    assert usable is not None
    deadline = time.perf_counter() + 10
    found = solve_program(merged, merged.loss, problem.budgets, usable, deadline, 1e-9)
    assert found is not None
    return found


BOTH_WAYS = pytest.mark.parametrize("solve", [solve_ilp, by_highs])


@pytest.mark.parametrize(("ratio", "low", "loss", "reached"), KNOWN)
def test_five_layers_by_highs(ratio, low, loss, reached):
    found = by_highs(five_layers(ratio))
    assert {layer for layer, option in enumerate(found.choice) if option == FOUR_BITS} == low
    assert found.bound == pytest.approx(loss, abs=1e-9)


@settings(max_examples=40, deadline=None)
@given(problems())
def test_highs_equals_brute_force(problem):
    feasible = [tried for tried in every_choice(problem) if tried.meets(problem.budgets)]
    assume(feasible)
    best = min(tried.loss for tried in feasible)
    found = by_highs(problem)
    assert found.choice in {tried.choice for tried in feasible}
    assert found.loss == pytest.approx(best, rel=0, abs=1e-12 * magnitude(problem))
    assert found.bound == pytest.approx(best, rel=0, abs=1e-8 * magnitude(problem))


@pytest.mark.parametrize("seed", range(3))
def test_what_prices_do_not_find_equals_brute_force(seed):
    problem = exact_sum(5, seed)
    merged = merge_groups(problem)
    assert not best_known(merged, merged.loss, problem.budgets).proven
    feasible = [tried for tried in every_choice(problem) if tried.meets(problem.budgets)]
    found = solve_ilp(problem)
    assert found.choice in {tried.choice for tried in feasible}
    assert found.loss == pytest.approx(min(tried.loss for tried in feasible))


@settings(max_examples=60, deadline=None)
@given(problems())
def test_equals_brute_force(problem):
    feasible = [tried for tried in every_choice(problem) if tried.meets(problem.budgets)]
    assume(feasible)
    best = min(tried.loss for tried in feasible)
    found = solve_ilp(problem)
    assert found.choice in {tried.choice for tried in feasible}
    assert found.loss == pytest.approx(best, rel=0, abs=1e-12 * magnitude(problem))
    assert found.bound <= found.loss
    assert found.bound == pytest.approx(best, rel=0, abs=1e-8 * magnitude(problem))
    assert found.gap == (found.loss - found.bound) / max(abs(found.loss), sys.float_info.min)


def best_by_dynamic_programming(loss, cost, budget):
    """Least loss for every whole budget up to ``budget``, layer by layer."""
    best = np.zeros(budget + 1)
    for row_loss, row_cost in zip(loss, cost, strict=True):
        reached = np.full((len(row_loss), budget + 1), np.inf)
        for option, (added, spent) in enumerate(zip(row_loss, row_cost, strict=True)):
            reached[option, spent:] = added + best[: budget + 1 - spent]
        best = reached.min(axis=0)
    return best[budget]


@pytest.mark.parametrize("seed", range(4))
def test_larger_problem_equals_dynamic_programming(seed):
    random = np.random.default_rng(seed)
    bits = np.array([2, 3, 4, 5, 6, 8])
    cost = random.integers(5, 200, size=(30, 1)) * bits
    loss = random.lognormal(-3, 2, size=(30, 1)) * 4.0**-bits + random.normal(0, 1e-6, (30, 6))
    budget = int(cost[:, 3].sum())
    found = solve_ilp(AllocationProblem(loss, {"size": cost}, {"size": budget}))
    assert found.costs["size"] <= budget
    assert found.loss == pytest.approx(best_by_dynamic_programming(loss, cost, budget), rel=1e-9)


def test_negative_losses_are_kept():
    problem = AllocationProblem([[0.0, -2e-7], [0.0, 1e-7]], {"bits": [[8, 4], [8, 4]]}, {})
    found = solve_ilp(problem)
    assert found.choice == (1, 0)
    assert found.loss == found.bound == -2e-7


@BOTH_WAYS
def test_tiny_losses_beside_a_large_one_are_told_apart(solve):
    loss = [[0.0, 100.0], [2e-7, 1e-7], [1e-7, 3e-7]]
    problem = AllocationProblem(loss, {"bits": np.ones((3, 2))}, {"bits": 3})
    assert solve(problem).choice == (0, 1, 0)


@BOTH_WAYS
@pytest.mark.parametrize("seed", [0, 3, 4, 5])
def test_losses_a_ten_billionth_of_the_largest_are_told_apart(solve, seed):
    """Within the solver's tolerance, and within its absolute gap, unless it is scaled and told."""
    random = np.random.default_rng(seed)
    loss = np.zeros((7, 2))
    loss[0, 1], loss[1:, 1] = 1.0, random.integers(100, 999, 6) * 3e-13
    cost = np.zeros((7, 2))
    cost[:, 0] = random.integers(10, 99, 7)
    problem = AllocationProblem(loss, {"c": cost}, {"c": cost[0, 0] + cost[1:, 0].sum() // 2})
    feasible = [tried for tried in every_choice(problem) if tried.meets(problem.budgets)]
    assert solve(problem).choice == min(feasible, key=lambda tried: tried.loss).choice


@BOTH_WAYS
def test_of_options_that_are_alike_the_first_is_taken(solve):
    problem = AllocationProblem([[2, 1, 1]], {"c": [[1, 3, 3]]}, {"c": 3})
    assert solve(problem).choice == (1,)


@BOTH_WAYS
def test_a_small_problem_that_the_solvers_presolve_gets_wrong(solve):
    """HiGHS 1.15.1 with presolve calls (2, 4) optimal. Fewer digits would hide it."""
    loss = [
        [6.61881047559415e-07, 1.705212548509743e-08, 7.368276039954271e-09,
         6.696552793274484e-09, 1.674532476674648e-07],
        [5.446011840426619e-06, 5.501040180812016e-07, 2.133913539746238e-05,
         5.635822726061571e-10, 3.250205392422932e-09],
    ]  # fmt: skip
    cost = [
        [0.4265322929526216, 3.280383983749069, 1.686519446216959,
         1.81737635778339, 1.0025959873205748],
        [0.3900823999172018, 0.803818373891365, 0.7854292505755549,
         0.7098103400986796, 0.3265302241050767],
    ]  # fmt: skip
    found = solve(AllocationProblem(loss, {"ms": cost}, {"ms": 2.527186672610202}))
    assert found.choice == (2, 3)


@BOTH_WAYS
def test_whole_numbers_near_the_largest_costs_are_not_rounded_over_the_budget(solve):
    costs = [[1_000_000_000, 1], [1_000_000_001, 2]]
    problem = AllocationProblem([[0, 1], [0, 1]], {"bits": costs}, {"bits": 2_000_000_000})
    assert solve(problem).costs["bits"] <= 2_000_000_000
    exact = AllocationProblem([[0, 1], [0, 1]], {"bits": costs}, {"bits": 2_000_000_001})
    assert solve(exact).choice == (0, 0)


@BOTH_WAYS
def test_a_budget_that_only_rounding_exceeds_is_met(solve):
    problem = AllocationProblem([[0, 1], [0, 1]], {"ms": [[0.1, 0], [0.2, 0]]}, {"ms": 0.3})
    assert 0.1 + 0.2 > 0.3
    assert solve(problem).choice == (0, 0)


@BOTH_WAYS
@pytest.mark.parametrize("excess", [1e-9, 1e-10, 3e-11])
def test_a_budget_exceeded_by_a_hair_is_not_met(solve, excess):
    """The hair is within the solver's own tolerance, so its first answers have to be refused."""
    cost = [[0.5, 0.25], [0.5 + excess, 0.25], [0.5 + excess, 0.25], [0.5, 0.25]]
    problem = AllocationProblem([[0, 1], [0, 1.5], [0, 1.5], [0, 1]], {"ms": cost}, {"ms": 2.0})
    found = solve(problem)
    assert found.choice in {(1, 0, 0, 0), (0, 0, 0, 1)}
    assert found.costs["ms"] == pytest.approx(1.75)


def test_pins_and_groups_hold():
    free = solve_ilp(five_layers(0.16)).loss
    found = solve_ilp(five_layers(0.16, pins={4: EIGHT_BITS}, groups=((0, 1),)))
    assert found.choice[4] == EIGHT_BITS
    assert found.choice[0] == found.choice[1]
    assert found.loss == pytest.approx(0.02 + 0.005 + 0.12)
    assert found.loss > free


def test_answer_does_not_depend_on_the_run():
    first, second = (solve_ilp(five_layers(0.14)) for _ in range(2))
    assert (first.choice, first.loss, first.bound) == (second.choice, second.loss, second.bound)


def hard_problem(layers: int) -> AllocationProblem:
    """Loss nearly proportional to cost, so that very many choices nearly tie."""
    random = np.random.default_rng(3)
    cost = np.sort(random.integers(1, 10**6, size=(layers, 12)), axis=1)
    loss = -cost / 1e6 + random.random((layers, 12)) * 1e-3
    return AllocationProblem(loss, {"size": cost}, {"size": cost.mean(axis=1).sum()})


def test_past_the_time_limit_the_best_known_counts():
    problem = hard_problem(300)
    found = solve_ilp(problem, time_limit_seconds=1e-9)
    assert found.costs["size"] <= problem.budgets["size"]
    assert found.bound <= found.loss
    assert 0 <= found.gap < 1e-3
    longer = solve_ilp(problem, time_limit_seconds=1.0)
    assert found.bound <= longer.loss <= found.loss


def exact_sum(layers: int, seed: int) -> AllocationProblem:
    """Costs that have to add up to one number exactly, which no method of prices finds."""
    random = np.random.default_rng(seed)
    cost = random.integers(1, 10**9, size=(layers, 6)).astype(float)
    total = cost[np.arange(layers), random.integers(0, 6, layers)].sum()
    budgets = {"at most": total, "at least": -total}
    costs = {"at most": cost, "at least": -cost}
    return AllocationProblem(random.random((layers, 6)), costs, budgets)


def test_no_time_at_all_is_a_timeout():
    with pytest.raises(SolverTimeout, match="time limit") as raised:
        solve_ilp(exact_sum(30, 7), time_limit_seconds=1e-9)
    assert isinstance(raised.value, RuntimeError)


def test_a_loose_gap_is_kept_and_reported():
    problem = hard_problem(60)
    found = solve_ilp(problem, relative_gap=0.5)
    assert found.costs["size"] <= problem.budgets["size"]
    assert found.bound < found.loss
    assert found.gap == pytest.approx((found.loss - found.bound) / abs(found.loss))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"time_limit_seconds": 0.0}, "time_limit_seconds is 0.0"),
        ({"time_limit_seconds": float("nan")}, "time_limit_seconds is nan"),
        ({"relative_gap": -1.0}, "relative_gap is -1.0"),
    ],
)
def test_limits_out_of_range(wrong, message):
    with pytest.raises(ValueError, match=message):
        solve_ilp(five_layers(0.2), **wrong)


def test_nothing_is_printed(capfd):
    for ratio, *_ in KNOWN:
        solve_ilp(five_layers(ratio))
    solve_ilp(hard_problem(40), relative_gap=1e-4)
    with pytest.raises(ValueError, match="smallest feasible"):
        solve_ilp(five_layers(0.1))
    assert capfd.readouterr() == ("", "")


def test_no_warning_of_any_kind_from_a_fresh_start():
    code = (
        "from qcore.allocate import AllocationProblem, solve_ilp;"
        "p = AllocationProblem([[0, 0.3], [0, 0.1]], {'bits': [[8, 4], [8, 4]]}, {'bits': 12});"
        "print(solve_ilp(p).choice)"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr, done.returncode) == ("(0, 1)\n", "", 0)
