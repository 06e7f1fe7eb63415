from __future__ import annotations

import numpy as np
import pytest
from allocate_oracle import every_choice, five_layers, problems
from hypothesis import given, settings

from qcore.allocate import AllocationProblem, evaluate, random_allocations, uniform_allocations


def test_uniform_is_every_option_everywhere():
    eight, four = uniform_allocations(five_layers(0.125))
    assert eight.choice == (0, 0, 0, 0, 0)
    assert four.choice == (1, 1, 1, 1, 1)
    assert (eight.loss, four.loss) == pytest.approx((0.0, 0.176))
    assert (eight.costs["size_bits"], four.costs["size_bits"]) == (272000, 136000)
    assert (four.bound, four.gap) == (None, None)


def test_uniform_keeps_pins_and_what_they_are_grouped_with():
    problem = five_layers(0.2, groups=((1, 3),), pins={3: 0})
    assert [a.choice for a in uniform_allocations(problem)] == [(0, 0, 0, 0, 0), (1, 0, 1, 0, 1)]


@settings(deadline=None)
@given(problems())
def test_uniform_and_random_respect_groups_and_pins(problem):
    legal = {tried.choice for tried in every_choice(problem)}
    for allocation in (*uniform_allocations(problem), *random_allocations(problem, 8, seed=1)):
        assert allocation.choice in legal
        again = evaluate(problem, allocation.choice)
        assert (allocation.loss, allocation.costs) == (again.loss, again.costs)


@pytest.mark.parametrize("options", [2, 4, 7, 36])
def test_random_spreads_over_the_whole_range_of_costs(options):
    bits = np.linspace(2, 16, options)
    problem = AllocationProblem(np.zeros((53, options)), {"bits": np.tile(bits, (53, 1))}, {})
    drawn = random_allocations(problem, 500, seed=0)
    cost = np.array([allocation.costs["bits"] for allocation in drawn])
    share = (cost / 53 - 2) / 14
    counts, _ = np.histogram(share, bins=10, range=(0, 1))
    assert counts.sum() == 500
    assert counts.min() >= 5, counts


def test_random_depends_on_the_seed_and_on_nothing_else():
    problem = five_layers(0.2)
    first, same, other = (
        [a.choice for a in random_allocations(problem, 20, seed=seed)] for seed in (7, 7, 8)
    )
    assert first == same
    assert first != other
    assert len(set(first)) > 3


def test_random_count():
    assert random_allocations(five_layers(0.2), 0, seed=0) == ()
    with pytest.raises(ValueError, match="count is -1"):
        random_allocations(five_layers(0.2), -1, seed=0)
