"""Layers in order: against sorting by hand, and what the two short lists promise."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as some

from qcore.data.source import DataSource
from qcore.errors import BadInput
from qcore.graph.layer import Description, Layer
from qcore.sensitivity.config import SensitivityConfig
from qcore.sensitivity.ranking import (
    Ranked,
    keep_high,
    ranking,
    safe_to_crush,
    width_in_view,
    widths_to_rank,
)
from qcore.sensitivity.row import SensitivityRow
from qcore.sensitivity.table import SensitivityTable

WEIGHTS = {"a": 80_000, "b": 800, "c": 8_000}


def layer(name: str, weights: int) -> Layer:
    shape = (weights // 8, 8)
    return Layer(
        name, "linear", name, None, (name,), shape, shape[0], weights, 9, (1, 8), (1, shape[0])
    )


def row(name: str, bits: int, value: float, half: float | None = 0.001) -> SensitivityRow:
    ends = (None, None) if half is None else (value - half, value + half)
    return SensitivityRow(name, bits, "weight", value, *ends, 9)


def table(
    rows: list[SensitivityRow], bits: tuple[int, ...] = (3, 4, 8), names: tuple[str, ...] = ()
) -> SensitivityTable:
    layers = tuple(layer(name, WEIGHTS.get(name, 8)) for name in names or WEIGHTS)
    network = Description("net", "0" * 64, 99, (8,), ((5,),), layers, {}, 0, 0, 0, None)
    config = SensitivityConfig(bits, "kl", 9)
    return SensitivityTable(network, DataSource("d"), "0", config, tuple(rows), 1.0, None)


def test_layers_come_in_the_order_of_their_loss_and_ties_in_running_order() -> None:
    rows = [row("c", 4, 0.5), row("b", 4, 0.5), row("a", 4, -0.1), row("a", 3, 9.0)]
    found = ranking(table(rows), 4)
    assert [r.layer for r in found] == ["b", "c", "a"]
    assert found[-1] == Ranked("a", -0.1, pytest.approx(-0.101), pytest.approx(-0.099))


def test_layers_that_have_no_value_yet_are_left_out() -> None:
    assert [r.layer for r in ranking(table([row("b", 4, 1.0)]), 4)] == ["b"]
    assert ranking(table([]), 8) == ()
    assert ranking(table([row("b", 4, 1.0)]), 4, "step") == ()


def test_a_step_is_counted_in_what_it_saves() -> None:
    """The example of the docstring: 80,000 weights are 40 kB at 4 and 30 kB at 3 bits."""
    rows = [row("a", 4, 0.01, 0.002), row("a", 3, 0.05, 0.01), row("b", 3, 0.5), row("b", 4, 0.4)]
    small, large = ranking(table(rows), 4, "step")
    assert (small.layer, large.layer) == ("b", "a")
    assert large.value == pytest.approx(0.004)
    assert large.low == pytest.approx((0.04 - 0.012) / 10)
    assert large.high == pytest.approx((0.05 + 0.01 - 0.008) / 10)
    assert small.value == pytest.approx(0.1 / 0.1)  # 800 weights: 100 bytes


def test_a_step_without_intervals_has_none() -> None:
    rows = [row("a", 4, 0.01, None), row("a", 3, 0.05)]
    (only,) = ranking(table(rows), 4, "step")
    assert (only.low, only.high) == (None, None)


def test_rows_of_pairs_of_widths_take_no_part() -> None:
    pairs = [replace(row("a", 4, value), activation_bits=b) for value, b in ((1.0, 8), (2.0, 4))]
    assert [r.value for r in ranking(table(pairs), 4)] == [2.0]


@pytest.mark.parametrize(("bits", "criterion"), [(5, "loss"), (3, "step")])
def test_a_width_that_cannot_be_ranked_is_said(bits: int, criterion: str) -> None:
    with pytest.raises(BadInput, match="choose one of"):
        ranking(table([]), bits, criterion)  # type: ignore[arg-type]


def test_widths_that_can_be_ranked() -> None:
    whole = table([], bits=(8, 3, 4))
    assert widths_to_rank(whole, "loss") == (3, 4, 8)
    assert widths_to_rank(whole, "step") == (4, 8)
    inputs = replace(whole, config=replace(whole.config, target="activation"))
    assert widths_to_rank(inputs, "step") == ()


@pytest.mark.parametrize(
    ("widths", "chosen"), [((2, 4, 8), 4), ((2, 3, 5), 3), ((6, 8), 6), ((2,), 2), ((), None)]
)
def test_the_width_that_is_looked_at_first(widths: tuple[int, ...], chosen: int | None) -> None:
    assert width_in_view(widths) == chosen


ranked_layers = some.lists(
    some.tuples(some.floats(-1, 1), some.one_of(some.none(), some.floats(0, 1))), max_size=14
).map(
    lambda found: [
        Ranked(str(i), v, *((None, None) if h is None else (v - h, v + h)))
        for i, (v, h) in enumerate(found)
    ]
)


@given(ranked_layers)
def test_the_two_lists_are_the_ends_and_share_no_layer(ranked: list[Ranked]) -> None:
    keep, crush = keep_high(ranked), safe_to_crush(ranked)
    assert not {r.layer for r in keep} & {r.layer for r in crush}
    assert len(keep) == min(5, len(ranked) // 2)
    assert len(crush) <= min(5, len(ranked) // 2)
    least = min((r.value for r in keep), default=2.0)
    assert all(r.value <= least for r in ranked if r not in keep)
    rest = [r for r in ranked if r not in keep and r not in crush and r.high is not None]
    for one in crush:
        assert one.high is not None
        assert all(one.high <= other.high for other in rest if other.high is not None)
    assert len(crush) == min(5, len(ranked) // 2) or not rest


def test_a_narrow_interval_is_safer_than_a_low_value() -> None:
    lucky, sure = Ranked("lucky", -0.1, -0.5, 0.3), Ranked("sure", 0.01, 0.0, 0.02)
    others = [Ranked(f"x{i}", 1.0 + i, 0.9 + i, 1.1 + i) for i in range(4)]
    assert [r.layer for r in safe_to_crush([*others, lucky, sure], count=2)] == ["sure", "lucky"]
