"""Two pieces of work at once, each on half of the cores."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import torch

AT_ONCE = 2

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


def pieces_at_once(device: torch.device) -> int:
    """2 on a processor of several cores, otherwise 1."""
    return min(AT_ONCE, torch.get_num_threads()) if device.type == "cpu" else 1


def side_by_side(
    work: Callable[[_Item], _Result], items: Iterable[_Item], device: torch.device
) -> Generator[_Result, None, None]:
    """``work(item)`` of each item, in their order.

    Torch divides every single operator among its threads, which then wait for one another: small
    operators gain nothing from a second core. Whole pieces do. Items are taken, and results given,
    in the caller's thread. Close the iterator (``contextlib.closing``) to stop before the end.
    """
    count = pieces_at_once(device)
    if count == 1:
        yield from map(work, items)
        return
    threads = torch.get_num_threads()
    pool = ThreadPoolExecutor(count, "piece", torch.set_num_threads, (threads // count,))
    running: deque[Future[_Result]] = deque()
    try:
        for item in items:
            running.append(pool.submit(work, item))
            if len(running) > count:
                yield running.popleft().result()
        while running:
            yield running.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
        torch.set_num_threads(threads)
