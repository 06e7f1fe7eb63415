"""Exact cells where an estimate leaves the allocation open: which, how many, and what they give."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from small_nets import random_data, residual_network

from qcore.allocate import AllocationProblem, solve_ilp
from qcore.data.dataset import Dataset
from qcore.graph import chunks
from qcore.graph.network import Network
from qcore.measure import refine_cells
from qcore.measure.refine import RefineRun, refine
from qcore.measure.refine_cells import SETTING_UP, choose_cells
from qcore.sensitivity.config import SensitivityConfig
from qcore.sensitivity.exact import measure_exact
from qcore.sensitivity.pieces import Piece, rows_from_pieces
from qcore.sensitivity.refined import exact_config, refined_rows
from qcore.sensitivity.row import SensitivityRow

BITS = (2, 3, 4, 6, 8)
CONFIG = SensitivityConfig(BITS, "kl", 20, seed=2, method="projected", refine=100)
Rows = tuple[SensitivityRow, ...]


@pytest.fixture(scope="module")
def network() -> Network:
    return residual_network()


@pytest.fixture(scope="module")
def data() -> Dataset:
    return random_data(20, classes=None)


@pytest.fixture(scope="module")
def truth(network: Network, data: Dataset) -> Rows:
    run = measure_exact(network, data, exact_config(CONFIG))
    return rows_from_pieces(run.pieces, names(network), exact_config(CONFIG))


@pytest.fixture(scope="module")
def guess(truth: Rows) -> Rows:
    """An estimate that is off by up to 40 %, and knows it."""
    draw = np.random.default_rng(0)
    return tuple(off(row, float(np.exp(draw.uniform(-0.4, 0.4))), 0.4) for row in truth)


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "_CHUNK_IMAGES", 8)


def off(row: SensitivityRow, factor: float, width: float) -> SensitivityRow:
    loss = row.delta_loss * factor
    low, high = sorted((loss * np.exp(-width), loss * np.exp(width)))
    return replace(row, delta_loss=loss, ci_low=low, ci_high=high, method="projected")


def names(network: Network) -> list[str]:
    return [layer.name for layer in network.description.layers]


def allocations(network: Network, rows: Rows) -> list[tuple[int, ...]]:
    """The best choice at average widths from 2.5 to 7.5 bits."""
    loss = np.array([row.delta_loss for row in rows]).reshape(-1, len(BITS))
    weights = np.array([layer.weight_count for layer in network.description.layers])
    cost = weights[:, None] * np.array(BITS)
    budgets = np.linspace(2.5, 7.5, 11) * weights.sum()
    tables = [AllocationProblem(loss, {"b": cost}, {"b": float(b)}) for b in budgets]
    return [solve_ilp(table).choice for table in tables]


def test_the_refined_table_decides_as_the_true_one(
    network: Network, data: Dataset, truth: Rows, guess: Rows
) -> None:
    assert allocations(network, guess) != allocations(network, truth)
    run = refine(network, data, CONFIG, guess)
    assert run.finished
    assert 0 < run.cells < len(truth)
    refined = refined_rows(guess, run.pieces, CONFIG)
    assert allocations(network, refined) == allocations(network, truth)


@pytest.mark.usefixtures("small_chunks")
def test_cells_are_replaced_by_the_exact_rows(
    network: Network, data: Dataset, truth: Rows, guess: Rows
) -> None:
    run = refine(network, data, CONFIG, guess)
    refined = refined_rows(guess, run.pieces, CONFIG)
    exact = measure_exact(network, data, exact_config(CONFIG))
    known = {piece.key: piece for piece in exact.pieces}
    assert all(known[piece.key] == piece for piece in run.pieces)
    chosen = set(choose_cells(network.description, guess, 100).cells)
    assert len(chosen) == run.cells
    for row, true, estimate in zip(refined, truth, guess, strict=True):
        if (row.layer, row.bits) in chosen:
            assert row.method == "exact"
            assert row.delta_loss == pytest.approx(true.delta_loss, rel=1e-5, abs=1e-9)
            assert row.ci_low == pytest.approx(true.ci_low, rel=1e-4, abs=1e-9)
        else:
            assert row == estimate


@pytest.mark.usefixtures("small_chunks")
def test_a_cell_with_some_of_its_images_is_still_an_estimate(
    network: Network, data: Dataset, guess: Rows
) -> None:
    run = refine(network, data, CONFIG, guess)
    assert refined_rows(guess, [p for p in run.pieces if p.chunk < 2], CONFIG) == guess


@pytest.mark.parametrize("passes", [1, 2, 3, 4, 6, 9])
def test_never_more_passes_than_allowed(network: Network, guess: Rows, passes: int) -> None:
    choice = choose_cells(network.description, guess, passes)
    assert choice.passes <= passes
    each = sum(choice.passes_of[layer] for layer, _ in choice.cells)
    assert choice.passes == pytest.approx(SETTING_UP + each if choice.cells else 0)
    assert bool(choice.cells) == (passes > SETTING_UP)


def test_the_most_useful_cells_come_first(network: Network, guess: Rows) -> None:
    """What few passes pay for is part of what more of them pay for."""
    few, more, all_ = (choose_cells(network.description, guess, n).cells for n in (6.5, 8.5, 100))
    assert 0 < len(few) < len(more) < len(all_)
    assert set(few) < set(more) < set(all_)


def test_passes_of_a_cell_are_the_rest_of_the_network(
    network: Network, guess: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refine_cells, "_MACS_PER_VALUE", 0)
    layers = network.description.layers
    total = sum(layer.macs for layer in layers)
    rest = [sum(la.macs for la in layers[i:]) / total for i in range(len(layers))]
    found = choose_cells(network.description, guess, 9).passes_of
    assert list(found) == names(network)
    assert list(found.values()) == pytest.approx([max(0.01, part) for part in rest])


def test_nothing_decisive_takes_no_pass(network: Network, data: Dataset, truth: Rows) -> None:
    sure = tuple(off(row, 1.0, 1e-9) for row in truth)

    class NoData(Dataset):
        def batch(self, indices: object) -> object:
            raise AssertionError("nothing is to be run")

    none = NoData(data.name, data.images, None, None)
    assert refine(network, none, CONFIG, sure) == RefineRun((), 0, 0.0, None, True)


def test_one_image_has_no_interval_and_is_refined_all_the_same(
    network: Network, data: Dataset, guess: Rows
) -> None:
    config = replace(CONFIG, images=1)
    rows = tuple(replace(row, ci_low=None, ci_high=None, samples=1) for row in guess)
    run = refine(network, data, config, rows)
    assert run.cells > 0
    refined = refined_rows(rows, run.pieces, config)
    assert sum(row.method == "exact" for row in refined) == run.cells


@pytest.mark.parametrize("stopped_after", [0, 1, 5, 20])
@pytest.mark.usefixtures("small_chunks")
def test_a_run_that_was_stopped_goes_on(
    network: Network, data: Dataset, guess: Rows, stopped_after: int
) -> None:
    whole = refine(network, data, CONFIG, guess)
    kept: list[Piece] = []
    first = refine(
        network,
        data,
        CONFIG,
        guess,
        on_piece=kept.append,
        should_stop=lambda: len(kept) >= stopped_after,
    )
    assert not first.finished
    assert list(first.pieces) == kept
    assert len(kept) == stopped_after
    seen: list[float] = []
    done = {piece.key for piece in kept}
    second = refine(
        network, data, CONFIG, guess, done=done, on_progress=lambda part, _: seen.append(part)
    )
    assert second.finished
    assert (second.cells, second.passes) == (whole.cells, whole.passes)
    assert [*kept, *second.pieces] == list(whole.pieces)
    assert seen == sorted(seen)
    assert seen[-1] == pytest.approx(1.0)
    every = {piece.key for piece in whole.pieces}
    assert refine(network, data, CONFIG, guess, done=every).pieces == ()
