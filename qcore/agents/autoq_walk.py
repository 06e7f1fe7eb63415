"""The order of AutoQ's decisions, what is seen before each, and what a number from 0 to 1 means."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qcore.agents.features import FEATURES, layer_features, normalised
from qcore.agents.task import SearchTask
from qcore.allocate.problem import FloatArray, IndexArray

INPUT, GOAL, KERNEL = 0, 1, 2
_SHAPE = ("c_in", "c_out", "kernel", "stride", "feature_size", "depthwise")
STATE = ("L", "K", *_SHAPE, "w/a", "g", "a")
"""The paper's state; the last two are the goal of the layer before and the action before."""


@dataclass(frozen=True, eq=False)
class AutoqWalk:
    """Decisions of an episode, in order, all of shape (steps,) but ``states`` (steps, 11).

    ``kind`` is INPUT, GOAL or KERNEL, ``layer`` the place among the layers walked, ``unit`` a
    kernel's unit and -1 elsewhere. ``states`` are from 0 to 1, the last two numbers still 0.
    """

    kind: IndexArray
    layer: IndexArray
    unit: IndexArray
    states: FloatArray

    @property
    def layers(self) -> int:
        return int(self.layer[-1]) + 1


def autoq_walk(task: SearchTask) -> AutoqWalk:
    """Of each layer with a free unit: its input where that is chosen, its goal, its kernels.

    A unit of several layers that agree is walked with its first one. Example: two layers of 1 and 2
    kernels, weights alone: GOAL, KERNEL, GOAL, KERNEL, KERNEL.
    """
    units = np.flatnonzero(task.free)
    heads = [INPUT, GOAL] if task.axes.chooses_inputs else [GOAL]
    rows: list[tuple[int, int, int]] = []
    numbers, owner = np.unique(task.layer_of_unit[units], return_inverse=True)
    for place in range(len(numbers)):
        rows += [(kind, place, -1) for kind in heads]
        rows += [(KERNEL, place, int(unit)) for unit in units[owner == place]]
    kind, layer, unit = np.array(rows, dtype=np.intp).T
    return AutoqWalk(kind, layer, unit, _states(task, kind, numbers[layer]))


def _states(task: SearchTask, kind: IndexArray, layer: IndexArray) -> FloatArray:
    shapes = dict(zip(FEATURES, normalised(layer_features(task.layers)).T, strict=True))
    places = np.arange(len(task.layers)) / max(1, len(task.layers) - 1)
    first = np.searchsorted(layer, layer)  # the first step of each step's layer
    heads = 2 if task.axes.chooses_inputs else 1
    kernel = np.maximum(0, np.arange(len(kind)) - first - heads)
    found = np.zeros((len(kind), len(STATE)))
    found[:, 0], found[:, 1] = places[layer], kernel / max(1, kernel.max())
    found[:, 2:8] = np.column_stack([shapes[name] for name in _SHAPE])[layer]
    found[:, 8] = kind != INPUT
    return found


def upper_edges(bits: tuple[int, ...]) -> FloatArray:
    """(widths,): the largest action of each width, for ``width_place``.

    The paper rounds action * action_max up, action_max = 8; here that is the widest width, and
    what was not measured becomes the next width that was. 0 is pruned: rounding up reaches it
    nowhere but at exactly 0, so it has the half bit around. Widths that are listed twice (two
    pairs with one width of weights) share theirs evenly. Example: 2, 3, 4, 8 bits: 0.25, 0.375,
    0.5, 1.
    """
    widest = max(bits[-1], 1)
    tops = sorted(set(bits))
    below = dict(zip(tops, [0.0, *(max(top, 0.5) for top in tops[:-1])], strict=True))
    edges = []
    for place, width in enumerate(bits):
        share = (place - bits.index(width) + 1) / bits.count(width)
        edges.append(below[width] + share * (max(width, 0.5) - below[width]))
    return np.array(edges) / widest


def width_place(edges: FloatArray, action: float) -> int:
    """The width of an action from 0 to 1: the first whose edge is not below it."""
    return min(int(np.searchsorted(edges, action - 1e-9)), len(edges) - 1)


def middles(edges: FloatArray) -> FloatArray:
    """(widths,): the action in the middle of each width's range."""
    found: FloatArray = (edges + np.concatenate([[0.0], edges[:-1]])) / 2
    return found


def goal_bits(goal: FloatArray, widest: int) -> FloatArray:
    """Mean bits of a goal from 0 to 1: 1 + g * (goal_max - 1). Example: 0.5 of 8 is 4.5 bits."""
    return 1 + goal * (widest - 1)


def goal_of(bits: FloatArray, widest: int) -> FloatArray:
    """The goal from 0 to 1 that asks for mean ``bits``; fewer than 1 bit cannot be asked for."""
    found: FloatArray = np.clip((bits - 1) / max(1, widest - 1), 0, 1)
    return found
