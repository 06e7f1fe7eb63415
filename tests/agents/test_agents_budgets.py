"""Options as axes, and budgets enforced: against plain loops and brute force."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_tasks import (
    conv,
    every_choice,
    small_task,
    tasks_and_choices,
    within,
)

from qcore.agents.axes import option_axes
from qcore.agents.enforce import within_budgets
from qcore.agents.task import SearchTask
from qcore.allocate.problem import AllocationProblem, IndexArray
from qcore.sensitivity.config import Width


@given(st.permutations([Width(w, a) for w in (0, 3, 8) for a in (4, 8)]))
def test_axes_of_a_grid_in_any_order(options: list[Width]) -> None:
    axes = option_axes(options)
    assert (axes.weight_bits, axes.input_bits, axes.chooses_inputs) == ((0, 3, 8), (4, 8), True)
    for o, width in enumerate(options):
        place = axes.weight_of[o], axes.input_of[o]
        assert axes.option[place] == o
        assert Width(axes.weight_bits[place[0]], axes.input_bits[place[1]]) == width


@pytest.mark.parametrize(
    ("options", "weights", "order"),
    [
        ((Width(8), Width(2), Width(4)), (2, 4, 8), [1, 2, 0]),
        ((Width(8, 8), Width(4, 4)), (4, 8), [1, 0]),
        ((Width(4, 8), Width(8, 8), Width(4, 4)), (4, 4, 8), [2, 0, 1]),
        ((Width(4, 8), Width(2, 8)), (2, 4), [1, 0]),
    ],
    ids=["weights", "equal pairs", "half a grid", "one width of inputs"],
)
def test_axes_without_a_grid_are_one_line(
    options: tuple[Width, ...], weights: tuple[int, ...], order: list[int]
) -> None:
    axes = option_axes(options)
    assert axes.weight_bits == weights
    assert axes.option[:, 0].tolist() == order
    assert not axes.chooses_inputs


def plainly_swept(
    task: SearchTask, choice: IndexArray, met: Callable[[IndexArray], bool], step: int
) -> IndexArray:
    """One move at a time, asking after each: inputs before weights down, weights first up."""
    axes, found = task.axes, choice.copy()
    moved = True
    while moved and not met(found):
        moved = False
        for unit in reversed(range(len(found))):
            for part in ("input", "weight") if step < 0 else ("weight", "input"):
                if not task.free[unit] or met(found):
                    continue
                w, a = axes.weight_of[found[unit]], axes.input_of[found[unit]]
                to = (w + step, a) if part == "weight" else (w, a + step)
                if 0 <= to[0] < len(axes.weight_bits) and 0 <= to[1] < len(axes.input_bits):
                    found[unit] = axes.option[to]
                    moved = True
    return found


@settings(max_examples=100)
@given(tasks_and_choices())
def test_budgets_are_met_as_by_a_plain_sweep(drawn: tuple[SearchTask, IndexArray]) -> None:
    task, choice = drawn
    found = within_budgets(task, choice)
    start = np.where(task.free, choice, task.pinned)
    swept = plainly_swept(task, start, lambda c: within(task, task.merged.expand(c)), -1)
    if within(task, task.merged.expand(swept)):
        assert found is not None
        assert found.tolist() == swept.tolist()
    feasible = any(within(task, one) for one in every_choice(task))
    if found is None:
        assert len(task.problem.budgets) > 1 or not feasible
    else:
        assert task.merged.expand(found) in every_choice(task)
        assert within(task, task.merged.expand(found))
        if within(task, task.merged.expand(start)):
            assert found.tolist() == start.tolist()


@settings(max_examples=100)
@given(tasks_and_choices(0, loss_budget=True))
def test_a_budget_of_loss_is_met_by_raising(drawn: tuple[SearchTask, IndexArray]) -> None:
    task, choice = drawn
    found = within_budgets(task, choice)
    start = np.where(task.free, choice, task.pinned)
    swept = plainly_swept(task, start, lambda c: within(task, task.merged.expand(c)), +1)
    if within(task, task.merged.expand(swept)):
        assert found is not None
        assert found.tolist() == swept.tolist()
    assert (found is None) == (not any(within(task, one) for one in every_choice(task)))
    assert found is None or within(task, task.merged.expand(found))


def test_the_worked_example_of_enforcement() -> None:
    bits = np.tile([4.0, 8.0], (3, 1))
    problem = AllocationProblem(bits, {"bits": bits}, {"bits": 20})
    task = SearchTask(problem, (Width(4), Width(8)), (conv(),) * 3, np.arange(3))
    found = within_budgets(task, np.array([1, 1, 1]))
    assert found is not None
    assert found.tolist() == [1, 1, 0]


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.floats(1.02, 2.0))
def test_a_cost_and_a_loss_are_met_together(seed: int, slack: float) -> None:
    """Both budgets leave some room beside one configuration that meets them."""
    random = np.random.default_rng(seed)
    task = small_task(seed % 5, layers=6, budget=None)
    known = random.integers(0, 3, 6)
    rows = np.arange(6)
    budgets = {
        name: slack * task.problem.costs[name][rows, known].sum() for name in ("size", "loss")
    }
    problem = replace(task.problem, loss=task.problem.costs["size"], budgets=budgets)
    task = replace(task, problem=problem)
    for start in (np.zeros(6, dtype=np.intp), np.full(6, 2, dtype=np.intp)):
        found = within_budgets(task, start)
        if found is not None:
            for name, budget in budgets.items():
                assert task.problem.costs[name][rows, found].sum() <= budget * (1 + 1e-9)
    assert within_budgets(task, known) is not None


def test_where_one_sweep_breaks_what_the_other_mends_single_units_are_changed() -> None:
    """Room for one layer of 8 bits, and the loss needs it to be the first."""
    loss = np.array([[1.0, 0.0], [0.1, 0.0]])
    costs = {"bits": np.array([[4.0, 8.0], [4.0, 8.0]]), "loss": loss}
    problem = AllocationProblem(costs["bits"], costs, {"bits": 12.0, "loss": 0.2})
    layers = (conv("a"), conv("b"))
    task = SearchTask(problem, (Width(4), Width(8)), layers, np.arange(2))
    for start in ((0, 0), (1, 1), (0, 1), (1, 0)):
        found = within_budgets(task, np.array(start, dtype=np.intp))
        assert found is not None
        assert found.tolist() == [1, 0]
