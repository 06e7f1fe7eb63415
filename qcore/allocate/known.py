"""What prices on the budgets tell before any integer program: a good allocation and a bound."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from qcore.allocate.problem import (
    Allocation,
    FloatArray,
    MergedProblem,
    budget_limit,
    evaluate,
)
from qcore.allocate.refine import above_least, improved, within
from qcore.allocate.relaxation import Units, relax

_ROUNDING = 1e-12  # of the largest loss: closer than this two losses are alike


@dataclass(frozen=True, eq=False)
class Known:
    """``bound`` holds for every allocation within the budgets; ``allocation`` is within them.

    ``allocation`` is ``None`` where none was found. ``proven`` says that none is better. Only the
    ``useful`` options, shape (units, options), can be part of a better one.
    """

    bound: float
    allocation: Allocation | None
    proven: bool
    useful: npt.NDArray[np.bool_]


def best_known(
    merged: MergedProblem, objective: FloatArray, budgets: Mapping[str, float]
) -> Known | None:
    """The least sum of ``objective`` (units, options) within ``budgets``, as far as prices tell.

    ``None`` where they prove that no allocation is within the budgets.
    """
    units = Units.of(merged, objective, budgets)
    relaxed = relax(units)
    if relaxed is None:
        return None
    bound, proven, found = relaxed.bound + units.least_loss, False, None
    useful = merged.allowed
    choice = within(units, relaxed)
    if choice is not None:
        choice, proven = improved(units, relaxed, choice)
        found = evaluate(merged.source, merged.expand(choice))
        if any(found.costs[name] > budget_limit(budgets[name]) for name in budgets):
            return Known(bound, None, False, useful)
        loss, _ = units.sums(choice)
        noise = _ROUNDING * float(units.loss[useful].max())
        useful = useful & (above_least(units, relaxed.prices) <= loss - relaxed.bound + noise)
    return Known(bound, found, proven, useful)


def proven_gap(loss: float, bound: float) -> float:
    """(loss - bound) / |loss|: 0.25 for a loss of 4 and a bound of 3."""
    return (loss - bound) / max(abs(loss), float(np.finfo(np.float64).tiny))
