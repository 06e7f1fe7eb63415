"""Small allocation problems, and their answers by trying every choice."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st

from qcore.allocate import AllocationProblem

# Five layers of a small network: weights, and the loss that 4 bits add to the loss at 8 bits.
WEIGHTS = (1000, 8000, 4000, 16000, 5000)
ADDED_LOSS = (0.02, 0.005, 0.03, 0.12, 0.001)
EIGHT_BITS, FOUR_BITS = 0, 1


def five_layers(ratio: float, **changes: Any) -> AllocationProblem:
    """Keep at most ``ratio`` of the 32-bit size, in bits."""
    size = [(8.0 * count, 4.0 * count) for count in WEIGHTS]
    loss = [(0.0, added) for added in ADDED_LOSS]
    budget = ratio * 32 * sum(WEIGHTS)
    return AllocationProblem(loss, {"size_bits": size}, {"size_bits": budget}, **changes)


@dataclass(frozen=True)
class Tried:
    choice: tuple[int, ...]
    loss: float
    costs: dict[str, float]

    def meets(self, budgets: dict[str, float]) -> bool:
        return all(self.costs[n] <= b + 1e-11 * abs(b) for n, b in budgets.items())


def every_choice(problem: AllocationProblem) -> list[Tried]:
    """All choices that respect groups and pins, whatever the budgets."""
    layers, options = problem.loss.shape
    tried = []
    for choice in itertools.product(range(options), repeat=layers):
        if any(choice[layer] != option for layer, option in problem.pins.items()):
            continue
        if any(len({choice[layer] for layer in group}) > 1 for group in problem.groups):
            continue
        tried.append(
            Tried(
                choice,
                math.fsum(problem.loss[i, o] for i, o in enumerate(choice)),
                {
                    n: math.fsum(c[i, o] for i, o in enumerate(choice))
                    for n, c in problem.costs.items()
                },
            )
        )
    return tried


def magnitude(problem: AllocationProblem) -> float:
    """What rounding errors of a sum of losses are relative to."""
    return float(np.abs(problem.loss).max(axis=1).sum())


@st.composite
def problems(draw: st.DrawFn, costs: int = 2, tight: bool = False) -> AllocationProblem:
    """Up to 5 layers of up to 4 options; losses and costs of very different sizes; many ties.

    Of ``tight`` problems most cannot be solved, for one of their budgets or for two together.
    """
    layers, options = draw(st.integers(1, 5)), draw(st.integers(1, 4))

    def table(low: int, high: int, scales: tuple[float, ...]) -> np.ndarray:
        count = layers * options
        numbers = draw(st.lists(st.integers(low, high), min_size=count, max_size=count))
        scale = draw(st.lists(st.sampled_from(scales), min_size=layers, max_size=layers))
        return np.reshape(numbers, (layers, options)) * np.reshape(scale, (layers, 1))

    loss = table(-3, 20, draw(st.sampled_from([(1.0,), (1e-7,), (0.1,), (1e-7, 1e-3, 5.0)])))
    names = ["size", "time", "energy"][: draw(st.integers(1, costs))]
    tables = {
        n: table(0, 20, draw(st.sampled_from([(1.0,), (0.1,), (3e-6,), (1.0, 5e7)]))) for n in names
    }
    budgets = {}
    for name, cost in tables.items():
        if not tight and draw(st.booleans()):  # exactly what some choice costs
            choice = draw(st.lists(st.integers(0, options - 1), min_size=layers, max_size=layers))
            budgets[name] = math.fsum(cost[i, o] for i, o in enumerate(choice))
        else:
            part = draw(st.sampled_from([-0.1, 0.03, 0.2] if tight else [-0.1, 0.2, 0.4, 0.6, 1.3]))
            budgets[name] = (1 - part) * cost.min(1).sum() + part * cost.max(1).sum()
    owner = draw(st.lists(st.integers(0, 5), min_size=layers, max_size=layers))
    groups = tuple(tuple(i for i in range(layers) if owner[i] == g) for g in range(3))
    groups = tuple(group for group in groups if group)
    pins = {}
    if draw(st.integers(0, 3)) == 0:
        pins = {draw(st.integers(0, layers - 1)): draw(st.integers(0, options - 1))}
    return AllocationProblem(loss, tables, budgets, groups, pins)
