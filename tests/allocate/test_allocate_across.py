"""Bits chosen for one machine and run on others, against every choice there is."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qcore.allocate.across import CrossTable, across
from qcore.allocate.specialise import best_uniform, specialise
from qcore.data.source import DataSource
from qcore.errors import BadInput
from qcore.graph.layer import Description, Layer
from qcore.hardware import HARDWARE, BitPair, Hardware, hardware_costs
from qcore.hardware.model import Cost
from qcore.hardware.validation.networks import conv, describe
from qcore.hardware.validation.tables import haq_table
from qcore.sensitivity.config import SensitivityConfig, Width
from qcore.sensitivity.row import SensitivityRow
from qcore.sensitivity.table import SensitivityTable

THREE = describe([conv(name, 4, 4, 3, 5) for name in "abc"])
WIDTHS = tuple(Width(w, a) for w in (0, 4, 8) for a in (4, 8))

FloatArray = npt.NDArray[np.float64]


def table_of(network: Description, widths: Sequence[Width], losses: FloatArray) -> SensitivityTable:
    """A table of pairs with these losses (layers, widths)."""
    rows = tuple(
        SensitivityRow(layer.name, w.bits, "both", loss, None, None, 9, None, w.activation_bits)
        for layer, line in zip(network.layers, losses, strict=True)
        for w, loss in zip(widths, line.tolist(), strict=True)
    )
    bits, inputs = (tuple(dict.fromkeys(part)) for part in _parts(widths))
    config = SensitivityConfig(bits, "kl", 9, target="both", activation_bits=inputs)
    assert config.widths == tuple(widths)
    return SensitivityTable(network, DataSource("x"), "d" * 64, config, rows, 1.0, None)


def _parts(widths: Sequence[Width]) -> tuple[list[int], list[int]]:
    return [w.bits for w in widths], [w.activation_bits or 0 for w in widths]


def machine(name: str, figures: Mapping[tuple[str, BitPair], float], *, energy: bool) -> Hardware:
    """A machine that takes so much for a layer at a pair; NaN where it does not run."""

    def cost(layer: Layer, pairs: Sequence[BitPair], batch: int) -> Cost:
        values = np.array([figures[layer.name, pair] for pair in pairs])
        return Cost(energy_mj=values) if energy else Cost(values)

    return replace(
        HARDWARE["bismo-edge"],
        name=name,
        title=name,
        cost=cost,
        has_latency=not energy,
        has_energy=energy,
        excluded=lambda network: (),
    )


def figures_of(values: FloatArray) -> dict[tuple[str, BitPair], float]:
    return {
        (layer.name, BitPair(w.bits, w.activation_bits)): float(values[i, o])
        for i, layer in enumerate(THREE.layers)
        for o, w in enumerate(WIDTHS)
    }


def least_of_all(values: FloatArray, losses: FloatArray, limit: float) -> float | None:
    """By trying every choice; None where none keeps the limit."""
    rows = range(len(values))
    found = [
        math.fsum(values[i, o] for i, o in zip(rows, choice, strict=True))
        for choice in itertools.product(range(values.shape[1]), repeat=len(values))
        if math.fsum(losses[i, o] for i, o in zip(rows, choice, strict=True)) <= limit + 1e-12
    ]
    runs = [value for value in found if not math.isnan(value)]
    return min(runs, default=None)


@st.composite
def cases(draw: st.DrawFn) -> tuple[list[FloatArray], FloatArray, float]:
    """Figures of two machines, some of which do not run; losses of either sign; a limit."""
    cell = st.integers(1, 30).map(float) | st.just(math.nan)
    shape = (len(THREE.layers), len(WIDTHS))
    size = shape[0] * shape[1]
    both = []
    for _ in range(2):
        values = np.array(draw(st.lists(cell, min_size=size, max_size=size))).reshape(shape)
        values[:, [i for i, width in enumerate(WIDTHS) if not width.bits]] = 0.0  # pruned
        both.append(values)
    losses = draw(st.lists(st.integers(-5, 40), min_size=size, max_size=size))
    return both, np.array(losses, dtype=float).reshape(shape), float(draw(st.integers(-6, 60)))


@given(cases())
def test_the_diagonal_is_the_least_that_any_choice_takes(
    case: tuple[list[FloatArray], FloatArray, float],
) -> None:
    both, losses, limit = case
    machines = [machine(f"m{i}", figures_of(v), energy=i == 1) for i, v in enumerate(both)]
    found = across(table_of(THREE, WIDTHS, losses), machines, limit)
    assert found.quantities == ("latency_ms", "energy_mj")
    for m, values in enumerate(both):
        least, own = least_of_all(values, losses, limit), found.values[m][m]
        assert own == (None if least is None else pytest.approx(least))
        assert (found.trouble[m] is None) == (least is not None)
        column = [row[m] for row in found.values if row[m] is not None]
        assert own is None or min(column) == own
        if found.uniform[m] is not None:
            assert own is not None
            assert own <= found.uniform[m] + 1e-9
    for values, policy in zip(both, found.policies, strict=True):
        if policy is None:
            continue
        options = [WIDTHS.index(width) for width in policy]
        assert math.fsum(losses[i, o] for i, o in enumerate(options)) <= limit + 1e-9
        for i, o in enumerate(options):  # of what takes no more, the least loss
            assert losses[i, o] == losses[i, values[i] <= values[i, o]].min()


def mobilenet_table(seed: int) -> SensitivityTable:
    """MobileNetV2 with losses that fall fourfold a bit, of weights and inputs, each layer by other
    factors."""
    network, generator = haq_table().network, np.random.default_rng(seed)
    bits = (2, 3, 4, 5, 6, 8)
    widths = tuple(Width(w, a) for w in bits for a in bits)
    falls = np.array([[4.0 ** (2 - w.bits), 4.0 ** (2 - (w.activation_bits or 0))] for w in widths])
    factors = generator.lognormal(-4, 1.5, (len(network.layers), 2))
    return table_of(network, widths, factors @ falls.T)


@pytest.mark.parametrize("seed", [0, 1])
def test_every_policy_wins_on_its_own_machine(seed: int) -> None:
    table, machines = mobilenet_table(seed), list(HARDWARE.values())
    found = across(table, machines, 0.05)
    assert set(found.trouble) == {None}
    values = np.array(found.values, dtype=float)
    own = np.diag(values)
    assert (values >= own * (1 - 1e-9)).all()
    assert (own <= np.array(found.uniform, dtype=float)).all()
    # The policies are different ones, or the table would show nothing.
    cloud, edge = found.names.index("bismo-cloud"), found.names.index("bismo-edge")
    assert values[edge, cloud] > 1.02 * own[cloud]
    assert values[cloud, edge] > 1.02 * own[edge]


def test_what_a_policy_takes_is_the_sum_of_its_layers() -> None:
    table, machines = mobilenet_table(2), [HARDWARE["bismo-cloud"], HARDWARE["operations"]]
    found = across(table, machines, 0.1)
    for p, m in itertools.product(range(2), repeat=2):
        policy, total = found.policies[p], 0.0
        assert policy is not None
        for layer, width in zip(table.network.layers, policy, strict=True):
            pair = BitPair(width.bits, width.activation_bits)
            excluded = machines[m].excluded(table.network)
            cost = machines[m].cost(layer, [pair], machines[m].batch)
            figure = cost.latency_ms if m == 0 else cost.energy_mj
            assert figure is not None
            total += 0.0 if layer.name in excluded else float(figure[0])
        assert found.values[p][m] == pytest.approx(total, rel=1e-12)


def test_layers_that_cost_nothing_take_the_width_of_least_loss() -> None:
    """BISMO's totals leave out the first layer and the last."""
    table = mobilenet_table(0)
    widths = specialise(table, HARDWARE["bismo-cloud"], 0.05).widths
    assert widths[0] == widths[-1] == Width(8, 8)
    assert min(width.bits for width in widths) < 8


def test_pruning_everything_is_no_uniform_width() -> None:
    losses = np.ones((3, len(WIDTHS)))
    values = np.array([[0.0, 0.0, 4.0, 5.0, 6.0, 7.0]] * 3)
    any_bits = machine("any", figures_of(values), energy=False)
    uniform = best_uniform(table_of(THREE, WIDTHS, losses), any_bits, 100.0)
    assert uniform == (Width(4, 4), 12.0)


def test_a_table_of_weights_alone_with_inputs_of_one_width() -> None:
    config = SensitivityConfig((2, 4, 8), "kl", 9)
    rows = tuple(
        SensitivityRow(layer.name, b, "weight", 1.0 / b, None, None, 9)
        for layer in THREE.layers
        for b in config.bits
    )
    table = SensitivityTable(THREE, DataSource("x"), "d" * 64, config, rows, 1.0, None)
    edge = replace(HARDWARE["bismo-edge"], excluded=lambda network: ())
    found = specialise(table, edge, 3 / 4, 8)
    assert found.widths == (Width(4),) * 3
    uniform = best_uniform(table, edge, 3 / 4, 8)
    assert uniform is not None
    assert uniform[0] == Width(4)
    cost = hardware_costs(THREE, edge, [BitPair(4, 8)]).cost.latency_ms
    assert cost is not None
    assert found.value == uniform[1] == pytest.approx(float(cost.sum()))
    with pytest.raises(BadInput, match="runs no width of this sensitivity table"):
        specialise(table, edge, 1.0)


def test_trouble_is_told_in_words_and_stops_no_other_machine() -> None:
    table = mobilenet_table(0)
    narrow = replace(HARDWARE["bismo-edge"], name="narrow", title="Narrow", weight_bits=(2, 3))
    foreign = replace(HARDWARE["bismo-edge"], name="foreign", title="Foreign", weight_bits=(16,))
    found: CrossTable = across(table, [HARDWARE["bismo-cloud"], narrow, foreign], 0.02)
    assert found.trouble[0] is None
    assert str(found.trouble[1]).startswith("no widths that Narrow runs keep the predicted loss")
    assert found.trouble[2] == "Foreign runs no width of this sensitivity table"
    assert found.policies[1:] == (None, None)
    assert found.values[1] == (None, None, None)
    assert found.values[0][0] is not None
    assert found.values[0][1:] == (None, None)  # it has bits that those do not run
    assert found.uniform[1:] == (None, None)


def test_an_unfinished_table_is_refused() -> None:
    table = mobilenet_table(0)
    with pytest.raises(BadInput, match="of 1908 cells"):
        across(replace(table, rows=table.rows[1:]), [HARDWARE["bismo-cloud"]], 0.1)
