"""Allocations as points of the dial: the path it runs through, and what it is seen against."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import streamlit as st

from qcore.allocate import (
    InfeasibleBudget,
    SolverTimeout,
    evaluate,
    random_allocations,
    uniform_allocations,
)
from qcore.allocate.budget import TableProblem, with_budgets
from qcore.allocate.greedy import greedy_accuracy, greedy_compression
from qcore.allocate.interval import predicted_intervals
from qcore.allocate.live_path import live_path
from qcore.allocate.problem import Allocation
from qcore.quantize.limits import mean_bits
from ui.allocation.dialled import Dialled, FromSearch, Kept
from ui.allocation.from_search import KernelBits, kept_kernels
from ui.allocation.workbench import Answer, Bench, budgets_of
from ui.components.live_dial import DialMark, DialPoint

_PATH_POINTS = 200
_PATH_RESAMPLES = 200  # of many configurations at once
_ANSWER_RESAMPLES = 1000
_RANDOM_POINTS = 150
_GREEDY_BUDGETS = 12
_UNPINNED_POINTS = 60
_LETTERS = "ABCD"


def letter(number: int) -> str:
    """What kept configuration ``number`` is called."""
    return _LETTERS[number]


def path_points(found: Bench, dialled: Dialled) -> tuple[DialPoint, ...]:
    """What the dial runs through, by rising cost of its unit, within the second budget; nothing
    where a solver runs out of time."""
    asked = replace(dialled.question, value=None, method="ilp")
    return _path(f"{found.key}|{asked!r}", found, asked)


def marks(found: Bench, dialled: Dialled) -> tuple[DialMark, ...]:
    """Uniform, greedy and random configurations, those put aside, and, with pins, the best without
    them."""
    asked = replace(dialled.question, value=None, second=None, method="ilp")
    fixed = _marks(f"{found.key}|{asked!r}", found, asked)
    return (*fixed, DialMark("kept", "diamonds", kept_points(found, dialled.kept)))


def kept_points(found: Bench, kept: Sequence[Kept]) -> tuple[DialPoint, ...]:
    """Those put aside, as this problem prices them; without what it has no price for."""
    points, kernels = [], kept_kernels(kept, found)
    for number, one in enumerate(kept):
        if number in kernels:
            points += _of_kernels(kernels[number], letter(number))
        choice = None if isinstance(one, FromSearch) else found.problem.choice_of(one)
        if choice is not None:
            allocation = evaluate(found.problem.problem, choice)
            points += _points(found, [allocation], "kept", letter(number))
    return tuple(points)


def _of_kernels(known: KernelBits, label: str) -> list[DialPoint]:
    """Nothing where the predicted loss is not known."""
    if "loss" not in known.costs:
        return []
    bits = tuple(mean_bits(one) for one in known.bits.values())
    return [DialPoint("kept", label, known.costs, known.costs["loss"], None, None, bits)]


def answer_point(answer: Answer) -> DialPoint:
    """The confirmed optimum."""
    return _answer_point(answer.key, answer)


@st.cache_resource(max_entries=512, show_spinner=False)
def _answer_point(key: str, _answer: Answer) -> DialPoint:
    kind = "ilp" if _answer.dialled.method == "ilp" else "interaction"
    return _points(_answer.bench, [_answer.found], kind, resamples=_ANSWER_RESAMPLES)[0]


@st.cache_resource(max_entries=64, show_spinner=False)
def _path(key: str, _found: Bench, _asked: Dialled) -> tuple[DialPoint, ...]:
    problem = with_budgets(_found.problem, budgets_of(_asked, _found.problem.names))
    try:
        path = live_path(problem.problem, _asked.budget, _PATH_POINTS)
    except InfeasibleBudget as error:
        path = (error.allocation,)
    except SolverTimeout:
        return ()
    return tuple(_points(_found, path, "frontier", resamples=_PATH_RESAMPLES))


@st.cache_resource(max_entries=64, show_spinner=False)
def _marks(key: str, _found: Bench, _asked: Dialled) -> tuple[DialMark, ...]:
    problem, name = _found.problem, _asked.budget
    uniform = uniform_allocations(problem.problem)
    labels = [f"{option.bits} bit" for option in problem.options]
    found = [
        DialMark("random", "cloud", tuple(_points(_found, _random(problem), "random"))),
        DialMark(
            "uniform",
            "line",
            tuple(
                replace(point, label=label)
                for point, label in zip(_points(_found, uniform, "uniform"), labels, strict=True)
            ),
        ),
    ]
    for title, greedy in (
        ("greedy accuracy", greedy_accuracy),
        ("greedy compression", greedy_compression),
    ):
        picked = []
        for limit in np.linspace(*problem.limits(name), _GREEDY_BUDGETS)[1:-1]:
            try:
                picked.append(greedy(with_budgets(problem, {name: float(limit)}).problem))
            except InfeasibleBudget:
                continue
        found.append(DialMark(title, "crosses", tuple(_points(_found, picked, title))))
    if _asked.pins:
        found.append(DialMark("without pins", "line", _unpinned(_found, name)))
    return tuple(found)


def _unpinned(found: Bench, name: str) -> tuple[DialPoint, ...]:
    try:
        path = live_path(found.free.problem, name, _UNPINNED_POINTS)
    except SolverTimeout:
        return ()
    return tuple(_points(replace(found, problem=found.free), path, "frontier"))


def _random(problem: TableProblem) -> tuple[Allocation, ...]:
    return random_allocations(problem.problem, _RANDOM_POINTS, seed=0)


def _points(
    found: Bench,
    allocations: Sequence[Allocation],
    kind: str,
    label: str = "",
    *,
    resamples: int = 0,
) -> list[DialPoint]:
    """``resamples``: how carefully the predicted loss's interval is found; 0: not at all."""
    problem, ends = found.problem, None
    if resamples and allocations:
        ends = predicted_intervals(found.table, [a.choice for a in allocations], resamples)
    points = []
    for number, allocation in enumerate(allocations):
        widths = [problem.options[option] for option in allocation.choice]
        inputs = tuple(w.activation_bits for w in widths if w.activation_bits is not None)
        low, high = (None, None) if ends is None else (float(e) for e in ends[number])
        points.append(
            DialPoint(
                kind,
                label,
                problem.costs(allocation),
                allocation.costs["loss"],
                low,
                high,
                tuple(float(width.bits) for width in widths),
                inputs if len(inputs) == len(widths) else None,
            )
        )
    return points
