"""Times of several things that are run in turns."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

_WARM_UP = 2
_MOST_ROUNDS, _FEWEST_ROUNDS = 1000, 3
_CHECK_SECONDS = 0.5

Key = TypeVar("Key")


@dataclass(frozen=True)
class Effort:
    """Rounds are run until there are ``rounds`` that took ``least_s`` each thing, but no longer
    than ``most_s`` each (three rounds are run in any case)."""

    rounds: int
    least_s: float
    most_s: float


@dataclass(frozen=True)
class Times:
    """Median and quartiles of ``repeats`` runs."""

    median_ms: float
    low_ms: float
    high_ms: float
    repeats: int


def time_in_turns(
    runs: Mapping[Key, Callable[[], object]],
    effort: Effort,
    check: Callable[[], None] = lambda: None,
) -> dict[Key, Times]:
    """Run each once a round after a warm-up, so that a machine that becomes slower does so to all.

    ``check`` is called about twice a second, between two runs; what it raises ends this.
    """
    for run in (*runs.values(),) * _WARM_UP:
        run()
    check()
    taken: dict[Key, list[float]] = {key: [] for key in runs}
    begun = checked = time.perf_counter()
    for number in range(1, _MOST_ROUNDS + 1):
        for key, run in runs.items():
            start = time.perf_counter()
            run()
            end = time.perf_counter()
            taken[key].append((end - start) * 1e3)
            if end - checked > _CHECK_SECONDS:
                check()
                checked = time.perf_counter()
        each = (time.perf_counter() - begun) / max(1, len(runs))
        if number >= _FEWEST_ROUNDS and (
            each >= effort.most_s or (number >= effort.rounds and each >= effort.least_s)
        ):
            break
    return {key: _times(values) for key, values in taken.items()}


def _times(values: list[float]) -> Times:
    low, median, high = (float(v) for v in np.percentile(values, (25, 50, 75)))
    return Times(median, low, high, len(values))
