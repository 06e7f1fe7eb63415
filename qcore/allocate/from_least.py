"""Tables counted from the least that a unit can take."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from qcore.allocate.problem import FloatArray, budget_limit


def from_least(
    table: FloatArray, allowed: npt.NDArray[np.bool_], budget: float = 0.0
) -> tuple[FloatArray, float]:
    """``table`` (units, options) counted from each unit's least allowed value, and ``budget`` from
    their sum.

    Large common parts would otherwise use up the digits that tell the options apart. Two units
    that cost 8 or 4 and 6 or 3 under a budget of 10: 4 or 0 and 3 or 0, and 3 are left.
    """
    least = np.where(allowed, table, np.inf).min(axis=1)
    return table - least[:, None], math.fsum([budget_limit(budget), *(-least)])
