"""The search with interactions, against every choice and every single change and swap."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from allocate_oracle import every_choice, five_layers, magnitude, problems
from hypothesis import given, settings
from hypothesis import strategies as st

from qcore.allocate import AllocationProblem, InfeasibleBudget, solve_ilp
from qcore.allocate.interaction import solve_interaction
from qcore.sensitivity.projection.projections import Projections
from qcore.sensitivity.projection.shrinkage import CrossTerms, cross_terms


def terms_of(shape: tuple[int, int], seed: int, kept: float, scale: float = 1.0) -> CrossTerms:
    """Cross terms of random projections."""
    columns = np.random.default_rng(seed).normal(0, scale**0.5, (6, shape[0] * shape[1]))
    moments = (columns.T @ columns / 6).reshape(*shape, *shape)
    moments[np.arange(shape[0]), :, np.arange(shape[0]), :] = 0
    return CrossTerms(moments, kept)


def loss_of(problem: AllocationProblem, terms: CrossTerms, choice: tuple[int, ...]) -> float:
    """By a plain loop over pairs of layers."""
    total = sum(problem.loss[i, o] for i, o in enumerate(choice))
    for (i, a), (j, b) in itertools.combinations(enumerate(choice), 2):
        total += terms.kept * (terms.moments[i, a, j, b] + terms.moments[j, b, i, a]) / 2
    return float(total)


@settings(max_examples=60, deadline=None)
@given(problems(), st.integers(0, 99), st.sampled_from([0.0, 0.1, 1.0]))
def test_no_change_of_one_or_two_units_is_better(
    problem: AllocationProblem, seed: int, kept: float
) -> None:
    size = magnitude(problem)
    terms = terms_of(problem.loss.shape, seed, kept, size)
    choices = every_choice(problem)
    fitting = [t.choice for t in choices if t.meets(problem.budgets)]
    if not fitting:
        with pytest.raises(InfeasibleBudget):
            solve_interaction(problem, terms)
        return
    found = solve_interaction(problem, terms)
    ended = found.allocation.choice
    assert ended in fitting
    assert found.loss <= found.start_loss
    assert found.interaction_kept == kept
    tiny = 1e-9 * size
    assert found.loss == pytest.approx(loss_of(problem, terms, ended), rel=0, abs=tiny)
    began = solve_ilp(problem)
    reached = loss_of(problem, terms, began.choice)
    assert found.start_loss == pytest.approx(reached, rel=0, abs=tiny)
    if kept == 0:
        assert found.moves == 0
        assert found.allocation.loss == pytest.approx(began.loss, rel=0, abs=tiny)
        return
    owner = {layer: g for g, group in enumerate(problem.groups) for layer in group}
    for other in fitting:
        changed = {owner.get(i, -1 - i) for i, o in enumerate(other) if o != ended[i]}
        if len(changed) <= 2:
            assert loss_of(problem, terms, other) >= found.loss - tiny


@pytest.mark.parametrize("seed", range(20))
def test_of_two_units_it_finds_the_best(seed: int) -> None:
    random = np.random.default_rng(seed)
    cost = random.uniform(0, 1, (3, 5))
    problem = AllocationProblem(
        random.normal(0, 1, (3, 5)), {"c": cost}, {"c": 1.8}, groups=((0, 2),)
    )
    terms = terms_of((3, 5), seed, 1.0)
    fitting = [t.choice for t in every_choice(problem) if t.meets(problem.budgets)]
    best = min(loss_of(problem, terms, choice) for choice in fitting)
    assert solve_interaction(problem, terms).loss == pytest.approx(best)


def test_projections_say_the_same_as_the_search() -> None:
    """With all kept and ΔL of projections, it is the loss that these predict."""
    weights = np.random.default_rng(3).normal(size=(2, 30, 5, 3)).astype(np.float32)
    known = Projections((2, 4, 8), tuple("abcde"), weights)
    terms = replace(cross_terms(known, [(2, None), (4, None), (8, None)]), kept=1.0)
    cost = np.tile([2.0, 4.0, 8.0], (5, 1))
    problem = AllocationProblem(known.per_sample("weight").mean(0), {"b": cost}, {"b": 22})
    found = solve_interaction(problem, terms)
    widths = [known.bits[option] for option in found.allocation.choice]
    assert found.loss == pytest.approx(known.predicted(widths).mean)
    assert found.moves > 0
    assert found.loss < found.start_loss
    assert f"{found.moves} moves" in found.words
    assert "100.0 %" in found.words


def test_the_example_of_the_docstring_and_its_words() -> None:
    moments = np.zeros((2, 2, 2, 2))
    moments[0, 0, 1, 0] = moments[1, 0, 0, 0] = 0.5
    problem = AllocationProblem([[0, 0.1], [0, 0.1]], {}, {})
    found = solve_interaction(problem, CrossTerms(moments, 1.0))
    assert sorted(found.allocation.choice) == [0, 1]
    assert (found.start_loss, found.loss, found.moves) == (0.5, 0.1, 1)
    nothing = solve_interaction(problem, CrossTerms(moments, 0.0))
    assert nothing.allocation.choice == (0, 0)
    assert (nothing.start_loss, nothing.loss, nothing.moves) == (0.0, 0.0, 0)
    assert "this is the start" in nothing.words
    little = solve_interaction(problem, CrossTerms(moments, 0.1))
    assert (little.start_loss, little.moves) == (pytest.approx(0.05), 0)
    assert "no swap" in little.words


def test_refusals() -> None:
    problem = five_layers(0.2)
    with pytest.raises(ValueError, match="cross terms"):
        solve_interaction(problem, terms_of((5, 3), 0, 0.5))
    with pytest.raises(InfeasibleBudget):
        solve_interaction(five_layers(0.1), terms_of((5, 2), 0, 0.5))
