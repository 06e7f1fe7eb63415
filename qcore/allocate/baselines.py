"""Allocations that need no optimiser, to compare the others with."""

from __future__ import annotations

import numpy as np

from qcore.allocate.problem import (
    Allocation,
    AllocationProblem,
    IndexArray,
    evaluate,
    meets_budgets,
    merge_groups,
)


def uniform_allocations(problem: AllocationProblem) -> tuple[Allocation, ...]:
    """Option 0 everywhere, option 1 everywhere, and so on; pinned layers keep their pin.

    Budgets are ignored. One allocation per option, in order, with ``bound`` and ``gap`` ``None``.

    >>> p = AllocationProblem([[0, 0.3], [0, 0.5]], {}, {}, pins={0: 0})
    >>> [a.choice for a in uniform_allocations(p)]
    [(0, 0), (0, 1)]
    """
    merged = merge_groups(problem)
    pinned = merged.allowed.sum(axis=1) < merged.allowed.shape[1]
    pin = merged.allowed.argmax(axis=1)
    options = range(problem.loss.shape[1])
    return tuple(
        evaluate(problem, merged.expand(np.where(pinned, pin, option))) for option in options
    )


def uniform_within(problem: AllocationProblem) -> tuple[Allocation, ...]:
    """Those of ``uniform_allocations`` that meet the budgets."""
    return tuple(one for one in uniform_allocations(problem) if meets_budgets(problem, one))


def random_allocations(problem: AllocationProblem, count: int, seed: int) -> tuple[Allocation, ...]:
    """Draw ``count`` allocations spread over the range of costs; budgets are ignored.

    Options drawn evenly would put the cost of nearly every allocation near the middle. Here each
    allocation first draws how often it takes each option, from a Dirichlet distribution with
    parameters 1 / options, and then one option per unit (a layer, or a group). Pins are kept. The
    same ``seed`` gives the same allocations. Raises ``ValueError`` for a negative count.

    >>> p = AllocationProblem([[0, 0.3], [0, 0.5]], {}, {}, groups=((0, 1),))
    >>> {a.choice for a in random_allocations(p, 20, seed=0)} == {(0, 0), (1, 1)}
    True
    """
    if count < 0:
        raise ValueError(f"count is {count}, expected 0 or more")
    merged = merge_groups(problem)
    units, options = merged.allowed.shape
    pinned = merged.allowed.sum(axis=1) < options
    pin = merged.allowed.argmax(axis=1)
    random = np.random.default_rng(seed)
    drawn = (drawn_mixture(random, units, options) for _ in range(count))
    choices = (np.where(pinned, pin, choice) for choice in drawn)
    return tuple(evaluate(problem, merged.expand(choice)) for choice in choices)


def drawn_mixture(random: np.random.Generator, units: int, options: int) -> IndexArray:
    """(units,): first how often each option is taken, from a Dirichlet distribution with
    parameters 1 / options, then an option for each unit."""
    # Mixtures of many options all look alike unless the parameters' sum stays small: with 36
    # options and 0.5 for each, no mean cost falls in the outer fifths of the range.
    mixture = random.dirichlet(np.full(options, 1 / options))
    return np.array(random.choice(options, size=units, p=mixture), dtype=np.intp)
