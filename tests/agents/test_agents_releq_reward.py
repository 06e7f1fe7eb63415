"""ReLeQ's reward against worked values."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_tasks import bits_task

from qcore.agents.releq_reward import quantization_within, shaped_reward, state_quantization
from qcore.agents.task import SearchTask
from qcore.sensitivity.config import Width


def test_the_reward_of_the_paper() -> None:
    assert shaped_reward(0.5, 0.98, 0.2, 0.4, 0.4) == pytest.approx(0.128386, abs=5e-7)
    assert shaped_reward(0.5, 0.399, 0.2, 0.4, 0.4) == -1
    assert shaped_reward(0.5, 0.4, 0.2, 0.4, 0.4) == pytest.approx((1 - 0.5**0.2) * 0.4)
    assert shaped_reward(1.0, 1.0, 0.2, 0.4, 0.4) == 0
    assert shaped_reward(0.0, 1.0, 0.2, 0.4, 0.4) == 1
    assert shaped_reward(0.5, 0.0, 0.2, 0.4, 0.0) == 0


@given(*[st.floats(0, 1)] * 4)
def test_the_reward_rises_with_accuracy_and_with_bits_saved(
    sq: float, less: float, sa: float, lower: float
) -> None:
    found = shaped_reward(sq, sa, 0.2, 0.4, 0.4)
    assert -1 <= found <= 1
    assert shaped_reward(sq * less, sa, 0.2, 0.4, 0.4) >= found
    assert shaped_reward(sq, sa * lower, 0.2, 0.4, 0.4) <= found


def test_state_quantization_by_hand() -> None:
    """10 weights and 400 products at 4 bits, 20 and 800 at 8: a third of the cost is halved."""
    assert state_quantization([10, 20], [400, 800], [4, 8], 8) == pytest.approx(5 / 6)
    assert state_quantization([10, 20], [400, 800], [8, 8], 8) == 1
    by_hand = ((1 * 120 + 5) * 2 + (3 * 120 + 7) * 6) / ((4 * 120 + 12) * 8)
    assert state_quantization([1, 3], [5, 7], [2, 6], 8) == pytest.approx(by_hand)
    assert state_quantization([1, 3], [0, 0], [2, 6], 8, ratio=1) == pytest.approx(20 / 32)


def with_budgets(task: SearchTask, **budgets: float) -> SearchTask:
    return replace(task, problem=replace(task.problem, budgets=budgets))


def test_what_a_uniform_network_within_the_budgets_keeps() -> None:
    weights = bits_task((Width(4), Width(8), Width(5), Width(2)))
    assert quantization_within(weights, 120) is None
    for budget, expected in ((4.5, 4.5), (5, 5), (6.5, 6.5), (8, 8), (2, 2), (1, 2)):
        found = quantization_within(with_budgets(weights, bits=budget), 120)
        assert found == pytest.approx(expected / 8)
    both = with_budgets(weights, bits=7, work=4.25)
    assert quantization_within(both, 120) == pytest.approx(4.25 / 8)


def test_with_pins_and_with_inputs_it_keeps_them() -> None:
    pinned = bits_task((Width(2), Width(8)), pins={0: 1})
    assert quantization_within(with_budgets(pinned, bits=6.5), 120) == pytest.approx(6.5 / 8)
    pairs = bits_task(tuple(Width(w, a) for w in (2, 8) for a in (4, 8)))
    assert quantization_within(with_budgets(pairs, work=40), 120) == pytest.approx(5 / 8)
    assert quantization_within(with_budgets(pairs, work=10), 120) == pytest.approx(2.5 / 8)
