"""What a person is told where solvers find nothing."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping

from qcore.allocate.budget import round_up
from qcore.allocate.highs import SolverTimeout
from qcore.allocate.infeasible import InfeasibleBudget
from qcore.errors import BadInput


@contextlib.contextmanager
def refused(quantity: str, offsets: Mapping[str, float]) -> Iterator[None]:
    """BadInput for budgets that cannot be met, with the nearest that can, and for too little time.

    ``quantity`` is what the predicted loss is called, ``offsets`` what no layer decides of each
    cost.
    """
    try:
        yield
    except InfeasibleBudget as error:
        nearest = round_up(error.nearest + offsets[error.name])
        raise BadInput(
            f"the budgets cannot be met together; nearest feasible: {error.name}={nearest}, where "
            f"the predicted {quantity} is {error.allocation.costs['loss']:+.4e}"
        ) from error
    except SolverTimeout as error:
        raise BadInput(str(error)) from error
