"""Prices, flips, steps and pins, against every choice and against a linear program over all."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
from allocate_oracle import every_choice, five_layers, magnitude, problems
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from qcore.allocate import AllocationProblem, evaluate, solve_ilp
from qcore.allocate.explain import Step, explain
from qcore.allocate.flip_budgets import Flips, flip_budgets
from qcore.allocate.optimum import optimum
from qcore.allocate.pin_cost import added_by_pins, pin_costs
from qcore.allocate.prices import priced, shadow_prices


def hull_value(problem: AllocationProblem, budgets: dict[str, float]) -> float | None:
    """The least loss of all mixtures of choices within ``budgets``, in units of ``magnitude``."""
    tried = every_choice(problem)
    unit = magnitude(problem) or 1.0
    least = {n: min(t.costs[n] for t in tried) for n in budgets}
    scale = {n: max(t.costs[n] - least[n] for t in tried) or 1.0 for n in budgets}
    found = linprog(
        [t.loss / unit for t in tried],
        A_ub=[[(t.costs[n] - least[n]) / scale[n] for t in tried] for n in budgets],
        b_ub=[(budget - least[n]) / scale[n] for n, budget in budgets.items()],
        A_eq=np.ones((1, len(tried))),
        b_eq=[1.0],
    )
    return float(found.fun) if found.success else None


@settings(max_examples=40, deadline=None)
@given(problems(), st.integers(0, 99))
def test_prices_bound_what_any_other_budgets_save(problem: AllocationProblem, seed: int) -> None:
    here = hull_value(problem, problem.budgets)
    prices = shadow_prices(problem)
    if here is None or prices is None:
        return
    assert set(prices) == set(problem.budgets)
    assert min(prices.values()) >= 0
    random, unit = np.random.default_rng(seed), magnitude(problem) or 1.0
    for _ in range(3):
        span = {n: float(np.ptp(problem.costs[n], axis=1).sum()) for n in prices}
        more = {n: float(random.normal(0, 0.2)) * span[n] for n in prices}
        there = hull_value(problem, {n: b + more[n] for n, b in problem.budgets.items()})
        if there is not None:
            saved = sum(prices[n] * more[n] for n in prices) / unit
            assert here - there <= saved + 1e-6


@dataclass(frozen=True)
class Corner:
    cost: float
    loss: float
    choice: tuple[int, ...]


def corners(problem: AllocationProblem, name: str) -> list[Corner]:
    """Those of the hull of all choices, cheapest first."""
    tried = [Corner(t.costs[name], t.loss, t.choice) for t in every_choice(problem)]
    found = [min(tried, key=lambda t: (t.cost, t.loss))]
    noise = 1e-13 * magnitude(problem)
    while True:
        at = found[-1]
        more = [t for t in tried if t.cost > at.cost * (1 + 1e-13) and t.loss < at.loss - noise]
        if not more:
            return found
        found.append(max(more, key=lambda t: ((at.loss - t.loss) / (t.cost - at.cost), t.cost)))


@settings(max_examples=60, deadline=None)
@given(problems(costs=1))
def test_price_of_one_budget_is_the_slope_of_the_hull_above_it(problem: AllocationProblem) -> None:
    along, budget = corners(problem, "size"), problem.budgets["size"]
    prices = shadow_prices(problem)
    if budget * (1 + 1e-11) < along[0].cost:
        assert prices is None
        return
    assert prices is not None
    dearer = [c.cost for c in along if c.cost > budget * (1 + 1e-11)]
    if not dearer:
        assert prices == {"size": 0.0}
        return
    cost, loss = [c.cost for c in along], [c.loss for c in along]
    here, there = np.interp([budget, (budget + dearer[0]) / 2], cost, loss)
    saved = prices["size"] * (dearer[0] - budget) / 2
    assert saved == pytest.approx(here - there, rel=1e-6, abs=1e-9 * magnitude(problem))


@pytest.mark.parametrize("seed", range(8))
def test_flips_against_the_hull_of_every_choice(seed: int) -> None:
    random = np.random.default_rng(seed)
    cost = np.sort(random.uniform(0, 1, (4, 4)), axis=1)
    groups, pins = (((0, 2),), {1: 2}) if seed % 2 else ((), {})
    loss = -np.sort(random.normal(0, 1, (4, 4)), axis=1) + random.normal(0, 0.2, (4, 4))
    problem = AllocationProblem(loss, {"c": cost}, {}, groups=groups, pins=pins)
    along = corners(problem, "c")
    assert len(along) > 2
    for corner in along:
        budget, choice = corner.cost, corner.choice
        flips = flip_budgets(problem, choice, "c")
        for layer, option in enumerate(choice):
            have = [there.choice[layer] for there in along]
            first = have.index(option)
            last = len(have) - have[::-1].index(option)
            below = None if first == 0 else pytest.approx(along[first].cost)
            above = None if last == len(have) else pytest.approx(along[last].cost)
            assert (flips[layer].below, flips[layer].above) == (below, above)
            explained = explain(
                replace(problem, budgets={"c": budget}), evaluate(problem, choice), "c"
            ).layers[layer]
            assert (explained.flips_below, explained.flips_above) == (below, above)
            assert explained.pinned == (layer in pins)


def test_an_option_between_two_of_the_frontier() -> None:
    """Options at costs 0, 2, 3 and 4; the hull of losses 10, 9, 2 and 1 passes over the second."""
    problem = AllocationProblem([[10, 9, 2, 1]], {"c": [[0, 2, 3, 4]]}, {})
    assert flip_budgets(problem, (1,), "c") == (Flips(3.0, 3.0),)


def test_other_budgets_are_prices() -> None:
    """At 1 per unit of d the second option is no better: its c is never worth paying for."""
    problem = AllocationProblem([[3, 2]], {"c": [[0, 1]], "d": [[0, 1]]}, {"c": 1, "d": 1})
    assert priced(problem, "c", {"c": 5.0, "d": 2.0}).loss.tolist() == [[3, 4]]
    assert priced(problem, "c", {"c": 5.0, "d": 2.0}).budgets == {"c": 1}


def test_steps_by_hand() -> None:
    cost = [[2, 4, 4, 8], [1, 1, 1, 1]]
    problem = AllocationProblem([[5, 3, 2, 1], [0, 1, 1, 3]], {"c": cost}, {"c": 9})
    first, second = explain(problem, evaluate(problem, (0, 0)), "c").layers
    assert (first.up, first.down) == (Step(2, -3.0, 2.0), None)
    assert (second.up, second.down) == (None, None)
    top = explain(problem, evaluate(problem, (3, 0)), "c").layers[0]
    assert (top.up, top.down) == (None, Step(2, 1.0, -4.0))
    both = replace(problem, groups=((0, 1),))
    assert explain(both, evaluate(both, (0, 0)), "c").layers[1].up == Step(2, -2.0, 2.0)


@settings(max_examples=40, deadline=None)
@given(problems(), st.integers(0, 4))
def test_pin_costs_against_every_choice(problem: AllocationProblem, layer: int) -> None:
    layer %= len(problem.loss)
    group = next((g for g in problem.groups if layer in g), (layer,))
    free = replace(problem, pins={i: o for i, o in problem.pins.items() if i not in group})
    fitting = [t for t in every_choice(free) if t.meets(problem.budgets)]
    least = min((t.loss for t in fitting), default=np.nan)
    found = pin_costs(problem, layer)
    tiny = 2e-12 * magnitude(problem)
    for option, cost in enumerate(found):
        losses = [t.loss for t in fitting if t.choice[layer] == option]
        expected = min(losses) - least if losses else np.nan
        assert cost == pytest.approx(expected, rel=0, abs=tiny, nan_ok=True)
        assert np.isnan(cost) or cost >= 0
        pinned = replace(free, pins={**free.pins, layer: option})
        alone = added_by_pins(pinned)[layer]
        assert alone == (None if np.isnan(cost) else pytest.approx(cost, rel=0, abs=tiny))
        assert alone is None or alone >= 0
    assert np.isnan(found).all() or np.nanmin(found) == 0


def test_pins_of_five_layers() -> None:
    problem = five_layers(0.2, pins={3: 1})
    explained = explain(problem, solve_ilp(problem), "size_bits")
    assert [layer.pinned for layer in explained.layers] == [False, False, False, True, False]
    without = solve_ilp(five_layers(0.2)).loss
    assert explained.layers[3].pin_cost == pytest.approx(solve_ilp(problem).loss - without)
    assert explained.layers[0].pin_cost is None
    with pytest.raises(IndexError, match="layer 5 of 5"):
        pin_costs(problem, 5)


def test_budgets_that_cannot_be_met() -> None:
    problem = five_layers(0.1, pins={0: 0})
    assert optimum(problem) is None
    explained = explain(problem, evaluate(problem, (0, 1, 1, 1, 1)), "size_bits")
    assert explained.prices is None
    assert explained.layers[0].pin_cost is None


def test_unknown_cost_and_wrong_length() -> None:
    problem = five_layers(0.2)
    with pytest.raises(ValueError, match="no cost named 'watts'"):
        explain(problem, solve_ilp(problem), "watts")
    with pytest.raises(ValueError, match="2 layers for 5"):
        explain(problem, replace(solve_ilp(problem), choice=(0, 1)), "size_bits")


@settings(max_examples=40, deadline=None)
@given(problems(costs=2))
def test_optimum_against_every_choice(problem: AllocationProblem) -> None:
    for one in (problem, replace(problem, budgets={})):
        fitting = [t for t in every_choice(problem) if t.meets(one.budgets)]
        found = optimum(one)
        assert (found is None) == (not fitting)
        if found is not None:
            least = min(t.loss for t in fitting)
            assert found.loss == pytest.approx(least, rel=0, abs=2e-12 * magnitude(problem))
