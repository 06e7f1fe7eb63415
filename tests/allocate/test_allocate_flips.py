"""Flip rates against a loop over the integer program, and what losses are drawn anew from."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from allocate_oracle import five_layers

from qcore.allocate import AllocationProblem, solve_ilp
from qcore.allocate.flips import flip_rates
from qcore.allocate.resample import resampled
from qcore.data.source import DataSource
from qcore.errors import BadInput
from qcore.graph.layer import Description, Layer
from qcore.sensitivity.config import SensitivityConfig, Width
from qcore.sensitivity.projection.projections import Projections
from qcore.sensitivity.row import SensitivityRow
from qcore.sensitivity.table import SensitivityTable

NAMES, BITS = ("a", "b"), (2, 4, 8)


def small(seed: int, **more: object) -> tuple[AllocationProblem, np.ndarray]:
    """A problem of 6 layers and 4 options, and 25 draws of its losses."""
    random = np.random.default_rng(seed)
    bits = np.array([2, 3, 4, 8])
    cost = random.integers(10, 99, (6, 1)) * bits
    loss = random.lognormal(0, 1, (6, 1)) * 4.0**-bits
    budget = float(cost[:, 0].sum() * random.uniform(1.2, 2.5))
    problem = AllocationProblem(loss, {"size": cost, "other": cost**0.9}, {"size": budget}, **more)
    return problem, loss * random.lognormal(0, 0.5, (25, 6, 4))


@pytest.mark.parametrize("seed", range(4))
def test_against_a_loop_over_the_integer_program(seed: int) -> None:
    more = {"groups": ((0, 3),), "pins": {1: 2}} if seed % 2 else {}
    problem, samples = small(seed, **more)
    if seed > 1:
        other = solve_ilp(problem).costs["other"] * 0.97
        problem = replace(problem, budgets={**problem.budgets, "other": other})
    own = solve_ilp(problem).choice
    each = [solve_ilp(replace(problem, loss=loss)).choice for loss in samples]
    expected = [np.mean([one[i] != own[i] for one in each]) for i in range(6)]
    assert flip_rates(problem, samples) == pytest.approx(expected)
    assert max(expected) > 0


@pytest.mark.parametrize("names", [("size",), ("size", "other"), ()])
def test_no_width_no_flip(names: tuple[str, ...]) -> None:
    problem, _ = small(7)
    middle = {name: float(problem.costs[name].mean(1).sum()) * 0.8 for name in names}
    problem = replace(problem, budgets=middle)
    samples = np.repeat(problem.loss[None], 5, axis=0)
    assert flip_rates(problem, samples).tolist() == [0.0] * 6


def test_refusals() -> None:
    problem, samples = small(0)
    for wrong in (samples[0], samples[:0], samples[:, :5]):
        with pytest.raises(ValueError, match="samples have shape"):
            flip_rates(problem, wrong)
    with pytest.raises(ValueError, match="no allocation meets"):
        flip_rates(five_layers(0.1), np.zeros((1, 5, 2)))


def table(
    config: SensitivityConfig, rows: list[SensitivityRow], projections: Projections | None = None
) -> SensitivityTable:
    layers = tuple(
        Layer(name, "linear", name, None, (name,), (5, 4), 1, 5, 1, (1, 1), (1, 1))
        for name in NAMES
    )
    network = Description("by hand", "f" * 64, 40, (4,), 5, layers, {}, 0, 7, 0, None)
    data = DataSource("images")
    return SensitivityTable(
        network, data, "d" * 64, config, tuple(rows), 1.0, 0.1, projections=projections
    )


def measured() -> tuple[SensitivityTable, np.ndarray, np.ndarray]:
    """An exact table, its ΔL and its standard deviations."""
    loss = np.array([[0.9, 0.2, -0.01], [0.5, 0.1, 0.0]])
    deviation = np.array([[0.3, 0.02, 0.001], [0.1, 0.05, 0.0]])
    rows = [
        SensitivityRow(
            name,
            bits,
            "weight",
            loss[i, o],
            loss[i, o] - 1.959964 * deviation[i, o],
            loss[i, o] + 1.959964 * deviation[i, o],
            50,
        )
        for o, bits in enumerate(BITS)
        for i, name in enumerate(NAMES)
    ]
    return table(SensitivityConfig(BITS, "kl", 50), rows), loss, deviation


def test_draws_from_intervals_have_their_means_and_widths() -> None:
    made, loss, deviation = measured()
    found = resampled(made, 4000, seed=1)
    assert found.shape == (4000, 2, 3)
    assert found.mean(0) == pytest.approx(loss, abs=5 * deviation.max() / 4000**0.5)
    assert found.std(0) == pytest.approx(deviation, rel=0.06)
    known = found.reshape(4000, -1)[:, :5]  # the last has no width
    between = np.corrcoef(known.T)[np.triu_indices(5, 1)]
    assert between == pytest.approx(0.35, abs=0.06)
    np.testing.assert_array_equal(found[:9], resampled(made, 4000, seed=1)[:9])
    assert (found[0] != resampled(made, 1, seed=2)[0]).any()


def projected(target: str, seed: int = 0) -> tuple[SensitivityTable, np.ndarray]:
    """A projected table of 40 images, and what each image gives each cell."""
    random = np.random.default_rng(seed)
    shape = (3, 40, 2, 3)
    parts = {
        "weights": random.normal(size=shape).astype(np.float32) if target != "activation" else None,
        "inputs": random.normal(size=shape).astype(np.float32) if target != "weight" else None,
    }
    known = Projections(BITS, NAMES, **parts)
    config = SensitivityConfig(BITS, "kl", 40, method="projected", target=target)
    values = known.per_sample(target)
    rows = [
        SensitivityRow(
            name, b, target, values[:, i, o].mean(), 0.0, 3.0, 40, method="projected",
            activation_bits=b if target == "both" else None,
        )
        for i, name in enumerate(NAMES)
        for o, b in enumerate(BITS)
    ]  # fmt: skip
    return table(config, rows, known), values


@pytest.mark.parametrize("target", ["weight", "both"])
def test_projections_are_drawn_by_image(target: str) -> None:
    """Variance and covariance of a bootstrapped mean are those of the images over their number."""
    made, values = projected(target)
    found = resampled(made, 6000).reshape(6000, -1)
    cells = values.reshape(40, -1)
    assert found.mean(0) == pytest.approx(cells.mean(0), abs=0.03)
    assert np.cov(found.T) == pytest.approx(np.cov(cells.T, bias=True) / 40, abs=0.003)


def test_exact_cells_of_a_projected_table_have_their_own_width() -> None:
    made, _ = projected("weight")
    exact = replace(made.rows[4], delta_loss=7.0, ci_low=6.0, ci_high=8.0, method="exact")
    refined = replace(made, rows=(*made.rows[:4], exact, *made.rows[5:]))
    before, after = resampled(made, 3000), resampled(refined, 3000)
    assert exact.width == Width(4)
    place = (slice(None), 1, 1)
    assert after[place].mean() == pytest.approx(7.0, abs=0.05)
    assert after[place].std() == pytest.approx(1 / 1.96, rel=1e-3)
    assert np.corrcoef(after[place], before[place])[0, 1] == pytest.approx(1)
    after[place] = before[place]
    np.testing.assert_allclose(after, before)


def test_what_cannot_be_drawn() -> None:
    made, *_ = measured()
    with pytest.raises(BadInput, match="5 of 6 cells"):
        resampled(replace(made, rows=made.rows[:-1]))
    single = replace(made.rows[0], ci_low=None, ci_high=None)
    with pytest.raises(BadInput, match="no intervals"):
        resampled(replace(made, rows=(single, *made.rows[1:])))
    with pytest.raises(ValueError, match="0 draws"):
        resampled(made, 0)
