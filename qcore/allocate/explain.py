"""Why an allocation is what it is: prices, steps, the budgets at which layers flip, pins."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qcore.allocate.flip_budgets import flip_budgets
from qcore.allocate.frontier import frontier
from qcore.allocate.pin_cost import is_pinned, pin_cost
from qcore.allocate.prices import priced, shadow_prices
from qcore.allocate.problem import (
    Allocation,
    AllocationProblem,
    MergedProblem,
    merge_groups,
)


@dataclass(frozen=True)
class Step:
    """Another option of a layer, and what taking it adds to the loss and to one cost."""

    option: int
    loss: float
    cost: float


@dataclass(frozen=True)
class LayerExplanation:
    """One layer of an allocation; of a layer in a group, what holds for the group together.

    ``up`` and ``down`` are the options that cost next more and next less, None where there is none.
    Along the frontier the layer has its option, or a dearer one, from the budget ``flips_below``
    on, and a dearer one from ``flips_above`` on; None where it never has less, or more. An
    allocation that uses up its budget between two points of the frontier may give a few layers
    another option than ``on_frontier``, that of the point below its budget. ``pin_cost`` is the
    loss that the layer's pin adds, None without a pin.
    """

    layer: int
    option: int
    on_frontier: int | None
    up: Step | None
    down: Step | None
    flips_below: float | None
    flips_above: float | None
    pinned: bool
    pin_cost: float | None


@dataclass(frozen=True)
class Explanation:
    """``prices``: budget name -> loss that one more unit of it saves, 0 where it does not bind;
    None where no allocation meets the budgets. ``layers`` are in order."""

    cost_name: str
    prices: dict[str, float] | None
    layers: tuple[LayerExplanation, ...]


def explain(problem: AllocationProblem, allocation: Allocation, cost_name: str) -> Explanation:
    """Explain ``allocation`` by what ``costs[cost_name]`` buys, in that cost's own unit.

    Other budgets are held at their shadow prices (``shadow_prices``). Without a budget on
    ``cost_name`` its value is what the allocation costs. Milliseconds with one budget, and a few
    more for each pin. Raises ``ValueError`` for an unknown cost name or another number of layers.

    >>> p = AllocationProblem([[0.0, 0.3], [0.0, 0.1]], {"bits": [[8, 4], [8, 4]]}, {"bits": 12})
    >>> first = explain(p, Allocation((0, 1), 0.1, {"bits": 12.0}), "bits").layers[0]
    >>> first.flips_below, first.flips_above, first.down
    (12.0, None, Step(option=1, loss=0.3, cost=-4.0))
    """
    if cost_name not in problem.costs:
        raise ValueError(f"no cost named {cost_name!r}, costs are {sorted(problem.costs)}")
    layers = len(problem.loss)
    if len(allocation.choice) != layers:
        raise ValueError(f"an allocation of {len(allocation.choice)} layers for {layers}")
    prices = shadow_prices(problem)
    along = priced(problem, cost_name, prices or {})
    budget = problem.budgets.get(cost_name, allocation.costs[cost_name])
    on_frontier = _on_frontier(along, cost_name, budget)
    merged = merge_groups(problem)
    flips = flip_budgets(along, allocation.choice, cost_name)
    explained = tuple(
        LayerExplanation(
            layer,
            option,
            None if on_frontier is None else on_frontier[layer],
            up=_step(merged, cost_name, layer, option, 1),
            down=_step(merged, cost_name, layer, option, -1),
            flips_below=flips[layer].below,
            flips_above=flips[layer].above,
            pinned=is_pinned(problem, layer),
            pin_cost=pin_cost(problem, layer),
        )
        for layer, option in enumerate(allocation.choice)
    )
    return Explanation(cost_name, prices, explained)


def _on_frontier(
    problem: AllocationProblem, cost_name: str, budget: float
) -> tuple[int, ...] | None:
    """The options of the last point within the budget; None where there is none."""
    points = frontier(problem, cost_name)
    point = points.best_within(budget)
    return None if point is None else points.choice_at(point)


def _step(
    merged: MergedProblem, cost_name: str, layer: int, option: int, direction: int
) -> Step | None:
    """The option that costs next more (1) or next less (-1), of several the one of least loss."""
    unit = merged.unit_of_layer[layer]
    cost, loss = merged.costs[cost_name][unit], merged.loss[unit]
    more = direction * (cost - cost[option])
    noise = merged.rounding(merged.source.costs[cost_name])[unit]
    farther = more > noise
    if not farther.any():
        return None
    nearest = more <= more[farther].min() + noise
    to = int(np.where(farther & nearest, loss, np.inf).argmin())
    return Step(to, float(loss[to] - loss[option]), float(cost[to] - cost[option]))
