"""The sums of loss and costs that a few units can reach together, by dynamic programming."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from qcore.allocate.problem import FloatArray, IndexArray

_CELLS = 100


@dataclass(frozen=True, eq=False)
class Sums:
    """Shape (sums,) ``loss``, (costs, sums) ``costs``, (sums, units) ``choice``.

    ``complete`` says that none was left out but those that another beats or the bounds rule out.
    """

    loss: FloatArray
    costs: FloatArray
    choice: IndexArray
    complete: bool


@dataclass(frozen=True, eq=False)
class Limits:
    """What sums are kept: costs within ``room`` (costs,), loss below ``below``, ``most`` at a time.

    At each of ``prices`` (prices, costs) the units still to come need at least what they take alone
    there: a sum that with it does not get below ``below`` is dropped.
    """

    room: FloatArray
    most: int
    below: float = np.inf
    prices: FloatArray | None = None
    excess: Callable[[int, FloatArray, FloatArray], FloatArray] | None = None


def reachable(loss: FloatArray, costs: FloatArray, limits: Limits) -> Sums:
    """All sums of one option per unit that may be part of a best one (Nemhauser and Ullmann 1969,
    "Discrete Dynamic Programming and Capital Allocation").

    ``loss`` is (units, options), infinite for options not to be used, ``costs`` (costs, units,
    options). A sum that another one beats in loss and every cost is dropped where there is one
    cost; where more than ``limits.most`` remain, each cell of a grid over the costs keeps the sum
    of least loss. Two units of losses 1 and 0 at costs 0 and 1, room 1: losses 2 and 1.
    """
    usable = np.isfinite(loss)
    coming = _coming(np.where(usable, costs, np.inf))
    prices = np.empty((0, len(costs))) if limits.prices is None else limits.prices
    needed = _coming(loss + np.tensordot(prices, costs, 1))
    at_loss, at_costs = np.zeros(1), np.zeros((len(costs), 1))
    history: list[tuple[IndexArray, IndexArray]] = []
    complete = True
    for unit in range(len(loss)):
        options = np.flatnonzero(usable[unit])
        new_loss = (loss[unit, options][:, None] + at_loss).ravel()
        new_costs = (costs[:, unit, options][:, :, None] + at_costs[:, None]).reshape(
            len(costs), -1
        )
        alive = (new_costs <= (limits.room - coming[:, unit + 1])[:, None]).all(0)
        for price, rest in zip(prices, needed[:, unit + 1], strict=True):
            alive &= new_loss + price @ new_costs < limits.below + price @ limits.room - rest
        kept = np.flatnonzero(alive)
        kept = kept[_unbeaten(new_loss[kept], new_costs[:, kept])]
        if len(kept) > limits.most:
            value = new_loss[kept]
            if limits.excess is not None:
                value = limits.excess(unit, value, new_costs[:, kept])
            kept = kept[_spread(value, new_costs[:, kept], limits.most)]
            complete = False
        history.append((kept % len(at_loss), options[kept // len(at_loss)]))
        at_loss, at_costs = new_loss[kept], new_costs[:, kept]
        if not len(kept):
            return Sums(at_loss, at_costs, np.empty((0, len(loss)), dtype=np.intp), complete)
    return Sums(at_loss, at_costs, _traced(history, len(at_loss)), complete)


def _coming(tables: FloatArray) -> FloatArray:
    """The least sums of the units from each on, shape (tables, units + 1)."""
    least = tables.min(2, initial=np.inf)[:, ::-1].cumsum(1)[:, ::-1]
    return np.concatenate((least, np.zeros((len(tables), 1))), axis=1)


def _unbeaten(loss: FloatArray, costs: FloatArray) -> IndexArray:
    """Of one cost, in its order, those of less loss than all cheaper ones; of more costs, all."""
    if len(costs) != 1:
        return np.arange(len(loss))
    order = np.argsort(costs[0], kind="stable")
    falling = loss[order]
    before = np.minimum.accumulate(np.concatenate(([np.inf], falling[:-1])))[: len(loss)]
    found: IndexArray = order[falling < before]
    return found


def _spread(value: FloatArray, costs: FloatArray, most: int) -> IndexArray:
    """Those of least value in each cell of a grid over the costs, about ``most`` in all."""
    sides = max(int(_CELLS ** (1 / max(len(costs), 1))), 1)
    cell = np.zeros(len(value), dtype=np.intp)
    for cost in costs:
        low, high = cost.min(), cost.max()
        part = (cost - low) / ((high - low) or 1.0) * sides
        cell = cell * sides + np.minimum(part.astype(np.intp), sides - 1)
    order = np.lexsort((value, cell))
    first = np.concatenate(([True], np.diff(cell[order]) > 0))
    place = np.arange(len(order))
    rank = place - np.maximum.accumulate(np.where(first, place, 0))
    found: IndexArray = order[rank < max(most // first.sum(), 1)]
    return found


def _traced(history: list[tuple[IndexArray, IndexArray]], count: int) -> npt.NDArray[np.intp]:
    """Each sum's option of every unit, from the last unit back."""
    choice = np.empty((count, len(history)), dtype=np.intp)
    place = np.arange(count)
    for unit in range(len(history) - 1, -1, -1):
        before, option = history[unit]
        choice[:, unit] = option[place]
        place = before[place]
    return choice
