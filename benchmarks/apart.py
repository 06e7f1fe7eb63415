"""Benchmarks in a process of their own: its peak memory is theirs alone."""

from __future__ import annotations

import multiprocessing
import resource
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from typing import TypeVar

from qcore.memory import keep_freed_memory, wait_without_spinning

Result = TypeVar("Result")


def apart(work: Callable[..., Result], *arguments: object) -> tuple[Result, float]:
    """What the function returns, and the largest memory its process had, in GB."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, context, initializer=_begin) as pool:
        return pool.submit(_with_peak, work, arguments).result()


def _begin() -> None:
    wait_without_spinning()
    keep_freed_memory()


def _with_peak(work: Callable[..., Result], arguments: tuple[object, ...]) -> tuple[Result, float]:
    result = work(*arguments)
    return result, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
