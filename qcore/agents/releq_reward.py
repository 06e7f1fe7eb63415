"""What ReLeQ is rewarded by: bits saved, discounted by accuracy lost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from qcore.agents.task import SearchTask
from qcore.allocate.baselines import uniform_allocations
from qcore.allocate.problem import Allocation, budget_limit, meets_budgets


def state_quantization(
    n_weights: npt.ArrayLike,
    n_macs: npt.ArrayLike,
    bits: npt.ArrayLike,
    max_bits: int,
    ratio: float = 120.0,
) -> float:
    """How much of a network's cost at ``max_bits`` its bits leave, 0 to 1. All are (layers,).

    State_Quantization of ReLeQ (Elthakeb et al., arXiv 1811.01704): each layer's weight bits,
    weighted with its weights times ``ratio`` plus its multiply-accumulates for one image.
    ``ratio`` is the energy of a memory access to that of a multiply-accumulate. Example: layers of
    10 and 20 weights and 400 and 800 products at 4 and 8 of 8 bits:
    (1600 * 4 + 3200 * 8) / (4800 * 8) = 0.833.
    """
    cost = np.asarray(n_weights, float) * ratio + np.asarray(n_macs, float)
    return float(cost @ np.asarray(bits, float) / (cost.sum() * max_bits))


def shaped_reward(sq: float, sa: float, a: float, b: float, th: float) -> float:
    """The reward of State_Quantization ``sq`` at State_Accuracy ``sa``, -1 to about 1.

    ``1 - sq**a``, times ``max(sa, th) ** (b / max(sa, th))``; -1 where ``sa`` is below ``th``
    (arXiv 1811.01704, reward shaping). Example: 0.5, 0.98 with a 0.2, b 0.4, th 0.4: 0.128386.
    """
    if sa < th:
        return -1.0
    kept = max(sa, th)
    # Nothing is left of an accuracy of 0, where ``th`` lets it pass: the limit of the power.
    discount = kept ** (b / kept) if kept > 0 else 0.0
    return float((1.0 - sq**a) * discount)


def quantization_of(task: SearchTask, choice: Sequence[int], ratio: float) -> float:
    """``state_quantization`` of an option for each layer, pinned ones among them."""
    weights = [layer.weight_count for layer in task.layers]
    macs = [layer.macs for layer in task.layers]
    bits = [task.options[o].bits for o in choice]
    return state_quantization(weights, macs, bits, max(task.axes.weight_bits), ratio)


def quantization_within(task: SearchTask, ratio: float) -> float | None:
    """State_Quantization of a uniform network that just meets every budget; None without budgets.

    ReLeQ has no budgets. Within one, bits saved below it are worth nothing, and paying for them
    would lose accuracy: the reward takes this where a configuration saves more. Between the
    widest width within the budgets and the next it is interpolated linearly, to where the first
    budget is reached. Inputs have the widest bits with which some width is within the budgets;
    where none is, all have the narrowest. Example: 4.5 bits on average where 4 and 5 are widths:
    9/16 of 8 bits.
    """
    budgets, axes = task.problem.budgets, task.axes
    if not budgets:
        return None
    every = uniform_allocations(task.problem)
    for options in axes.option.T[::-1]:
        uniform = [every[option] for option in options]
        held = [quantization_of(task, one.choice, ratio) for one in uniform]
        within = [w for w, one in enumerate(uniform) if meets_budgets(task.problem, one)]
        if within and within[-1] == len(uniform) - 1:
            return held[-1]
        if within:
            last = within[-1]
            part = _part(uniform[last], uniform[last + 1], budgets)
            return held[last] + part * (held[last + 1] - held[last])
    return quantization_of(task, every[axes.option[0, 0]].choice, ratio)


def _part(within: Allocation, above: Allocation, budgets: Mapping[str, float]) -> float:
    """How far from one to the other the first budget is reached."""
    return min(
        (value - within.costs[name]) / (above.costs[name] - within.costs[name])
        for name, value in budgets.items()
        if above.costs[name] > budget_limit(value)
    )
