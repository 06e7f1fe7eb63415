"""What it is worth to measure a cell, against simulation; and what fits."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qcore.allocate import AllocationProblem, solve_ilp
from qcore.allocate.decisive import Bands, _saved, most_useful, worth_measuring

WIDTHS = np.array([2.0, 4.0, 6.0, 8.0])


def a_table(seed: int, layers: int = 20) -> tuple[np.ndarray, Bands, np.ndarray]:
    """The true losses, an estimate whose bands hold them, and costs; each (layers, 4)."""
    draw = np.random.default_rng(seed)
    truth = np.exp(draw.normal(-6, 1, (layers, 1)) - 1.1 * (WIDTHS - 8) / 2)
    truth *= np.exp(draw.normal(0, 0.2, truth.shape))
    loss = truth * np.exp(draw.uniform(-0.4, 0.4, truth.shape))
    bands = Bands(loss, loss * np.exp(-0.4), loss * np.exp(0.4))
    return truth, bands, draw.uniform(1, 50, (layers, 1)) * WIDTHS


def test_saved_is_the_average_regret_of_not_knowing() -> None:
    draw = np.random.default_rng(1)
    _, bands, cost = a_table(1, 6)
    charged = cost * 2e-4
    found = _saved(bands, charged)
    for layer, option in np.ndindex(found.shape):
        total = bands.loss[layer] + charged[layer]
        taken = total.argmin()
        truth = draw.uniform(bands.low[layer, option], bands.high[layer, option], 40000)
        many = np.repeat(total[None], len(truth), 0)
        many[:, option] = truth + charged[layer, option]
        regret = many[:, taken] - many.min(1)
        error = 4 * regret.std() / np.sqrt(len(truth)) + 1e-12
        assert found[layer, option] == pytest.approx(regret.mean(), abs=error)
    assert (found == 0).any()
    assert (found > 0).any()


def test_saved_by_hand() -> None:
    loss = np.array([[3.0, 1.0]])
    bands = Bands(loss, np.array([[1.0, 1.0]]), np.array([[5.0, 1.0]]))
    assert _saved(bands, np.array([[0.0, 1.0]])).tolist() == [[0.125, 0.0]]


def test_a_band_that_reaches_no_margin_is_worth_nothing() -> None:
    _, bands, cost = a_table(2)
    loss = bands.loss
    assert worth_measuring(bands, cost).any()
    assert not worth_measuring(Bands(loss, loss, loss), cost).any()
    assert not worth_measuring(Bands(loss, loss * (1 - 1e-9), loss * (1 + 1e-9)), cost).any()
    never = np.full((len(loss), 1), 9.0)  # dearer than the others, and of more loss
    loss, dear = np.hstack([loss, never]), np.hstack([cost, 2 * cost[:, -1:]])
    worth = worth_measuring(Bands(loss, loss * 0.7, loss * 1.3), dear)
    assert (worth[:, -1] == 0).all()


@pytest.mark.parametrize("shape", [(3, 1), (1, 1)])
def test_one_option_decides_nothing(shape: tuple[int, int]) -> None:
    ones = np.ones(shape)
    assert not worth_measuring(Bands(ones, ones * 0, ones * 2), ones).any()


def test_scale_of_the_cost_does_not_matter() -> None:
    _, bands, cost = a_table(3)
    np.testing.assert_allclose(worth_measuring(bands, cost), worth_measuring(bands, cost * 1e6))


def test_losses_below_zero_are_no_trouble() -> None:
    _, bands, cost = a_table(4)
    shifted = Bands(bands.loss - 1, bands.low - 1, bands.high - 1)
    worth = worth_measuring(shifted, cost)
    assert np.isfinite(worth).all()
    assert (worth >= 0).all()
    assert worth.any()


def test_half_of_the_cells_settle_the_allocations() -> None:
    """Measuring what is worth most leaves less regret than measuring as many at random."""
    ours, others, before = 0.0, 0.0, 0.0
    for seed in range(6):
        truth, bands, cost = a_table(seed, 10)
        worth = worth_measuring(bands, cost)
        cells = most_useful(worth, np.ones(len(truth)), truth.size // 2)
        other = np.random.default_rng(seed).permutation(truth.size)[: len(cells)]
        random = [divmod(int(i), truth.shape[1]) for i in other]
        tables = (bands.loss, known(truth, bands, cells), known(truth, bands, random))
        found = regrets(truth, tables, cost)
        before, ours, others = before + found[0], ours + found[1], others + found[2]
    assert ours < 0.5 * before
    assert ours < 0.7 * others


def known(truth: np.ndarray, bands: Bands, cells: Sequence[tuple[int, ...]]) -> np.ndarray:
    loss = bands.loss.copy()
    for cell in cells:
        loss[cell] = truth[cell]
    return loss


def regrets(truth: np.ndarray, tables: Sequence[np.ndarray], cost: np.ndarray) -> list[float]:
    """Of each table, relative loss above the best over budgets of 4, 5, 6 and 7 bits on average."""
    rows, found = np.arange(len(truth)), [0.0] * len(tables)
    for average in (4, 5, 6, 7):
        budget = {"size": float(average * cost[:, 0].sum() / 2)}
        best, *chosen = (
            truth[rows, solve_ilp(AllocationProblem(t, {"size": cost}, budget)).choice].sum()
            for t in (truth, *tables)
        )
        found = [sum_ + loss / best - 1 for sum_, loss in zip(found, chosen, strict=True)]
    return found


@given(seed=st.integers(0, 10**6), within=st.floats(-1, 12))
def test_never_more_than_fits_and_the_most_useful_first(seed: int, within: float) -> None:
    draw = np.random.default_rng(seed)
    worth = draw.uniform(-0.5, 1, (5, 3)).clip(0)
    passes = draw.uniform(0.1, 1, 5)
    cells = most_useful(worth, passes, within)
    assert len(set(cells)) == len(cells)
    spent = sum(passes[layer] for layer, _ in cells)
    assert spent <= max(within, 0) + 1e-9
    ratios = [worth[cell] / passes[cell[0]] for cell in cells]
    assert all(ratio > 0 for ratio in ratios)
    assert ratios == sorted(ratios, reverse=True)
    left = [c for c in np.ndindex(worth.shape) if worth[c] > 0 and c not in cells]
    for cell in left:  # what was left out did not fit beside what is more useful
        better = [
            c for c, r in zip(cells, ratios, strict=True) if r >= worth[cell] / passes[cell[0]]
        ]
        assert sum(passes[la] for la, _ in better) + passes[cell[0]] > within - 1e-9


def test_most_useful_by_hand() -> None:
    worth, passes = np.array([[6.0], [1.0], [2.0], [0.0]]), np.array([3.0, 1.0, 1.0, 1.0])
    assert most_useful(worth, passes, 2.5) == ((2, 0), (1, 0))
    assert most_useful(worth, passes, 3) == ((0, 0),)
    assert most_useful(worth, passes, 4) == ((0, 0), (2, 0))
    assert most_useful(worth, passes, 99) == ((0, 0), (2, 0), (1, 0))
