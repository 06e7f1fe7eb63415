"""Runs that stop, go on, and say how far they are."""

from __future__ import annotations

import pytest
from small_nets import random_data, residual_network

from qcore.calibrate.clipping import Clipping
from qcore.graph import chunks
from qcore.graph.network import Network
from qcore.sensitivity.config import SensitivityConfig
from qcore.sensitivity.exact import ExactRun, measure_exact
from qcore.sensitivity.pieces import Piece

BITS = (2, 4, 8)


def run_small(config: SensitivityConfig, network: Network | None = None, **options) -> ExactRun:
    return measure_exact(network or residual_network(), random_data(20), config, **options)


CONFIG = SensitivityConfig(BITS, "cross_entropy", 20, clipping=Clipping(bias_correction=False))


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "_CHUNK_IMAGES", 8)


@pytest.mark.parametrize("stopped_after", [0, 1, 13, 35])
@pytest.mark.usefixtures("small_chunks")
def test_stop_keeps_pieces_and_resume_adds_only_the_rest(stopped_after: int) -> None:
    network = residual_network()
    whole = run_small(CONFIG, network)
    assert len(whole.pieces) == 36
    kept: list[Piece] = []
    first = run_small(
        CONFIG, network, on_piece=kept.append, should_stop=lambda: len(kept) >= stopped_after
    )
    assert not first.finished
    assert list(first.pieces) == kept
    assert len(kept) == stopped_after
    second = run_small(CONFIG, network, done=kept)
    assert second.finished
    assert {p.key for p in second.pieces}.isdisjoint({p.key for p in kept})
    assert sorted(map(repr, [*kept, *second.pieces])) == sorted(map(repr, whole.pieces))


@pytest.mark.usefixtures("small_chunks")
def test_nothing_is_computed_where_all_is_known() -> None:
    whole = run_small(CONFIG)
    again = run_small(CONFIG, done=whole.pieces)
    assert again == ExactRun((), None, True)


@pytest.mark.usefixtures("small_chunks")
def test_first_chunk_gives_every_cell_a_value() -> None:
    assert [p.chunk for p in run_small(CONFIG).pieces] == [0] * 12 + [1] * 12 + [2] * 12


@pytest.mark.usefixtures("small_chunks")
def test_progress_rises_to_one_also_after_a_resume() -> None:
    seen: list[float] = []
    whole = run_small(CONFIG, on_progress=lambda fraction, message: seen.append(fraction))
    assert seen == sorted(seen)
    assert len(set(seen)) == 36
    assert seen[-1] == pytest.approx(1.0)
    resumed: list[float] = []
    done = whole.pieces[:20]
    run_small(CONFIG, done=done, on_progress=lambda fraction, message: resumed.append(fraction))
    assert resumed == pytest.approx(seen[20:])
