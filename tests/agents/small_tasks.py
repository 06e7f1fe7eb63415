"""Small search tasks, and their answers by trying every choice."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from hypothesis import strategies as st

from qcore.agents.episode import Episode
from qcore.agents.task import SearchTask
from qcore.allocate.problem import AllocationProblem, IndexArray, budget_limit
from qcore.graph.layer import Layer
from qcore.sensitivity.config import Width


def conv(
    name: str = "conv",
    *,
    c_in: int = 32,
    c_out: int = 64,
    kernel: int = 3,
    stride: int = 1,
    size: int = 14,
    groups: int = 1,
    std: float | None = 0.1,
) -> Layer:
    """A convolution with padding that keeps the size at stride 1."""
    shape, after = (c_out, c_in // groups, kernel, kernel), size // stride
    macs = math.prod(shape) * after**2
    sides = (1, c_in, size, size), (1, c_out, after, after)
    return Layer(name, "conv2d", name, None, (name,), shape, groups, c_out, macs, *sides, std)


def small_task(
    seed: int = 0,
    layers: int = 5,
    widths: Sequence[int] = (2, 4, 8),
    budget: float | None = 0.5,
    **changes: object,
) -> SearchTask:
    """Losses that fall fourfold a bit from very different beginnings; ``budget`` is a part of the
    size, in bits, between that of the narrowest and the widest network."""
    random = np.random.default_rng(seed)
    made = tuple(conv(f"l{i}", c_in=int(random.integers(2, 40))) for i in range(layers))
    size = np.array([[layer.weight_count * bits for bits in widths] for layer in made], float)
    start = random.uniform(-3, 3, (layers, 1))
    loss = np.exp(start - 1.4 * np.array(widths)) * 30
    low, high = size[:, 0].sum(), size[:, -1].sum()
    budgets = {} if budget is None else {"size": low + budget * (high - low)}
    problem = AllocationProblem(loss, {"size": size, "loss": loss}, budgets, **changes)
    return SearchTask(problem, tuple(Width(bits) for bits in widths), made, np.arange(layers))


def bits_task(options: tuple[Width, ...], layers: int = 2, **changes: object) -> SearchTask:
    """Equal layers; "bits" is the mean of weight bits, "work" of products with bits of inputs."""
    bits = np.tile([o.bits / layers for o in options], (layers, 1))
    work = np.tile([o.bits * (o.activation_bits or 1) / layers for o in options], (layers, 1))
    costs = {"bits": bits, "work": work}
    problem = AllocationProblem(1 / bits, costs, {}, **changes)
    return SearchTask(problem, options, (conv(),) * layers, np.arange(layers))


def pair_task(budget: float = 5.0) -> SearchTask:
    """A depthwise convolution between two others, weights and inputs of 2, 3, 4 and 8 bits each."""
    layers = (
        conv("first", c_in=3, c_out=8, size=32, stride=2),
        conv("second", c_in=8, c_out=8, groups=8, size=16),
        conv("third", c_in=8, c_out=16, kernel=1, size=16),
    )
    widths = (2, 3, 4, 8)
    options = tuple(Width(w, a) for w in widths for a in widths)
    scale = np.array([[4.0, 1.0], [0.2, 2.0], [1.0, 0.5]])
    errors = np.array([[2.0**-o.bits, 2.0 ** -(o.activation_bits or 0)] for o in options])
    bits = np.array([[(o.bits + (o.activation_bits or 0)) / 2 for o in options]] * 3) / 3
    problem = AllocationProblem(scale @ errors.T, {"bits": bits}, {"bits": budget})
    return SearchTask(problem, options, layers, np.arange(3))


def within(task: SearchTask, choice: Sequence[int]) -> bool:
    """Whether an option for each row meets every budget."""
    costs, budgets = task.problem.costs, task.problem.budgets
    return all(
        math.fsum(costs[name][i, o] for i, o in enumerate(choice)) <= budget_limit(value)
        for name, value in budgets.items()
    )


def every_choice(task: SearchTask) -> list[tuple[int, ...]]:
    """All options of the rows that respect pins and groups, whatever the budgets."""
    each = [np.flatnonzero(row).tolist() for row in task.merged.allowed]
    return [task.merged.expand(units) for units in itertools.product(*each)]


def least_loss(task: SearchTask) -> float:
    """Of all that is within the budgets."""
    return min(
        math.fsum(task.losses[i, o] for i, o in enumerate(choice))
        for choice in every_choice(task)
        if within(task, choice)
    )


def told(episodes: Sequence[Episode]) -> list[Episode]:
    """Episodes without their times."""
    return [replace(episode, seconds=0.0) for episode in episodes]


@st.composite
def tasks_and_choices(
    draw: st.DrawFn, most_budgets: int = 2, loss_budget: bool = False
) -> tuple[SearchTask, IndexArray]:
    """Up to 5 rows at widths of weights alone or pairs; costs that need not rise; and a choice."""
    rows = draw(st.integers(1, 5))
    inputs = draw(st.sampled_from([(None,), (4, 8)]))
    options = draw(st.permutations([Width(w, a) for w in (2, 4, 8) for a in inputs]))
    options = options[: draw(st.sampled_from([len(options), 2]))]

    def table(low: int, high: int) -> np.ndarray:
        count = rows * len(options)
        found = draw(st.lists(st.integers(low, high), min_size=count, max_size=count))
        return np.reshape(found, (rows, len(options))).astype(float)

    bits = np.array([o.bits * (o.activation_bits or 1) for o in options], dtype=float)
    weights = draw(st.lists(st.integers(1, 9), min_size=rows, max_size=rows))
    costs = {"size": np.outer(weights, bits), "time": table(0, 20), "loss": table(-2, 20)}
    names = draw(st.lists(st.sampled_from(["size", "time"]), max_size=most_budgets, unique=True))
    names = [*names, "loss"] if loss_budget else names
    budgets = {}
    for name in names:
        low, high = costs[name].min(1).sum(), costs[name].max(1).sum()
        budgets[name] = low + draw(st.sampled_from([-0.1, 0, 0.2, 0.5, 1])) * (high - low)
    owner = draw(st.lists(st.integers(0, 5), min_size=rows, max_size=rows))
    groups = tuple(g for n in range(2) if (g := tuple(i for i in range(rows) if owner[i] == n)))
    pins = draw(st.dictionaries(st.integers(0, rows - 1), st.just(len(options) - 1), max_size=1))
    least = costs["size" if loss_budget else "loss"]
    problem = AllocationProblem(least, costs, budgets, groups, pins)
    layers = tuple(conv(f"l{i}") for i in range(rows))
    task = SearchTask(problem, tuple(options), layers, np.arange(rows))
    units = len(task.free)
    picked = st.lists(st.integers(0, len(options) - 1), min_size=units, max_size=units)
    return task, np.array(draw(picked), dtype=np.intp)
