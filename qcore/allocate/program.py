"""The integer program of an allocation, scaled to what the solver can tell apart."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pulp

from qcore.allocate.from_least import from_least
from qcore.allocate.problem import FloatArray, MergedProblem

BoolArray = npt.NDArray[np.bool_]

# HiGHS works to absolute tolerances. With the largest coefficient of every row near 1e4 and those
# that it is given it tells apart values that differ by 1e-13 of that coefficient.
_LARGEST_EXPONENT = 13
_ROUNDING = 1e-12


def usable_options(
    merged: MergedProblem, useful: BoolArray, objective: FloatArray, budgets: Mapping[str, float]
) -> BoolArray | None:
    """Those of ``useful`` that an optimum may need, ``None`` if a budget leaves a unit none.

    Dropping the hopeless ones makes the model smaller, and lets it be scaled to what remains.
    """
    usable = useful.copy()
    for name, budget in budgets.items():
        extra, room = from_least(merged.costs[name], merged.allowed, budget)
        usable &= extra <= room + _ROUNDING * np.abs(extra)
    if not usable.any(axis=1).all():
        return None
    tables = np.stack([objective, *(merged.costs[name] for name in budgets)])
    options = np.arange(usable.shape[1])
    for other in options:
        # An option is needless beside one that is nowhere worse; of equals the first stays.
        theirs = tables[:, :, other, None]
        beaten = (theirs <= tables).all(axis=0)
        beaten &= (theirs < tables).any(axis=0) | (other < options)
        usable &= ~(usable[:, other, None] & beaten)
    return usable


def _exponent(values: FloatArray) -> int:
    """The power of two that brings the largest value near 1e4; powers of two round nothing."""
    largest = float(values.max())
    return min(_LARGEST_EXPONENT - math.frexp(largest)[1], 900) if largest > 0 else 0


def unscaled(
    bound: float, objective: FloatArray, usable: BoolArray, reached: float
) -> float | None:
    """The bound in the objective's own unit, never above the sum that was ``reached``."""
    if not math.isfinite(bound):
        return None
    extra, minus_least = from_least(objective, usable)
    proven = math.ldexp(bound, -_exponent(extra[usable])) - minus_least
    # A difference below the solver's resolution is not a gap.
    noise = _ROUNDING * float(np.abs(objective[usable]).max())
    return reached if reached - proven <= noise else proven


def build(
    objective: FloatArray,
    costs: Mapping[str, FloatArray],
    budgets: Mapping[str, float],
    usable: BoolArray,
) -> tuple[Any, dict[tuple[int, int], Any]]:
    """The integer program, and its binaries by (unit, option).

    Units with one usable option have none: they add nothing to what is counted from the least.
    """
    model: Any = pulp.LpProblem("allocation", pulp.LpMinimize)
    undecided = usable & (usable.sum(axis=1) > 1)[:, None]
    places = [(unit, option) for unit, option in np.argwhere(undecided).tolist()]
    binaries = {(u, o): model.add_variable(f"x_{u}_{o}", cat="Binary") for u, o in places}

    def weighed(extra: FloatArray) -> Any:
        scaled = np.ldexp(extra[undecided], _exponent(extra[usable])).tolist()
        return pulp.lpSum(c * x for c, x in zip(scaled, binaries.values(), strict=True))

    model += weighed(from_least(objective, usable)[0])
    for _, its_places in itertools.groupby(places, key=lambda place: place[0]):
        model += pulp.lpSum(binaries[place] for place in its_places) == 1
    for name, budget in budgets.items():
        extra, room = from_least(costs[name], usable, budget)
        model += weighed(extra) <= math.ldexp(room, _exponent(extra[usable]))
    return model, binaries
