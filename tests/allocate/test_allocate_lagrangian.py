from __future__ import annotations

import sys

import numpy as np
import pytest
from allocate_oracle import EIGHT_BITS, FOUR_BITS, every_choice, five_layers, magnitude, problems
from hypothesis import assume, example, given, settings
from scipy.optimize import LinearConstraint, linprog, milp
from scipy.sparse import coo_array, kron, vstack

from qcore.allocate import AllocationProblem, InfeasibleBudget, frontier
from qcore.allocate.lagrangian import solve_lagrangian
from qcore.allocate.problem import merge_groups
from qcore.allocate.relaxation import Units, relax


@pytest.mark.parametrize(
    ("ratio", "low", "loss"),
    [
        (0.25, set(), 0.0),
        (0.20, {0, 1, 4}, 0.026),
        (0.18, {3, 4}, 0.121),
        (0.16, {1, 3, 4}, 0.126),
        (0.14, {0, 1, 3, 4}, 0.146),
        (0.13, {1, 2, 3, 4}, 0.156),
        (0.125, {0, 1, 2, 3, 4}, 0.176),
    ],
)
def test_five_layers(ratio, low, loss):
    found = solve_lagrangian(five_layers(ratio))
    assert {layer for layer, option in enumerate(found.choice) if option == FOUR_BITS} == low
    assert found.loss == pytest.approx(loss, abs=1e-12)
    assert found.gap == 0.0


def test_most_saving_within_a_loss_limit():
    plain = five_layers(0.25)
    saved = plain.costs["size_bits"][:, :1] - plain.costs["size_bits"]
    found = solve_lagrangian(AllocationProblem(-saved, {"loss": plain.loss}, {"loss": 0.126}))
    assert found.choice == (EIGHT_BITS, FOUR_BITS, EIGHT_BITS, FOUR_BITS, FOUR_BITS)


@settings(max_examples=60, deadline=None)
@given(problems())
def test_is_what_it_says_beside_brute_force(problem):
    feasible = [tried for tried in every_choice(problem) if tried.meets(problem.budgets)]
    assume(feasible)
    best = min(tried.loss for tried in feasible)
    found = solve_lagrangian(problem)
    tiny = 1e-12 * magnitude(problem)
    assert found.choice in {tried.choice for tried in feasible}
    assert found.loss >= best - tiny
    assert found.bound <= best + max(tiny, 1e-8 * abs(best))
    assert found.bound <= found.loss
    assert found.gap == (found.loss - found.bound) / max(abs(found.loss), sys.float_info.min)


@settings(max_examples=40, deadline=None)
@given(problems(tight=True))
def test_refuses_what_cannot_be_met(problem):
    choices = every_choice(problem)
    assume(not any(tried.meets(problem.budgets) for tried in choices))
    with pytest.raises(InfeasibleBudget) as raised:
        solve_lagrangian(problem)
    assert raised.value.given == problem.budgets[raised.value.name]
    assert raised.value.allocation.choice in {tried.choice for tried in choices}


def network(layers: int, options: int, budgets: int, seed: int = 0) -> AllocationProblem:
    """Losses that fall fourfold a bit, and costs of very different layers."""
    random = np.random.default_rng(seed)
    bits = np.linspace(2, 8, options)
    loss = random.lognormal(-3, 1.5, (layers, 1)) * 4.0 ** -(bits - 2)
    loss = loss * random.lognormal(0, 0.2, loss.shape) - 1e-6
    costs, limits = {}, {}
    for k in range(budgets):
        cost = random.lognormal(8, 1.5, (layers, 1)) * (bits + 4 * k)
        costs[f"c{k}"] = cost * random.lognormal(0, 0.1, cost.shape) ** k
        low, high = costs[f"c{k}"].min(1).sum(), costs[f"c{k}"].max(1).sum()
        limits[f"c{k}"] = low + (0.35 + 0.1 * k) * (high - low)
    return AllocationProblem(loss, costs, limits)


def program(problem: AllocationProblem):
    """The same problem for SciPy: objective and constraints."""
    layers, options = problem.loss.shape
    one = kron(coo_array(np.eye(layers)), np.ones((1, options)))
    rows = [coo_array(problem.costs[name].reshape(1, -1)) for name in problem.budgets]
    return problem.loss.ravel(), one, vstack(rows), np.array(list(problem.budgets.values()))


def relaxed_value(units: Units) -> float | None:
    """The least loss of fractions of options, by SciPy's linear program, of scaled tables."""
    allowed = np.isfinite(units.loss)
    owner, loss = np.nonzero(allowed)[0], units.loss[allowed]
    costs = np.array([cost[allowed] for cost in units.costs])
    largest, dearest = loss.max() or 1.0, np.where(costs.any(1), costs.max(1), 1.0)
    found = linprog(
        loss / largest,
        A_ub=costs / dearest[:, None],
        b_ub=units.room / dearest,
        A_eq=(owner == np.arange(len(allowed))[:, None]).astype(float),
        b_eq=np.ones(len(allowed)),
        options={"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10},
    )
    return float(found.fun) * largest if found.success else None


# Without size the first unit has to take 0.1 of time, and the second has none left: a price of 3
# on time at least, which by itself is worth nothing.
TWO_AT_ONCE = AllocationProblem(
    [[0, 0.3], [0, 0.3]],
    {"size": [[3e-6, 0], [0, 0]], "time": [[0, 0.1], [0.1, 0]]},
    {"size": 0, "time": 0.1},
)


@settings(max_examples=60, deadline=None)
@given(problems(costs=3))
@example(TWO_AT_ONCE)
def test_the_bound_is_that_of_the_linear_program(problem):
    merged = merge_groups(problem)
    units = Units.of(merged, merged.loss, problem.budgets)
    relaxed, expected = relax(units), relaxed_value(units)
    fitting = [tried.loss for tried in every_choice(problem) if tried.meets(problem.budgets)]
    if relaxed is None:
        assert not fitting
        return
    assert expected is not None
    assert (relaxed.prices >= 0).all()
    highest = np.where(np.isfinite(units.loss), units.loss, 0.0).max(1).sum()
    assert relaxed.bound >= expected * (1 - 1e-6) - 1e-9 * highest
    reached = relaxed.bound + units.least_loss
    assert reached <= min(fitting, default=np.inf) + 1e-12 * magnitude(problem)


def test_the_bound_of_two_budgets_at_once():
    merged = merge_groups(TWO_AT_ONCE)
    units = Units.of(merged, merged.loss, TWO_AT_ONCE.budgets)
    relaxed = relax(units)
    assert relaxed.bound == pytest.approx(0.6)
    assert relaxed.prices[1] >= 3 - 1e-6


@pytest.mark.parametrize("budgets", [1, 2, 3])
def test_equals_an_independent_solver(budgets):
    problem = network(20, 6, budgets)
    found = solve_lagrangian(problem)
    loss, one, rows, limits = program(problem)
    oracle = milp(
        loss,
        constraints=[LinearConstraint(one, 1, 1), LinearConstraint(rows, ub=limits)],
        integrality=1,
        bounds=(0, 1),
        options={"mip_rel_gap": 0},
    )
    assert found.gap == 0.0
    assert found.loss == pytest.approx(oracle.fun, rel=1e-7)


@pytest.mark.parametrize(("layers", "budgets"), [(3000, 1), (1000, 2)])
def test_the_bound_of_many_units_is_the_linear_relaxation_and_the_gap_is_small(layers, budgets):
    problem = network(layers, 7, budgets)
    found = solve_lagrangian(problem)
    loss, one, rows, limits = program(problem)
    relaxed = linprog(loss, A_ub=rows, b_ub=limits, A_eq=one, b_eq=np.ones(layers), method="highs")
    assert all(found.costs[name] <= limit for name, limit in problem.budgets.items())
    assert found.bound == pytest.approx(relaxed.fun, rel=1e-6)
    assert relaxed.fun * (1 - 1e-7) <= found.loss <= relaxed.fun * 1.0001
    assert found.gap <= 1e-4


def test_never_worse_than_the_corner_of_the_hulls_below_the_budget():
    problem = network(200, 5, 1, seed=3)
    points = frontier(problem, "c0")
    for share in np.linspace(0.01, 0.99, 15):
        budget = points.cost[0] + share * (points.cost[-1] - points.cost[0])
        found = solve_lagrangian(AllocationProblem(problem.loss, problem.costs, {"c0": budget}))
        assert found.loss <= points.loss[points.best_within(budget)] * (1 + 1e-12)


def test_without_budgets_every_unit_takes_its_least_loss():
    found = solve_lagrangian(AllocationProblem([[0.3, -0.1, 5], [0, 1, 2]], {}, {}, ((0, 1),)))
    assert found.choice == (0, 0)
    assert found.gap == 0.0


def test_pins_and_groups_hold():
    found = solve_lagrangian(five_layers(0.16, pins={4: EIGHT_BITS}, groups=((0, 1),)))
    assert found.choice[4] == EIGHT_BITS
    assert found.choice[0] == found.choice[1]
    assert found.loss == pytest.approx(0.02 + 0.005 + 0.12)


def test_a_budget_that_takes_everything_leaves_the_cheapest():
    problem = network(50, 4, 2)
    least = {name: cost.min(1).sum() for name, cost in problem.costs.items()}
    found = solve_lagrangian(AllocationProblem(problem.loss, problem.costs, {"c0": least["c0"]}))
    assert set(found.choice) == {0}


def test_prices_prove_that_two_budgets_contradict_each_other():
    """Small or fast, not both: what an option saves of one cost it adds to the other."""
    size = network(300, 7, 1).costs["c0"]
    costs = {"size": size, "time": size.max(1)[:, None] - size}
    total = size.max(1).sum()
    for share, feasible in ((0.4, False), (0.6, True)):
        budgets = {"size": share * total, "time": share * total}
        problem = AllocationProblem(size % 7, costs, budgets)
        merged = merge_groups(problem)
        relaxed = relax(Units.of(merged, merged.loss, problem.budgets))
        assert (relaxed is not None) is feasible
