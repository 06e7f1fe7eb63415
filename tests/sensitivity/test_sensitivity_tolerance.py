"""Exact runs in which a cell stops once its interval is narrow enough."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from small_nets import random_data, residual_network

from qcore.calibrate.clipping import Clipping
from qcore.graph.network import Network
from qcore.sensitivity.config import SensitivityConfig, Width
from qcore.sensitivity.exact import ExactRun, measure_exact
from qcore.sensitivity.interval import Moments
from qcore.sensitivity.pieces import Piece, PieceKey, rows_from_pieces
from qcore.sensitivity.pooled import pooled_intervals
from qcore.sensitivity.rounds import Rounds
from qcore.sensitivity.row import SensitivityRow
from qcore.sensitivity.sampling import deal, group_count
from qcore.sensitivity.tolerance import unsettled

BITS = (2, 4, 8)
LAYERS = ("stem", "first", "second", "head")
CONFIG = SensitivityConfig(BITS, "kl", 60, clipping=Clipping(bias_correction=False), tolerance=0.05)


@pytest.fixture(scope="module")
def network() -> Network:
    return residual_network()


def run_on_sixty(network: Network, config: SensitivityConfig, **options) -> ExactRun:
    return measure_exact(network, random_data(60), config, **options)


def rows_of(run: ExactRun, config: SensitivityConfig) -> tuple[SensitivityRow, ...]:
    return rows_from_pieces(run.pieces, LAYERS, config)


def sampled(
    losses: np.ndarray, sizes: np.ndarray, config: SensitivityConfig
) -> tuple[SensitivityRow, ...]:
    """The rows of a run in which image i has ``losses[i, layer, width]``."""
    layers = [str(i) for i in range(losses.shape[1])]
    count = group_count(config, None)
    groups = np.array_split(deal(sizes, count, config.seed), count)
    rounds = Rounds(layers, config, [[number] for number in range(count)])
    known: dict[PieceKey, Piece] = {}
    while (now := rounds.current(known)) is not None:
        for layer, width, chunk in now.wanted - known.keys():
            values = losses[groups[chunk], int(layer), config.widths.index(width)]
            piece = Piece(
                layer,
                width.bits,
                width.activation_bits,
                chunk,
                len(values),
                float(values.sum()),
                float(np.square(values).sum()),
            )
            known[piece.key] = piece
    return rows_from_pieces(known.values(), layers, config)


def skewed(generator: np.random.Generator, images: int, layers: int) -> tuple[np.ndarray, ...]:
    """Log-normal losses of cells that differ a hundredfold, and sizes that tell half of them."""
    image = generator.normal(0, 1.1, images)
    cell = generator.normal(0, 1.2, (layers, 2))
    noise = generator.normal(0, 0.8, (images, layers, 2))
    return np.exp(image[:, None, None] + cell + noise), np.exp(0.7 * image)


def test_intervals_cover_the_full_sample_of_skewed_losses() -> None:
    config = SensitivityConfig((2, 4), "kl", 64, tolerance=0.1)
    covered, used = [], []
    for seed in range(30):
        losses, sizes = skewed(np.random.default_rng(seed), 64, 40)
        rows = sampled(losses, sizes, replace(config, seed=seed))
        truth = losses.mean(0)
        for row in rows:
            value = truth[int(row.layer), config.bits.index(row.bits)]
            covered.append(row.ci_low <= value <= row.ci_high)
            assert row.samples <= 64
        used.append(sum(row.samples for row in rows) / (64 * len(rows)))
        assert not unsettled(rows, 64, 0.1)
    assert 0.94 < np.mean(covered) < 0.99
    assert np.mean(used) < 0.2


def test_intervals_cover_where_differences_have_both_signs() -> None:
    config = SensitivityConfig((2, 4), "cross_entropy", 400, tolerance=0.1)
    covered, partial = [], 0
    for seed in range(40):
        generator = np.random.default_rng(seed)
        means = generator.exponential(0.3, (12, 2)) - 0.1
        losses = means + generator.standard_t(4, (400, 12, 2))
        rows = sampled(losses, np.ones(400), replace(config, seed=seed))
        truth = losses.mean(0)
        for row in rows:
            value = truth[int(row.layer), config.bits.index(row.bits)]
            covered.append(row.ci_low <= value <= row.ci_high)
            partial += row.samples < 400
    assert partial > 300
    assert np.mean(covered) > 0.94


def test_sum_that_is_not_positive_needs_all_images() -> None:
    config = SensitivityConfig((4,), "cross_entropy", 200, tolerance=0.5)
    losses = np.random.default_rng(0).normal(-1, 0.1, (200, 3, 1))
    assert {row.samples for row in sampled(losses, np.ones(200), config)} == {200}


def test_tiny_tolerance_gives_the_table_without(network: Network) -> None:
    plain = replace(CONFIG, tolerance=None)
    tiny = replace(CONFIG, tolerance=1e-9)
    pairs = zip(
        rows_of(run_on_sixty(network, tiny), tiny),
        rows_of(run_on_sixty(network, plain), plain),
        strict=True,
    )
    for row, other in pairs:
        assert row.samples == other.samples == 60
        assert row.delta_loss == pytest.approx(other.delta_loss, rel=1e-4, abs=1e-8)
        assert (row.ci_low, row.ci_high) == pytest.approx(
            (other.ci_low, other.ci_high), rel=1e-4, abs=1e-8
        )


def test_few_images_are_run_as_without_a_tolerance(network: Network) -> None:
    few = replace(CONFIG, images=7)
    plain = replace(few, tolerance=None)
    assert run_on_sixty(network, few).pieces == run_on_sixty(network, plain).pieces


def test_cells_stop_early_and_close_to_the_full_value(network: Network) -> None:
    run = run_on_sixty(network, CONFIG)
    rows = rows_of(run, CONFIG)
    assert run.finished
    assert run.one_forward_seconds is not None
    assert sum(row.samples for row in rows) < 0.6 * 60 * len(rows)
    assert len({row.samples for row in rows}) > 1
    plain = replace(CONFIG, tolerance=None)
    full = rows_of(run_on_sixty(network, plain), plain)
    for bits in BITS:
        allowed = 0.05 * sum(row.delta_loss for row in full if row.bits == bits)
        pairs = [(a, b) for a, b in zip(rows, full, strict=True) if a.bits == bits]
        assert all(abs(a.delta_loss - b.delta_loss) <= allowed for a, b in pairs)


@pytest.mark.parametrize("done", [0.0, 0.1, 0.5, 0.9, 0.99])
def test_stopped_run_goes_on_to_the_same_table(network: Network, done: float) -> None:
    whole = run_on_sixty(network, CONFIG)
    assert len(whole.pieces) > 1.5 * len(LAYERS) * len(BITS)  # there is a second round
    at = int(done * len(whole.pieces))
    kept: list[Piece] = []
    orders: list[list[int]] = []
    first = run_on_sixty(
        network,
        CONFIG,
        on_piece=kept.append,
        on_order=orders.append,
        should_stop=lambda: bool(orders) and len(kept) >= at,
    )
    assert not first.finished
    assert len(kept) == at
    (order,) = orders
    assert sorted(order) == list(range(60))
    second = run_on_sixty(
        network, CONFIG, done=kept, order=order, on_order=lambda order: pytest.fail("dealt twice")
    )
    assert second.finished
    together = [*kept, *second.pieces]
    assert sorted(map(repr, together)) == sorted(map(repr, whole.pieces))
    assert run_on_sixty(network, CONFIG, done=together) == ExactRun((), None, True)


def test_progress_rises_in_every_round_also_after_a_resume(network: Network) -> None:
    heard: list[tuple[float, str]] = []
    orders: list[list[int]] = []
    whole = run_on_sixty(
        network, CONFIG, on_order=orders.append, on_progress=lambda *said: heard.append(said)
    )
    every = [fraction for fraction, _ in heard]
    assert every == sorted(every)
    seen = [fraction for fraction, text in heard if text.endswith("bits")]
    assert 0.9 < seen[-1] <= 1
    assert seen[11] == pytest.approx(0.5)  # 12 cells have seen their first group
    resumed: list[tuple[float, str]] = []
    run_on_sixty(
        network,
        CONFIG,
        done=whole.pieces[:20],
        order=orders[0],
        on_progress=lambda *said: resumed.append(said),
    )
    again = [fraction for fraction, text in resumed if text.endswith("bits")]
    assert again == pytest.approx(seen[20:])
    assert resumed[0][0] >= seen[19]  # setting up does not set the bar back


@given(st.integers(1, 90), st.integers(1, 12), st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1))
def test_every_image_is_dealt_once_and_large_ones_are_spread(
    images: int, groups: int, seed: int, draw: int
) -> None:
    sizes = np.random.default_rng(draw).random(images)
    dealt = deal(sizes, groups, seed)
    assert sorted(dealt.tolist()) == list(range(images))
    ranks = np.argsort(np.argsort(-sizes))
    for group in np.array_split(dealt, groups):
        assert sorted(ranks[group] // groups) == list(range(len(group)))  # one of every stratum


def test_pooled_intervals_on_paper() -> None:
    """Cells of 1, 2, 3 and 2, 4, 6: relative variance (1 + 4) / (4 + 16) = 1/4, as in each."""
    cells = [Moments(3, 6.0, 14.0), Moments(3, 12.0, 56.0)]
    t = stats.t.ppf(0.975, 10)
    found = pooled_intervals(cells, 100, never_negative=False)
    for scale, interval in zip((1, 2), found, strict=True):
        half = scale * t / np.sqrt(3)
        assert interval == pytest.approx((2 * scale - half, 2 * scale + half))
    factor = np.exp(t * np.sqrt(np.log(1 + 1 / 12)))
    found = pooled_intervals(cells, 100, never_negative=True)
    for scale, interval in zip((1, 2), found, strict=True):
        assert interval == pytest.approx((2 * scale / factor, 2 * scale * factor))
    assert pooled_intervals(cells, 3, never_negative=True) == [c.interval() for c in cells]
    assert pooled_intervals([Moments(1, 2.0, 4.0)], 100, never_negative=True) == [None]
    zeros = Moments(4, 0.0, 0.0)
    assert pooled_intervals([zeros], 100, never_negative=True) == [(0.0, 0.0)]


def test_cells_that_need_more_images() -> None:
    wide = SensitivityRow("a", 4, "weight", 0.8, 0.5, 1.1, 16)
    narrow = SensitivityRow("b", 4, "weight", 0.2, 0.1, 0.3, 16)
    full = SensitivityRow("b", 2, "weight", 0.2, 0.0, 9.0, 64)
    unknown = SensitivityRow("a", 2, "weight", 0.3, None, None, 1)
    found = unsettled((wide, narrow, full, unknown), 64, 0.1)
    assert found == {("a", Width(4)): 45, ("a", Width(2)): 64}
    after = replace(wide, samples=45)  # s / sqrt(n) falls: the same deviation over more images
    after = replace(
        after, ci_low=0.8 - 0.3 * (16 / 45) ** 0.5, ci_high=0.8 + 0.3 * (16 / 45) ** 0.5
    )
    assert not unsettled((after, narrow), 64, 0.1)
    fewer = replace(after, samples=44, ci_low=0.8 - 0.3 * (16 / 44) ** 0.5)
    fewer = replace(fewer, ci_high=0.8 + 0.3 * (16 / 44) ** 0.5)
    assert unsettled((fewer, narrow), 64, 0.1) == {("a", Width(4)): 45}


def test_a_mean_whose_square_is_zero_has_an_interval() -> None:
    (interval, _) = pooled_intervals([Moments(4, 4e-170, 0.0), Moments(4, 4.0, 6.0)], 100, True)
    assert interval is not None
    assert 0 < interval[0] <= 1e-170 <= interval[1]
