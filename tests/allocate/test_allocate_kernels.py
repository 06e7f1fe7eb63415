"""Bits per kernel: against brute force, sums by hand and the ledger."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qcore.allocate.bits import BitAllocation
from qcore.allocate.budget import TableProblem, table_problem
from qcore.allocate.frontier import frontier
from qcore.allocate.ilp import solve_ilp
from qcore.allocate.kernels import (
    SHARED,
    divided,
    estimates_in,
    estimates_of,
    kernel_problem,
    layer_numbers,
)
from qcore.allocate.lagrangian import solve_lagrangian
from qcore.allocate.problem import evaluate
from qcore.data.source import DataSource
from qcore.errors import BadInput
from qcore.graph.layer import Description, Layer
from qcore.hardware.size import average_bits, size_ledger
from qcore.quantize.limits import WeightBits
from qcore.sensitivity.config import SensitivityConfig
from qcore.sensitivity.kernel_estimates import kernel_estimates
from qcore.sensitivity.projected_rows import rows_of_kernels
from qcore.sensitivity.projection.kernel_sums import KernelSums
from qcore.sensitivity.row import SensitivityRow
from qcore.sensitivity.table import SensitivityTable

BITS = (0, 3, 8)


def layer(name: str, kernels: int, each: int) -> Layer:
    shape = (kernels, each)
    return Layer(name, "linear", name, None, (name,), shape, 1, kernels, 8, (1, each), (1, kernels))


NETWORK = Description(
    name="by hand",
    fingerprint="0",
    parameters=0,
    input_shape=(3,),
    output_shapes=((5,),),
    layers=(layer("a", 3, 5), layer("b", 2, 9), layer("c", 1, 4)),
    not_quantized={},
    macs_not_quantized=0,
    other_count=7,
    folded_batch_norms=0,
    weights_note=None,
)
"""15, 18 and 4 weights in 3, 2 and 1 kernels; no biases; 7 other values."""


def table(seed: int = 0, kernels: bool = True) -> SensitivityTable:
    """Rows and kernel rows in no order, losses falling with bits."""
    rng = np.random.default_rng(seed)
    config = SensitivityConfig(BITS, "kl", 4, method="projected")

    def row(name: str, bits: int, kernel: int | None = None) -> SensitivityRow:
        loss = float(rng.uniform(0.5, 2)) * (0.1 if bits == 8 else 1 if bits == 3 else 5)
        return SensitivityRow(name, bits, "weight", loss, None, None, 4, kernel, method="projected")

    names = [one.name for one in NETWORK.layers]
    rows = tuple(row(name, bits) for name in names for bits in BITS)
    cells = [(one.name, b, k) for one in NETWORK.layers for k in range(one.kernels) for b in BITS]
    known = tuple(row(*cells[i]) for i in rng.permutation(len(cells))) if kernels else ()
    return SensitivityTable(NETWORK, DataSource("d"), "f", config, rows, 1.0, None, known)


def each_kernel(one: Layer, bits: WeightBits) -> tuple[int, ...]:
    return bits if isinstance(bits, tuple) else (bits,) * one.kernels


def ledger_costs(problem: TableProblem, bits: Mapping[str, WeightBits]) -> dict[str, float]:
    """Each cost from the allocation itself."""
    each = {one.name: each_kernel(one, bits[one.name]) for one in NETWORK.layers}
    average = average_bits(NETWORK, bits)
    products = (
        one.macs / one.kernels * sum(each[one.name]) * (problem.options[0].activation_bits or 32)
        for one in NETWORK.layers
    )
    return {
        "size_bytes": size_ledger(NETWORK, bits, corrected=True).total_bytes,
        "average_bits": average,
        "size_ratio": average / 32,
        "bops": sum(products),
    }


@pytest.mark.parametrize(
    ("name", "value"), [("size_bytes", 105.0), ("average_bits", 3.5), ("bops", 3000.0)]
)
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_brute_force(name: str, value: float, seed: int) -> None:
    """Every one of 3^6 allocations: none within the budget, as the ledger counts it with the most
    that widths and packing take, loses less; and kernels of one width cost what the ledger says."""
    made = table(seed)
    layers = table_problem(made, {name: value}, activation_bits=4)
    kernels = kernel_problem(layers, estimates_of(made))
    found = solve_ilp(kernels.problem)
    bits = kernels.choose(found.choice)
    costs = kernels.costs(found)
    for cost, expected in ledger_costs(layers, bits).items():
        assert costs[cost] == pytest.approx(expected)
    assert costs[name] <= value * (1 + 1e-9)
    least = math.inf
    for choice in itertools.product(range(3), repeat=6):
        tried = kernels.choose(choice)
        full = {one.name: each_kernel(one, tried[one.name]) for one in NETWORK.layers}
        spent = ledger_costs(layers, full)[name] + (3 if name == "size_bytes" else 0)
        if spent <= value:
            loss = sum(kernels.problem.costs["loss"][k, o] for k, o in enumerate(choice))
            least = min(least, loss)
    assert found.loss <= least + 1e-12


def test_around_an_allocation_of_layers_kernels_take_one_step_at_most() -> None:
    """Against brute force over the steps; the start itself is among them."""
    made = table(3)
    layers = table_problem(made, {"average_bits": 4.4}, {"b": 3})
    start = solve_ilp(layers.problem)
    free = kernel_problem(layers, estimates_of(made))
    near = kernel_problem(layers, estimates_of(made), start.choice)
    numbers = layer_numbers(NETWORK)
    found = solve_ilp(near.problem)
    least = math.inf
    for choice in itertools.product(range(3), repeat=6):
        steps = [abs(o - start.choice[n]) for o, n in zip(choice, numbers, strict=True)]
        own = evaluate(free.problem, choice)
        if max(steps) <= 1 and choice[3] == choice[4] == 1 and own.costs["average_bits"] <= 4.4:
            least = min(least, own.loss)
    assert found.loss == pytest.approx(least)
    assert found.loss <= start.loss + 1e-12
    chosen = near.choose(found.choice)
    assert chosen["b"] == 3
    assert near.costs(found)["average_bits"] == pytest.approx(average_bits(NETWORK, chosen))
    ends = kernel_problem(layers, estimates_of(made), (0, 1, 2))
    assert ends.choose((0, 1, 2, 1, 1, 2)) == {"a": (0, 0, 3), "b": 3, "c": 8}


def test_kernels_of_one_width_are_the_layer() -> None:
    made = table()
    layers = table_problem(made, {"average_bits": 4})
    kernels = kernel_problem(layers, estimates_of(made))
    numbers = layer_numbers(NETWORK)
    for choice in itertools.product(range(3), repeat=3):
        of_layers = evaluate(layers.problem, choice)
        of_kernels = evaluate(kernels.problem, [choice[n] for n in numbers])
        assert kernels.choose(of_kernels.choice) == layers.choose(choice)
        expected = layers.costs(of_layers)
        for name, value in kernels.costs(of_kernels).items():
            assert value == pytest.approx(expected[name]), name


@pytest.mark.parametrize("name", ["average_bits", "size_bytes"])
def test_never_more_predicted_loss_than_per_layer(name: str) -> None:
    """Every allocation of layers is one of kernels (a budget of bytes has room for widths)."""
    for seed in range(5):
        made = table(seed)
        value = {"average_bits": 4.2, "size_bytes": 120.0}[name]
        layers = table_problem(made, {name: value})
        spare = 9.0 if name == "size_bytes" else 0.0
        kernels = kernel_problem(table_problem(made, {name: value + spare}), estimates_of(made))
        assert solve_ilp(kernels.problem).loss <= solve_ilp(layers.problem).loss + 1e-12


def test_a_limit_on_the_loss_finds_the_smallest() -> None:
    made = table()
    kernels = kernel_problem(table_problem(made, {"loss": 2.0}), estimates_of(made))
    found = solve_ilp(kernels.problem)
    assert found.costs["loss"] <= 2.0
    assert found.loss == pytest.approx(found.costs["size_bytes"])


def test_pins_hold_all_kernels_of_a_layer() -> None:
    made = table()
    layers = table_problem(made, {"average_bits": 6}, {"b": 3})
    found = solve_ilp(kernel_problem(layers, estimates_of(made)).problem)
    assert kernel_problem(layers, estimates_of(made)).choose(found.choice)["b"] == 3


def test_the_way_to_a_file_and_back() -> None:
    made = table()
    kernels = kernel_problem(table_problem(made, {"average_bits": 4}), estimates_of(made))
    bits = kernels.choose((0, 1, 2, 1, 1, 0))
    assert bits == {"a": (0, 3, 8), "b": 3, "c": 0}
    allocation = BitAllocation(bits)
    allocation.check_fits(NETWORK)
    written = allocation.to_json()
    assert written["bits"]["a"]["weight"] == [0, 3, 8]
    assert BitAllocation.from_json(written) == allocation


@given(st.integers(0, 1000))
def test_divided_adds_up_and_keeps_proportions(seed: int) -> None:
    rng = np.random.default_rng(seed)
    numbers = layer_numbers(NETWORK)
    rows, estimates = rng.normal(1, 1, (3, 2)), rng.normal(0.3, 1, (6, 2))
    found = divided(rows, estimates, numbers)
    for place in range(3):
        own = found[numbers == place]
        np.testing.assert_allclose(own.sum(0), rows[place], atol=1e-12)
        assert (own * np.sign(rows[place]) >= 0).all()
    positive = np.abs(estimates) + 0.1
    even = divided(np.abs(rows), positive, numbers)
    np.testing.assert_allclose(even[0] * positive[1], even[1] * positive[0])


def test_cross_entropy_is_divided_by_squared_errors() -> None:
    """Of a file, and of the arrays that its rows come from."""
    made = table()
    labelled = replace(made, config=replace(made.config, objective="cross_entropy"))
    with pytest.raises(BadInput, match="squared errors"):
        estimates_of(labelled)
    rng = np.random.default_rng(0)
    energies, totals = rng.uniform(1, 2, (6, 3)), rng.normal(1, 3, (2, 6, 3))
    names = tuple(one.name for one in NETWORK.layers)
    counts = np.array([2, 2])
    sums = KernelSums(BITS, names, (3, 2, 1), counts, totals, totals**2, energies)
    known = kernel_estimates(sums)
    rows = rows_of_kernels(known, labelled.config)
    again = SensitivityTable.from_json(replace(labelled, kernel_rows=rows).to_json())
    np.testing.assert_array_equal(estimates_of(again), energies)
    np.testing.assert_array_equal(estimates_in(known, "cross_entropy"), energies)
    by_distance = replace(made, kernel_rows=rows_of_kernels(known, made.config))
    np.testing.assert_array_equal(estimates_of(by_distance), estimates_in(known, "kl"))
    np.testing.assert_array_equal(estimates_in(known, "kl"), known.shrunk)


def test_divided_by_hand() -> None:
    numbers = np.array([0, 0, 0, 1, 1])
    estimates = np.array([[1.0, 1], [3, 1], [-1, 2], [0, -1], [0, 0]])
    found = divided(np.array([[6.0, -3], [4, 2]]), estimates, numbers)
    np.testing.assert_allclose(found, [[1.5, -1], [4.5, -1], [0, -1], [2, 1], [2, 1]])


def test_what_kernels_cannot_do_is_said() -> None:
    made = table()
    layers = table_problem(made, {"average_bits": 4})
    with pytest.raises(BadInput, match="0 of 18 cells of kernels"):
        estimates_of(table(kernels=False))
    with pytest.raises(BadInput, match=r"\(2, 3\); the network and its table need \(6, 3\)"):
        kernel_problem(layers, np.zeros((2, 3)))
    agreeing = replace(layers, problem=replace(layers.problem, groups=((0, 1),)))
    with pytest.raises(BadInput, match="must agree"):
        kernel_problem(agreeing, np.zeros((6, 3)))
    costs = dict(layers.problem.costs) | {"latency_ms": layers.losses}
    timed = replace(layers, problem=replace(layers.problem, costs=costs, budgets={"latency_ms": 1}))
    with pytest.raises(BadInput, match="latency_ms is for bits per layer"):
        kernel_problem(timed, np.zeros((6, 3)))
    assert set(SHARED) < {*costs}


def test_thousands_of_kernels_are_solved_near_their_bound() -> None:
    """A network of 2,000 kernels at 8 widths: within 0.1 % of what no allocation can beat."""
    widths = (0, 2, 3, 4, 5, 6, 7, 8)
    network = replace(NETWORK, layers=tuple(layer(str(n), 100, 9 * (n + 1)) for n in range(20)))
    rng = np.random.default_rng(0)
    gain = rng.lognormal(0, 1.5, (2000, 1)) * 4.0 ** -np.array(widths)
    numbers = layer_numbers(network)
    sums = np.stack([np.bincount(numbers, column) for column in gain.T], 1)
    config = SensitivityConfig(widths, "kl", 4, method="projected")
    rows = tuple(
        SensitivityRow(one.name, b, "weight", float(sums[n, o]), None, None, 4, method="projected")
        for n, one in enumerate(network.layers)
        for o, b in enumerate(widths)
    )
    made = SensitivityTable(network, DataSource("d"), "f", config, rows, 1.0, None)
    kernels = kernel_problem(table_problem(made, {"average_bits": 4.0}), gain)
    np.testing.assert_allclose(kernels.problem.loss, gain)
    found = solve_lagrangian(kernels.problem)
    assert found.gap is not None
    assert found.gap < 1e-3
    assert average_bits(network, kernels.choose(found.choice)) <= 4.0 + 1e-9
    hull = frontier(kernels.problem, "average_bits")
    point = hull.best_within(4.0)
    assert point is not None
    assert found.loss <= hull.loss[point] + 1e-12
