"""Small tasks of every kind that AutoQ takes."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from small_tasks import conv, small_task

from qcore.agents.task import SearchTask
from qcore.allocate.problem import AllocationProblem
from qcore.sensitivity.config import Width


def kernels(**changes: object) -> SearchTask:
    """Two layers of 3 and 5 kernels at 0, 2, 4 and 8 bits; the first layer needs more of them."""
    widths, counts = (0, 2, 4, 8), (3, 5)
    start = np.repeat([4.0, 0.5], counts) * np.linspace(0.8, 1.2, 8)
    loss = start[:, None] * np.exp(-0.7 * np.array(widths))
    size = np.tile(np.array(widths, dtype=float), (8, 1))
    problem = AllocationProblem(loss, {"size": size, "loss": loss}, {"size": 8 * 4.0}, **changes)
    layers = tuple(conv(f"l{i}", c_out=count) for i, count in enumerate(counts))
    return SearchTask(problem, tuple(Width(w) for w in widths), layers, np.repeat([0, 1], counts))


def pairs() -> SearchTask:
    """Three layers whose inputs are chosen too."""
    options = [Width(w, a) for w in (2, 4, 8) for a in (4, 8)]
    loss = np.array([[math.exp(-w.bits / 2 - (w.activation_bits or 0) / 3) for w in options]] * 3)
    size = np.array([[w.bits * 1.0 for w in options]] * 3)
    problem = AllocationProblem(loss, {"size": size, "loss": loss}, {"size": 15})
    layers = tuple(conv(f"l{i}", c_in=4 + i) for i in range(3))
    return SearchTask(problem, tuple(options), layers, np.arange(3))


def saving(task: SearchTask, loss: float) -> SearchTask:
    """The other way round: the least size within a loss."""
    problem = task.problem
    changed = replace(problem, loss=problem.costs["size"], budgets={"loss": loss})
    return replace(task, problem=changed)


TASKS: dict[str, Callable[[], SearchTask]] = {
    "layers": small_task,
    "inputs too": pairs,
    "kernels": kernels,
    "saves": lambda: saving(small_task(), 2.0),
}
