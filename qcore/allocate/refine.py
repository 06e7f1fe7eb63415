"""From an allocation near the budgets to a good one within them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from qcore.allocate.problem import FloatArray, IndexArray
from qcore.allocate.relaxation import Relaxed, Units
from qcore.allocate.sums import Limits, reachable

_ROUNDS = 200
_UNITS = 48  # units that may change together; more have too many sums
_SUMS = 1000
_TIMES = 3  # that they are chosen anew
_CLOSE = 1e-6  # of the loss: a gap not worth closing


def within(units: Units, relaxed: Relaxed) -> IndexArray | None:
    """The start's choice, changed until it is within the budgets; None where that gets stuck.

    The changes that add least loss + prices . cost for the part of the excess they take away come
    first, and many at once, until a budget is met or another one exceeded.
    """
    choice, rows = relaxed.choice.copy(), np.arange(len(relaxed.choice))
    if (units.sums(choice)[1] >= 0).all():
        return choice
    charged = units.charged(relaxed.prices)
    scale = np.maximum(units.room, 1e-9 * units.costs.max(2).sum(1) + 1e-300)
    for _ in range(_ROUNDS):
        _, left = units.sums(choice)
        over = np.maximum(-left, 0.0)
        if not over.any():
            return choice
        change = units.costs - units.costs[:, rows, choice][:, :, None]
        after = np.maximum(change - left[:, None, None], 0.0)
        gain = ((over[:, None, None] - after) / scale[:, None, None]).sum(0)
        added = np.maximum(charged - charged[rows, choice][:, None], 0.0)
        useful = (gain > 1e-15) & np.isfinite(added)
        rate = np.where(useful, added / np.where(useful, gain, 1.0), np.inf)
        option = rate.argmin(1)
        best = rate[rows, option]
        order = np.argsort(best, kind="stable")[: np.isfinite(best).sum()]
        if not len(order):
            return None
        then = left[:, None] - change[:, order, option[order]].cumsum(1)
        same = ((then < 0) == (left < 0)[:, None]).all(0)
        count = len(order) if same.all() else int(same.argmin()) + 1
        choice[order[:count]] = option[order[:count]]
    return None


def improved(units: Units, relaxed: Relaxed, choice: IndexArray) -> tuple[IndexArray, bool]:
    """A better choice within the budgets, where one is found, and whether none can be better.

    An option whose loss + prices . cost lies above its unit's least by more than the choice's loss
    lies above the bound is in no better choice (Dembo and Hammer 1980, "A Reduction Algorithm for
    Knapsack Problems"). What is left of the budgets is first spent on the changes that save most;
    then the units with the closest alternatives are chosen anew together.
    """
    above = above_least(units, relaxed.prices)
    choice = _spent(units, relaxed, above, choice)
    for _ in range(_TIMES):
        loss, _ = units.sums(choice)
        gap = loss - relaxed.bound
        useful = above < gap
        useful[np.arange(len(choice)), choice] = True
        open_units = np.flatnonzero(useful.sum(1) > 1)
        if len(open_units) > _UNITS:
            if gap <= _CLOSE * (loss + abs(units.least_loss)):
                break
            second = np.partition(above[open_units], 1, axis=1)[:, 1]
            open_units = open_units[np.argsort(second, kind="stable")[:_UNITS]]
        anew, complete = _chosen_anew(units, relaxed.prices, useful, open_units, choice)
        if complete and len(open_units) == np.count_nonzero(useful.sum(1) > 1):
            return anew, True
        if (anew == choice).all():
            break
        choice = anew
    return choice, False


def above_least(units: Units, prices: FloatArray) -> FloatArray:
    """How much loss + prices . cost of each option is above its unit's least."""
    charged = units.charged(prices)
    charged -= charged.min(1)[:, None]
    return charged


def _spent(units: Units, relaxed: Relaxed, above: FloatArray, choice: IndexArray) -> IndexArray:
    """What is left of the budgets spent on the changes that save most for their worth."""
    choice = choice.copy()
    for _ in range(_ROUNDS):
        loss, left = units.sums(choice)
        unit, option = np.nonzero(above < loss - relaxed.bound)
        saved = units.loss[unit, choice[unit]] - units.loss[unit, option]
        change = units.costs[:, unit, option] - units.costs[:, unit, choice[unit]]
        kept = (saved > 0) & (change <= left[:, None]).all(0)
        unit, option, saved, change = unit[kept], option[kept], saved[kept], change[:, kept]
        if not len(unit):
            break
        worth = np.maximum(relaxed.prices @ change, 0.0)
        order = np.lexsort((-saved, worth / saved))
        # One change per unit, the best; np.unique finds the first of each.
        order = order[np.sort(np.unique(unit[order], return_index=True)[1])]
        fits = (np.maximum(change[:, order], 0.0).cumsum(1) <= left[:, None]).all(0)
        taken = order[fits]
        choice[unit[taken]] = option[taken]
    return choice


def _chosen_anew(
    units: Units,
    prices: FloatArray,
    useful: npt.NDArray[np.bool_],
    open_units: IndexArray,
    choice: IndexArray,
) -> tuple[IndexArray, bool]:
    """The best choice of ``open_units`` among their useful options, and whether it surely is."""
    # The dearest units first: then the sums spread early, and the rest fills in between.
    dearest = np.where(useful[open_units], units.costs[:, open_units], 0.0).max(2)
    those = open_units[np.argsort(-(prices @ dearest), kind="stable")]
    now, mine = units.loss[those, choice[those]].sum(), units.costs[:, those, choice[those]].sum(1)
    _, left = units.sums(choice)
    both = np.array([prices, np.zeros(len(prices))])
    limits = Limits(left + mine, _SUMS, now, both, lambda _, loss, costs: loss + prices @ costs)
    loss = np.where(useful[those], units.loss[those], np.inf)
    sums = reachable(loss, units.costs[:, those], limits)
    anew = choice.copy()
    if len(sums.loss):
        anew[those] = sums.choice[sums.loss.argmin()]
    return anew, sums.complete
