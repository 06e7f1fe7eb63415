"""Predicted losses, and what agents are compared with: against solvers and brute force."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_tasks import (
    conv,
    every_choice,
    least_loss,
    small_task,
    tasks_and_choices,
    within,
)

from qcore.agents.evaluator import PredictedEvaluator
from qcore.agents.outcome import settle
from qcore.agents.references import References, references
from qcore.agents.task import SearchTask
from qcore.allocate.interaction import solve_interaction
from qcore.allocate.problem import AllocationProblem, IndexArray, evaluate
from qcore.sensitivity.config import Width
from qcore.sensitivity.projection.shrinkage import CrossTerms


@given(tasks_and_choices(loss_budget=True), st.integers(0, 9))
def test_the_predicted_loss_is_the_sum(drawn: tuple[SearchTask, IndexArray], seed: int) -> None:
    task, choice = drawn
    evaluator = PredictedEvaluator(task)
    chosen = task.merged.expand(np.where(task.free, choice, task.pinned))
    score = evaluator.score(chosen)
    as_loss = replace(task.problem, loss=task.problem.costs["loss"])
    assert score.loss == evaluate(as_loss, chosen).loss
    assert evaluator.evaluations == 1


def terms_of(task: SearchTask, seed: int, kept: float) -> CrossTerms:
    rows, options = task.losses.shape
    columns = np.random.default_rng(seed).normal(0, 1, (6, rows * options))
    moments = (columns.T @ columns / 6).reshape(rows, options, rows, options)
    moments[np.arange(rows), :, np.arange(rows), :] = 0
    return CrossTerms(moments, kept)


@pytest.mark.parametrize("seed", range(5))
def test_with_interactions_it_is_the_solvers_loss(seed: int) -> None:
    task = small_task(seed)
    terms = terms_of(task, seed, 0.3)
    found = solve_interaction(task.problem, terms)
    score = PredictedEvaluator(task, terms).score(found.allocation.choice)
    assert score.loss == pytest.approx(found.loss)
    assert score.loss != pytest.approx(found.allocation.loss)


def test_accuracy_is_relative_to_the_best_uniform_network_where_that_loses_much() -> None:
    """Of 4 and 8 bits only 4 are within the budget, at a loss of 6 for two layers."""
    loss = np.array([[1.0, 0.0], [5.0, 0.0]])
    size = np.array([[4.0, 8.0], [4.0, 8.0]])
    problem = AllocationProblem(loss, {"size": size}, {"size": 12})
    task = SearchTask(problem, (Width(4), Width(8)), (conv(),) * 2, np.arange(2))
    assert PredictedEvaluator(task).score((0, 1)).accuracy == pytest.approx(math.exp(-1 / 6))
    small = replace(task, problem=replace(problem, loss=loss / 100))
    assert PredictedEvaluator(small).score((0, 1)).accuracy == pytest.approx(math.exp(-0.01))


def test_cross_terms_of_another_shape() -> None:
    with pytest.raises(ValueError, match="cross terms"):
        PredictedEvaluator(small_task(layers=4), terms_of(small_task(), 0, 1.0))


@pytest.mark.parametrize("seed", range(4))
def test_references_against_every_choice(seed: int) -> None:
    task = small_task(seed, groups=((0, 2),), pins={1: 1})
    evaluator = PredictedEvaluator(task)
    found = references(task, evaluator)
    assert found.optimum.value == pytest.approx(least_loss(task))
    assert within(task, found.optimum.choice)
    uniform = [
        choice
        for choice in every_choice(task)
        if len({o for i, o in enumerate(choice) if i != 1}) == 1 and within(task, choice)
    ]
    expected = min((evaluator.score(choice).loss for choice in uniform), default=None)
    assert (found.uniform and found.uniform.value) == expected
    assert found.bound is not None
    assert found.bound <= found.optimum.value
    assert References.from_json(found.to_json()) == found


def test_with_interactions_nothing_is_proven() -> None:
    task = small_task(2)
    terms = terms_of(task, 2, 0.4)
    evaluator = PredictedEvaluator(task, terms)
    found = references(task, evaluator)
    assert found.bound is None
    assert found.optimum.value == pytest.approx(solve_interaction(task.problem, terms).loss)


def test_where_the_loss_has_a_budget_the_size_is_made_small() -> None:
    task = small_task(0, budget=None)
    least = 1.5 * task.losses.min(1).sum()
    problem = replace(task.problem, loss=task.problem.costs["size"], budgets={"loss": least})
    task = replace(task, problem=problem)
    assert task.saves
    evaluator = PredictedEvaluator(task)
    found = references(task, evaluator)
    sizes = [evaluate(problem, c).loss for c in every_choice(task) if within(task, c)]
    assert found.optimum.value == min(sizes)
    settled = settle(task, evaluator, np.zeros(5, dtype=np.intp))
    assert settled.within
    assert settled.loss <= least * (1 + 1e-9)
    assert settled.value == evaluate(problem, settled.choice).loss
