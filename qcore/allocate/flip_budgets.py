"""At which budgets a layer's option changes along the frontier."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from qcore.allocate.frontier import walk_hulls
from qcore.allocate.problem import AllocationProblem, FloatArray, merge_groups


@dataclass(frozen=True)
class Flips:
    """``below``: under this budget the layer has a cheaper option; ``above``: from this budget on
    it has a dearer one. None where there is no such budget."""

    below: float | None
    above: float | None


def flip_budgets(
    problem: AllocationProblem, choice: tuple[int, ...], cost_name: str
) -> tuple[Flips, ...]:
    """For each layer, where the frontier of ``costs[cost_name]`` leaves its option in ``choice``.

    Budgets are ignored, pins and groups are kept. An option off the frontier has the places where
    the frontier's own reaches its cost, and exceeds it.

    >>> p = AllocationProblem([[0.3, 0.0], [0.1, 0.0]], {"bits": [[4, 8], [4, 8]]}, {})
    >>> flip_budgets(p, (1, 0), "bits")
    (Flips(below=12.0, above=None), Flips(below=None, above=16.0))
    """
    merged = merge_groups(problem)
    cost = merged.costs[cost_name]
    start, units = merged.cheapest(cost_name), np.arange(len(cost))
    loss = np.where(merged.allowed, merged.loss, np.inf)
    steps = walk_hulls(loss, cost, start, merged.rounding(problem.loss))
    arrival = cost[units, start].sum() + np.cumsum(steps.cost)
    reached = cost[steps.unit, steps.option]
    own = np.zeros(len(units))
    own[merged.unit_of_layer] = cost[merged.unit_of_layer, list(choice)]

    def first(chosen: npt.NDArray[np.bool_]) -> FloatArray:
        found = np.full(len(units), np.inf)
        np.minimum.at(found, steps.unit, np.where(chosen, arrival, np.inf))
        return found[merged.unit_of_layer]

    at_start = (cost[units, start] >= own)[merged.unit_of_layer]
    below = np.where(at_start, np.inf, first(reached >= own[steps.unit]))
    above = first(reached > own[steps.unit])
    return tuple(
        Flips(_known(low), _known(high))
        for low, high in zip(below.tolist(), above.tolist(), strict=True)
    )


def _known(value: float) -> float | None:
    return value if value < np.inf else None
