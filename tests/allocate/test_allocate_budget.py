"""Budgets of a sensitivity table: costs by hand, refusals, and every choice tried."""

from __future__ import annotations

import itertools
import json
import re
from dataclasses import replace

import numpy as np
import pytest
from hand_tables import BITS, BYTES, LOSS, hand_table, pair_table
from hypothesis import given, settings
from hypothesis import strategies as st

from qcore.allocate.bits import BitAllocation
from qcore.allocate.budget import (
    TableProblem,
    check_budgets,
    table_problem,
    with_budgets,
)
from qcore.allocate.chosen import to_bit_allocation
from qcore.allocate.costs import BUDGETS
from qcore.allocate.ilp import solve_ilp
from qcore.allocate.problem import evaluate
from qcore.data.source import DataSource
from qcore.errors import BadInput
from qcore.hardware import HARDWARE, BitPair, hardware_costs
from qcore.sensitivity.config import Width

CHOICES = list(itertools.product(range(len(BITS)), repeat=3))


def hand_costs(choice: tuple[int, ...]) -> dict[str, float]:
    stored = sum(BITS[o] * n for o, n in zip(choice, (108, 20, 27), strict=True))
    size = 28 + sum(BYTES[name][o] for name, o in zip("abc", choice, strict=True))
    return {
        "size_bytes": size,
        "size_ratio": stored / (155 * 32),
        "average_bits": stored / 155,
        "bops": sum(10 * BITS[o] * 32 for o in choice),
        "loss": sum(LOSS[name][o] for name, o in zip("abc", choice, strict=True)),
    }


PLAIN = ("size_bytes", "size_ratio", "average_bits", "bops")
"""Budgets under which the loss is least, and which need no hardware."""


def test_costs_by_hand() -> None:
    problem = table_problem(hand_table())
    assert (
        set(problem.names) == set(hand_costs((0, 0, 0))) == {*BUDGETS} - {"latency_ms", "energy_mj"}
    )
    for choice in CHOICES:
        costs = problem.costs(evaluate(problem.problem, choice))
        assert costs == pytest.approx(hand_costs(choice), rel=1e-14)
    assert problem.choose((2, 1, 0)) == {"a": 8, "b": 3, "c": 2}
    assert problem.problem.loss.tolist() == [list(LOSS[name]) for name in "abc"]


def test_rows_in_another_order_make_the_same_problem() -> None:
    table = hand_table()
    shuffled = replace(table, rows=table.rows[::-1])
    one, two = table_problem(table).problem, table_problem(shuffled).problem
    assert np.array_equal(one.loss, two.loss)


@pytest.mark.parametrize(
    ("pins", "size", "average"),
    [
        ({}, (115, 231), (2, 8)),
        ({"a": 3}, (129, 164), (418 / 155, 700 / 155)),
        ({"a": 8, "b": 2, "c": 3}, (200, 200), (985 / 155, 985 / 155)),
    ],
    ids=["free", "one pinned", "all pinned"],
)
def test_limits(
    pins: dict[str, int], size: tuple[float, float], average: tuple[float, float]
) -> None:
    problem = table_problem(hand_table(), pins=pins)
    assert problem.limits("size_bytes") == size
    assert problem.limits("average_bits") == pytest.approx(average)
    assert problem.limits("size_ratio") == pytest.approx([value / 32 for value in average])


@pytest.mark.parametrize(
    ("budgets", "pins", "message"),
    [
        ({"bytes": 100}, {}, "no budget is called 'bytes'; there are: size_bytes"),
        ({}, {"z": 8}, "no layer is called 'z'"),
        ({}, {"b": 4}, "'b' cannot be pinned to 4 bits; measured are 2, 3, 8"),
    ],
    ids=["budget", "layer", "bits"],
)
def test_unknown_names(budgets: dict[str, float], pins: dict[str, int], message: str) -> None:
    with pytest.raises(BadInput, match=re.escape(message)):
        table_problem(hand_table(), budgets, pins)


def test_incomplete_table() -> None:
    table = hand_table()
    with pytest.raises(BadInput, match="8 of 9 cells"):
        table_problem(replace(table, rows=table.rows[1:]))


PINS: list[dict[str, int]] = [{}, {"a": 3}, {"a": 2, "c": 8}]


def named_value(message: str, name: str) -> float:
    """The value that the message tells its reader to give instead."""
    assert "\n" not in message
    return float(re.findall(rf"{name}=([-+.\de]+)", message)[-1])


@pytest.mark.parametrize("name", PLAIN)
@pytest.mark.parametrize("pins", PINS, ids=["free", "one pinned", "two pinned"])
@pytest.mark.parametrize("factor", [-1.0, 0.0, 0.99, 1.01, 100.0, float("inf"), float("nan")])
def test_budget_out_of_range_names_one_that_is_accepted(
    name: str, pins: dict[str, int], factor: float
) -> None:
    problem = table_problem(hand_table(), pins=pins)
    low, high = problem.limits(name)
    check_budgets(problem, {name: low})
    check_budgets(problem, {name: high})
    above = factor > 1
    with pytest.raises(BadInput, match="above the largest" if above else "below the smallest") as e:
        check_budgets(problem, {name: factor * (high if above else low)})
    nearest = named_value(str(e.value), name)
    assert nearest == pytest.approx(high if above else low, abs=1.01e-6)
    check_budgets(problem, {name: nearest})
    found = solve_ilp(with_budgets(problem, {name: nearest}).problem)
    best = min(a.loss for a in allowed(problem) if above or problem.cost(a, name) <= low + 1e-9)
    assert found.loss == pytest.approx(best)


def allowed(problem: TableProblem) -> list:
    """Every choice within the pins."""
    pins = problem.problem.pins or {}
    fitting = [c for c in CHOICES if all(c[layer] == o for layer, o in pins.items())]
    return [evaluate(problem.problem, c) for c in fitting]


losses = st.tuples(*[st.floats(-0.5, 2)] * 3)


@given(
    st.fixed_dictionaries(dict.fromkeys("abc", losses)),
    st.sampled_from(PLAIN),
    st.floats(0, 1),
    st.sampled_from(PINS),
)
@settings(max_examples=25)
def test_ilp_finds_the_best_of_all_choices_within_the_budget(
    loss: dict[str, tuple[float, ...]], name: str, part: float, pins: dict[str, int]
) -> None:
    problem = table_problem(hand_table(loss), {"average_bits": 2}, pins)  # 2 bits are replaced
    low, high = problem.limits(name)
    value = low + part * (high - low)
    found = solve_ilp(with_budgets(problem, {name: value}).problem)
    assert problem.cost(found, name) <= value * (1 + 1e-9)
    fitting = [a.loss for a in allowed(problem) if problem.cost(a, name) <= value * (1 - 1e-9)]
    assert found.loss <= min(fitting, default=np.inf) + 1e-9
    assert found.choice in {a.choice for a in allowed(problem)}


def test_the_choice_of_given_bits() -> None:
    problem = table_problem(hand_table(), activation_bits=6)
    asked = [Width(bits, 6) for bits in (8, 3, 2)]
    assert problem.choice_of(asked) == (2, 1, 0)
    assert problem.widths((2, 1, 0)) == dict(zip("abc", asked, strict=True))
    assert problem.inputs((2, 1, 0)) == dict.fromkeys("abc", 6)
    assert problem.choice_of([asked[0], Width(4, 6), asked[2]]) is None
    # The table is of weights alone: other bits of an input are no other option.
    assert problem.choice_of([asked[0], Width(3), Width(2, 4)]) == (2, 1, 0)


def test_the_choice_of_given_pairs_has_both_widths() -> None:
    problem = replace(table_problem(hand_table()), options=(Width(2, 8), Width(4, 4), Width(4, 8)))
    assert problem.choice_of([Width(4, 8), Width(2, 8), Width(4, 4)]) == (2, 0, 1)
    assert problem.choice_of([Width(4, 8), Width(2, 4), Width(4, 4)]) is None


def test_a_budget_of_loss_asks_for_the_smallest_network() -> None:
    problem = table_problem(hand_table())
    for limit in (0.05, 0.3, 0.5, 1.0):
        found = solve_ilp(with_budgets(problem, {"loss": limit}).problem)
        fitting = [c for c in CHOICES if hand_costs(c)["loss"] <= limit + 1e-12]
        least = min(hand_costs(c)["size_bytes"] for c in fitting)
        assert problem.cost(found, "size_bytes") == least
        assert found.costs["loss"] <= limit + 1e-12


def test_hardware_adds_its_costs() -> None:
    edge = HARDWARE["bismo-edge"]
    problem = table_problem(hand_table(), {"latency_ms": 1.0}, activation_bits=8, hardware=edge)
    pairs = [BitPair(width.bits, 8) for width in problem.options]
    times = hardware_costs(problem.network, edge, pairs).cost.latency_ms
    assert np.array_equal(problem.problem.costs["latency_ms"], times)
    with pytest.raises(BadInput, match="needs hardware"):
        table_problem(hand_table(), {"latency_ms": 1.0})
    with pytest.raises(BadInput, match="no layer inputs of full precision"):
        table_problem(hand_table(), hardware=edge)


def test_pairs_of_widths() -> None:
    problem = table_problem(pair_table(), {"bops": 10 * (2 * 4 + 2 * 8 + 4 * 8)})
    found = solve_ilp(problem.problem)
    pairs = [(w.bits, w.activation_bits) for w in problem.widths(found.choice).values()]
    options = list(itertools.product((2, 4), (4, 8)))
    best = min(
        sum(1 / (w + a) for w, a in three)
        for three in itertools.product(options, repeat=3)
        if sum(w * a for w, a in three) <= 56
    )
    assert found.loss == pytest.approx(best)
    assert sum(w * a for w, a in pairs) <= 56
    pinned = table_problem(pair_table(), pins={"b": Width(4, 8)})
    assert pinned.problem.pins == {1: 3}
    with pytest.raises(BadInput, match="pin both, as b=4a4"):
        table_problem(pair_table(), pins={"b": 4})
    with pytest.raises(BadInput, match="has its own bits of layer inputs"):
        table_problem(pair_table(), activation_bits=8)


def test_chosen_bits_survive_a_file() -> None:
    table = hand_table()
    problem = table_problem(table, {"size_bytes": 199})
    found = solve_ilp(problem.problem)
    data = json.loads(json.dumps(to_bit_allocation(problem, table, found, "ilp").to_json()))
    read = BitAllocation.from_json(data)
    assert read.bits == problem.choose(found.choice)
    assert (read.model, read.model_fingerprint) == ("by hand", "f" * 64)
    assert read.calibration == DataSource("images")
    read.check_fits(table.network)
    assert data["costs"] == pytest.approx(hand_costs(found.choice))
    assert data["predicted_loss"] == pytest.approx(hand_costs(found.choice)["loss"])
    assert (data["method"], data["objective"], data["samples"]) == ("ilp", "kl", 52)
