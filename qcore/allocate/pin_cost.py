"""What pinning a layer costs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from qcore.allocate.optimum import optimum
from qcore.allocate.problem import AllocationProblem, FloatArray


def pin_costs(problem: AllocationProblem, layer: int) -> FloatArray:
    """What pinning ``layer`` to each option adds to the least loss within the budgets, (options,).

    Against the least loss with this layer free (a pin that it has, or its group, is ignored; other
    pins stay); NaN where no allocation with that pin meets the budgets. The free optimum takes one
    of the options, so it is the least of the pinned ones: no value is negative and, where any is
    known, one is 0. Raises ``IndexError`` for an unknown layer, SolverTimeout as ``optimum`` does.

    >>> p = AllocationProblem([[0.0, 0.3], [0.0, 0.1]], {"bits": [[8, 4], [8, 4]]}, {"bits": 12})
    >>> pin_costs(p, 1).round(6).tolist()  # 8 bits here leave 4 for the layer before
    [0.2, 0.0]
    """
    layers, options = problem.loss.shape
    if not 0 <= layer < layers:
        raise IndexError(f"layer {layer} of {layers} layers")
    others = _other_pins(problem, layer)
    losses = np.full(options, np.nan)
    for option in range(options):
        found = optimum(replace(problem, pins={**others, layer: option}))
        losses[option] = np.nan if found is None else found.loss
    return losses if np.isnan(losses).all() else losses - np.nanmin(losses)


def added_by_pins(problem: AllocationProblem) -> tuple[float | None, ...]:
    """For each layer, what the pin that it or its group has adds to the least loss within budgets.

    None where it has none, or where no allocation meets the budgets with the pins. The pinned
    optimum is an allocation of the free problem too, so the cost is counted from the better of the
    two. Raises SolverTimeout as ``optimum`` does. Example: None and 0.2 for the problem of
    ``pin_costs`` with layer 1 pinned to 8 bits.
    """
    pinned = optimum(problem) if problem.pins else None

    def added(layer: int) -> float | None:
        if pinned is None or not is_pinned(problem, layer):
            return None
        free = optimum(replace(problem, pins=_other_pins(problem, layer)))
        return None if free is None else pinned.loss - min(pinned.loss, free.loss)

    return tuple(added(layer) for layer in range(len(problem.loss)))


def is_pinned(problem: AllocationProblem, layer: int) -> bool:
    """Whether the layer, or another of its group, has a pin."""
    return len(_other_pins(problem, layer)) < len(problem.pins or {})


def _other_pins(problem: AllocationProblem, layer: int) -> dict[int, int]:
    """The pins but those of ``layer`` and of its group."""
    group = next((group for group in problem.groups if layer in group), (layer,))
    return {i: option for i, option in (problem.pins or {}).items() if i not in group}
