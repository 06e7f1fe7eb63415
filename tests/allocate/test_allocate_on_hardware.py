"""Which widths of a table are left on a machine."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hand_tables import hand_table, pair_table

from qcore.allocate.budget import table_problem
from qcore.allocate.on_hardware import runnable
from qcore.errors import BadInput
from qcore.hardware import HARDWARE, BitPair, Hardware


def machine(weights: tuple[int, ...], inputs: tuple[int, ...], *missing: BitPair) -> Hardware:
    """A machine of these widths, but for some pairs."""
    return replace(
        HARDWARE["bismo-cloud"],
        title="Gaps",
        weight_bits=weights,
        activation_bits=inputs,
        runs_as=lambda pair: None if pair in missing else pair,
    )


def test_a_table_that_runs_is_the_same_table() -> None:
    table = hand_table()
    assert runnable(table, HARDWARE["bismo-edge"], 8) is table


def test_widths_that_do_not_run_are_left_out() -> None:
    left = runnable(hand_table(), machine((2, 4, 8), (8,)), 8)
    assert left.config.bits == (2, 8)
    assert left.covered
    assert [(row.layer, row.bits) for row in left.rows] == [(n, b) for n in "abc" for b in (2, 8)]
    problem = table_problem(left, activation_bits=8, hardware=machine((2, 4, 8), (8,)))
    assert problem.bits == (2, 8)


def test_pruning_needs_no_machine_and_is_not_enough() -> None:
    table = hand_table()
    bits = {2: 0, 3: 3, 8: 8}
    pruned = replace(
        table,
        config=replace(table.config, bits=(0, 3, 8)),
        rows=tuple(replace(row, bits=bits[row.bits]) for row in table.rows),
    )
    assert runnable(pruned, machine((8,), (8,)), 8).config.bits == (0, 8)
    with pytest.raises(BadInput, match="runs no width of this sensitivity table"):
        runnable(pruned, machine((4,), (8,)), 8)


def test_pairs_stay_where_every_combination_runs() -> None:
    table = pair_table()
    left = runnable(table, machine((2, 4), (4, 8), BitPair(2, 8)))
    assert (left.config.bits, left.config.activation_bits) == ((2, 4), (4,))
    assert {row.width for row in left.rows} == set(left.config.widths)
    assert runnable(table, machine((4,), (4, 8))).config.bits == (4,)


def test_of_pairs_that_are_no_grid_the_largest_grid_stays() -> None:
    """2/8 and 4/4 alone run: neither both weights nor both inputs can stay."""
    left = runnable(pair_table(), machine((2, 4), (4, 8), BitPair(2, 4), BitPair(4, 8)))
    assert [(w.bits, w.activation_bits) for w in left.config.widths] == [(2, 8)]
    assert left.covered
    alone = runnable(pair_table(), machine((2, 4), (4, 8), BitPair(2, 4), BitPair(2, 8)))
    assert (alone.config.bits, alone.config.activation_bits) == ((4,), (4, 8))


def test_a_machine_of_integers_runs_no_layer_with_a_full_precision_input() -> None:
    with pytest.raises(BadInput, match=r"2/full, 3/full, 8/full bits of weights/input\); it has"):
        runnable(hand_table(), HARDWARE["bismo-cloud"])
