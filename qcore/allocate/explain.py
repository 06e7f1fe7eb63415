"""Why an allocation is what it is: prices, steps, the budgets at which layers flip, pins."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qcore.allocate.flip_budgets import flip_budgets
from qcore.allocate.pin_cost import added_by_pins, is_pinned
from qcore.allocate.prices import priced, shadow_prices
from qcore.allocate.problem import (
    Allocation,
    AllocationProblem,
    FloatArray,
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
    on, and a dearer one from ``flips_above`` on; None where it never has less, or more.
    ``pin_cost`` is the loss that the layer's pin adds, None without a pin.
    """

    layer: int
    option: int
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

    Other budgets are held at their shadow prices (``shadow_prices``). Milliseconds with one budget,
    and a few more for each pin. Raises ``ValueError`` for an unknown cost name or another number of
    layers, SolverTimeout as ``optimum`` does.

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
    merged, pin_costs = merge_groups(problem), added_by_pins(problem)
    noise = merged.rounding(problem.costs[cost_name])
    flips = flip_budgets(along, allocation.choice, cost_name)
    explained = tuple(
        LayerExplanation(
            layer,
            option,
            up=_step(merged, cost_name, noise, layer, option, 1),
            down=_step(merged, cost_name, noise, layer, option, -1),
            flips_below=flips[layer].below,
            flips_above=flips[layer].above,
            pinned=is_pinned(problem, layer),
            pin_cost=pin_costs[layer],
        )
        for layer, option in enumerate(allocation.choice)
    )
    return Explanation(cost_name, prices, explained)


def _step(
    merged: MergedProblem,
    cost_name: str,
    noise: FloatArray,
    layer: int,
    option: int,
    direction: int,
) -> Step | None:
    """The option that costs next more (1) or next less (-1), of several the one of least loss.

    ``noise`` (units,) is what rounding may add to a cost.
    """
    unit = merged.unit_of_layer[layer]
    cost, loss = merged.costs[cost_name][unit], merged.loss[unit]
    more = direction * (cost - cost[option])
    farther = more > noise[unit]
    if not farther.any():
        return None
    nearest = more <= more[farther].min() + noise[unit]
    to = int(np.where(farther & nearest, loss, np.inf).argmin())
    return Step(to, float(loss[to] - loss[option]), float(cost[to] - cost[option]))
