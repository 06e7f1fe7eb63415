"""Pieces of work on different cores: their order, errors, an early end, and torch's threads."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing

import pytest
import torch

from qcore.side_by_side import pieces_at_once, side_by_side

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def two_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def test_two_run_at_once_and_results_keep_their_order() -> None:
    both = threading.Barrier(2, timeout=20)  # breaks unless two pieces wait for it together

    def work(number: int) -> int:
        if number < 2:
            both.wait()
        return number * number

    assert list(side_by_side(work, range(7), CPU)) == [n * n for n in range(7)]
    assert torch.get_num_threads() == 2


def test_each_piece_has_half_of_the_threads() -> None:
    assert list(side_by_side(lambda _: torch.get_num_threads(), range(4), CPU)) == [1, 1, 1, 1]


def test_one_thread_runs_the_pieces_itself() -> None:
    torch.set_num_threads(1)
    assert pieces_at_once(CPU) == pieces_at_once(torch.device("cuda")) == 1
    here = threading.get_ident()
    assert list(side_by_side(lambda _: threading.get_ident(), range(3), CPU)) == [here] * 3


def test_an_error_ends_it() -> None:
    def work(number: int) -> int:
        if number == 2:
            raise ValueError("two")
        return number

    results = side_by_side(work, range(100), CPU)
    assert [next(results), next(results)] == [0, 1]
    with pytest.raises(ValueError, match="two"):
        next(results)
    assert torch.get_num_threads() == 2


def test_closing_it_starts_no_more() -> None:
    begun: list[int] = []
    with closing(side_by_side(begun.append, range(100), CPU)) as results:
        next(results)
    assert len(begun) <= 4
    assert torch.get_num_threads() == 2
