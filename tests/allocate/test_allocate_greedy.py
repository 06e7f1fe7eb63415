from __future__ import annotations

import contextlib

import numpy as np
import pytest
from allocate_oracle import EIGHT_BITS, FOUR_BITS, WEIGHTS, every_choice, five_layers, problems
from hypothesis import given, settings

from qcore.allocate import Allocation, AllocationProblem, InfeasibleBudget
from qcore.allocate.greedy import greedy_accuracy, greedy_compression


def low(found: Allocation) -> set[int]:
    return {layer for layer, option in enumerate(found.choice) if option == FOUR_BITS}


@pytest.mark.parametrize(
    ("ratio", "lowered"),
    [(0.25, set()), (0.24, {4}), (0.20, {4, 1, 0}), (0.19, {4, 1, 0, 2}), (0.18, {0, 1, 2, 3, 4})],
)
def test_accuracy_of_five_layers_by_hand(ratio, lowered):
    """Layers by added loss: 4, 1, 0, 2, 3, of 5,000, 8,000, 1,000, 4,000 and 16,000 weights. The
    ratios need 0, 2,720, 13,600, 16,320 and 19,040 of them at 4 bits."""
    assert low(greedy_accuracy(five_layers(ratio))) == lowered


@pytest.mark.parametrize(
    ("ratio", "raised"), [(0.125, set()), (0.14, {0}), (0.16, {0, 2}), (0.25, {0, 1, 2, 3, 4})]
)
def test_compression_of_five_layers_by_hand(ratio, raised):
    """Layers by size: 0, 2, 4, 1, 3 of 1,000, 4,000, 5,000, 8,000 and 16,000 weights. The ratios
    leave 0, 4,080, 9,520 and all of them at 8 bits; layer 1 would fit 0.16 alone, not after 4."""
    assert low(greedy_compression(five_layers(ratio))) == {0, 1, 2, 3, 4} - raised


def test_a_layer_goes_down_option_by_option_only_as_far_as_needed():
    loss = [[0, 1, 2], [0, 10, 20]]
    bits = [[8, 6, 4], [8, 6, 4]]
    choices = {
        budget: greedy_accuracy(AllocationProblem(loss, {"bits": bits}, {"bits": budget})).choice
        for budget in (16, 15, 14, 12, 11, 8)
    }
    assert choices == {16: (0, 0), 15: (1, 0), 14: (1, 0), 12: (2, 0), 11: (2, 1), 8: (2, 2)}


def test_a_layer_goes_up_option_by_option_until_the_first_that_does_not_fit():
    loss = [[0, 1, 2], [0, 1, 2]]
    size = [[80, 60, 40], [8, 6, 4]]
    choices = {
        budget: greedy_compression(AllocationProblem(loss, {"size": size}, {"size": budget})).choice
        for budget in (44, 46, 67, 68, 88)
    }
    assert choices == {44: (2, 2), 46: (2, 1), 67: (2, 0), 68: (1, 0), 88: (0, 0)}


def test_of_equally_dear_options_the_one_of_least_loss_is_used():
    problem = AllocationProblem([[3, 0, 5, 4]], {"size": [[8, 8, 4, 4]]}, {"size": 7})
    assert greedy_accuracy(problem).choice == greedy_compression(problem).choice == (3,)


@pytest.mark.parametrize("greedy", [greedy_accuracy, greedy_compression])
def test_pins_and_groups_hold(greedy):
    found = greedy(five_layers(0.19, pins={3: FOUR_BITS, 4: EIGHT_BITS}, groups=((0, 1),)))
    assert found.choice[3] == FOUR_BITS
    assert found.choice[4] == EIGHT_BITS
    assert found.choice[0] == found.choice[1]


@pytest.mark.parametrize("greedy", [greedy_accuracy, greedy_compression])
def test_refuses_what_the_cheapest_exceeds(greedy):
    with pytest.raises(InfeasibleBudget, match="'size_bits' = 108800 cannot be met") as raised:
        greedy(five_layers(0.1))
    assert raised.value.nearest == 4 * sum(WEIGHTS)
    assert raised.value.allocation.choice == (1, 1, 1, 1, 1)


@settings(max_examples=80, deadline=None)
@given(problems())
def test_within_the_budgets_or_refused(problem):
    feasible = {tried.choice for tried in every_choice(problem) if tried.meets(problem.budgets)}
    for greedy in (greedy_accuracy, greedy_compression):
        found = None
        with contextlib.suppress(InfeasibleBudget):
            found = greedy(problem)
        if found is not None:
            assert found.choice in feasible
            assert (found.bound, found.gap) == (None, None)
        elif len(problem.budgets) == 1:
            assert not feasible


def test_ten_thousand_kernels_meet_the_budget_closely():
    random = np.random.default_rng(1)
    bits = np.array([0, 2, 3, 4, 5, 6, 8])
    cost = random.integers(9, 900, (10_000, 1)) * bits
    loss = random.lognormal(0, 1, (10_000, 1)) * 4.0**-bits
    problem = AllocationProblem(loss, {"bits": cost}, {"bits": 0.5 * cost.max(1).sum()})
    for greedy in (greedy_accuracy, greedy_compression):
        found = greedy(problem)
        assert 0 <= problem.budgets["bits"] - found.costs["bits"] <= 2 * 900
