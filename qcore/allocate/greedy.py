"""The two greedy baselines of CalibTIP."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import numpy as np

from qcore.allocate.infeasible import InfeasibleBudget
from qcore.allocate.problem import (
    Allocation,
    AllocationProblem,
    FloatArray,
    IndexArray,
    MergedProblem,
    budget_limit,
    evaluate,
    merge_groups,
)


def greedy_accuracy(problem: AllocationProblem) -> Allocation:
    """From every layer at its dearest option, lower the most robust layers until the budgets hold.

    The baseline Greedy-accuracy that CalibTIP's integer program is compared with (Hubara et al.
    2020, "Improving Post Training Neural Quantization: Layer-wise Calibration and Integer
    Programming"). The paper has two bit widths, one budget and no groups. Here the most robust is
    the unit (a layer, or a group) whose loss grows least from its dearest to its cheapest option,
    of equals the first; it goes down option by option, to its cheapest if need be, before the next
    one moves. How dear an option is, is its share of the range of every budget's cost, added up; of
    equally dear ones only that of least loss is used.

    ``bound`` and ``gap`` are ``None``. Raises ``InfeasibleBudget`` where all at their cheapest
    exceed a budget; its ``nearest`` and ``allocation`` are then of that allocation.

    >>> p = AllocationProblem([[0.0, 0.3], [0.0, 0.1]], {"bits": [[8, 4], [8, 4]]}, {"bits": 12})
    >>> greedy_accuracy(p).choice
    (0, 1)
    """
    started = time.perf_counter()
    merged = merge_groups(problem)
    ladder = _Ladder.of(merged)
    rows = np.arange(len(ladder.option))
    added = merged.loss[rows, ladder.cheapest] - merged.loss[rows, ladder.option[:, 0]]
    moves = ladder.down(np.argsort(added, kind="stable"))
    holds = _holds(merged, ladder.option[:, 0], moves)
    if not holds.any():
        raise _exceeded(merged, ladder.cheapest)
    choice = moves.made(ladder.option[:, 0], int(holds.argmax()))
    found = evaluate(problem, merged.expand(choice))
    return replace(found, seconds=time.perf_counter() - started)


def greedy_compression(problem: AllocationProblem) -> Allocation:
    """From every layer at its cheapest option, raise the smallest layers while the budgets hold.

    The baseline Greedy-compression of the same paper. Here the smallest is the unit whose dearest
    option is cheapest, of equals the first; it goes up option by option, to its dearest, before the
    next one moves, and the first move that would break a budget ends it all. The rest is as in
    ``greedy_accuracy``.

    >>> p = AllocationProblem([[0.0, 0.3], [0.0, 0.1]], {"bits": [[8, 4], [6, 3]]}, {"bits": 11})
    >>> greedy_compression(p).choice
    (1, 0)
    """
    started = time.perf_counter()
    merged = merge_groups(problem)
    ladder = _Ladder.of(merged)
    moves = ladder.up(np.argsort(ladder.dearest, kind="stable"))
    holds = _holds(merged, ladder.cheapest, moves)
    if not holds[0]:
        raise _exceeded(merged, ladder.cheapest)
    choice = moves.made(ladder.cheapest, int(np.append(holds, False).argmin()) - 1)
    found = evaluate(problem, merged.expand(choice))
    return replace(found, seconds=time.perf_counter() - started)


@dataclass(frozen=True, eq=False)
class _Moves:
    """One after another ``unit`` goes from option ``before`` to ``option``, each (moves,)."""

    unit: IndexArray
    before: IndexArray
    option: IndexArray

    def made(self, start: IndexArray, count: int) -> IndexArray:
        """The choice after the first ``count`` of them."""
        choice = start.copy()
        choice[self.unit[:count]] = self.option[:count]  # of several of a unit numpy keeps the last
        return choice


@dataclass(frozen=True, eq=False)
class _Ladder:
    """``option`` (units, options) from the dearest down, of which the first ``steps`` (units,) are
    used; ``dearest`` (units,) is how dear the first is."""

    option: IndexArray
    steps: IndexArray
    dearest: FloatArray

    @staticmethod
    def of(merged: MergedProblem) -> _Ladder:
        dear = np.zeros(merged.loss.shape)
        for name in merged.source.budgets:
            cost = merged.costs[name]
            span = float((cost.max(axis=1) - cost.min(axis=1)).sum())
            dear += cost / (span or 1.0)
        dear = np.where(merged.allowed, dear, -np.inf)
        option = np.lexsort((merged.loss, -dear), axis=1)
        sorted_dear = np.take_along_axis(dear, option, axis=1)
        again = np.zeros(option.shape, dtype=np.bool_)
        again[:, 1:] = sorted_dear[:, 1:] == sorted_dear[:, :-1]
        unused = again | np.isinf(sorted_dear)
        first = np.argsort(unused, axis=1, kind="stable")
        ladder = np.take_along_axis(option, first, axis=1)
        return _Ladder(ladder, (~unused).sum(axis=1), sorted_dear[:, 0])

    @property
    def cheapest(self) -> IndexArray:
        found: IndexArray = self.option[np.arange(len(self.option)), self.steps - 1]
        return found

    def down(self, units: IndexArray) -> _Moves:
        """Those that take one unit after another down."""
        ladder, places = self.option[units], np.arange(1, self.option.shape[1])
        kept = places < self.steps[units, None]
        unit = np.repeat(units, kept.sum(axis=1))
        return _Moves(unit, ladder[:, :-1][kept], ladder[:, 1:][kept])

    def up(self, units: IndexArray) -> _Moves:
        """Those that take one unit after another up."""
        ladder, places = self.option[units], np.arange(self.option.shape[1] - 2, -1, -1)
        kept = places < self.steps[units, None] - 1
        unit = np.repeat(units, kept.sum(axis=1))
        return _Moves(unit, ladder[:, places + 1][kept], ladder[:, places][kept])


def _holds(merged: MergedProblem, start: IndexArray, moves: _Moves) -> np.ndarray:
    """Whether every budget holds after 0, 1, 2 ... of the moves."""
    holds = np.ones(len(moves.unit) + 1, dtype=np.bool_)
    for name, budget in merged.source.budgets.items():
        cost = merged.costs[name]
        spent = cost[np.arange(len(start)), start].sum()
        change = cost[moves.unit, moves.option] - cost[moves.unit, moves.before]
        holds &= np.concatenate(([spent], spent + change.cumsum())) <= budget_limit(budget)
    return holds


def _exceeded(merged: MergedProblem, cheapest: IndexArray) -> InfeasibleBudget:
    """The first budget that all units at their cheapest exceed."""
    found = evaluate(merged.source, merged.expand(cheapest))
    budgets = merged.source.budgets
    name = max(budgets, key=lambda name: found.costs[name] > budget_limit(budgets[name]))
    given = budgets[name]
    return InfeasibleBudget(
        name,
        given,
        found.costs[name],
        found,
        f"budget {name!r} = {given:.12g} cannot be met: with every layer at its cheapest option "
        f"{name!r} is {found.costs[name]:.12g}; allow that much, or loosen pins and groups",
    )
