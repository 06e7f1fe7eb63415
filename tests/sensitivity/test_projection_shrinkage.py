"""How much of the cross terms is kept: against plain loops, truth and noise."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from qcore.sensitivity.projection.projections import Projections
from qcore.sensitivity.projection.shrinkage import cross_terms

BITS, WEIGHTS = (2, 4), [(2, None), (4, None)]


def of(weights: Any, inputs: Any = None) -> Projections:
    names = tuple(f"layer {i}" for i in range(weights.shape[2]))
    single = None if inputs is None else inputs.astype(np.float32)
    return Projections(BITS, names, weights.astype(np.float32), single)


def draw(seed: int, probes: int = 3, images: int = 7, layers: int = 4) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(probes, images, layers, 2))


def kept_by_loops(columns: np.ndarray) -> float:
    """1 - sum of variances / sum of squares of the scaled cross terms of two layers."""
    images, layers, options = columns.shape[1:]
    variance = square = 0.0
    for i in range(layers):
        for j in range(layers):
            for a in range(options):
                for b in range(options):
                    if i == j:
                        continue
                    one, two = columns[:, :, i, a], columns[:, :, j, b]
                    scale = np.sqrt((one**2).mean() * (two**2).mean())
                    of_image = (one * two).mean(0) / scale
                    variance += of_image.var(ddof=1) / images
                    square += of_image.mean() ** 2
    return min(1.0, max(0.0, 1 - variance / square))


@pytest.mark.parametrize("seed", range(5))
def test_against_loops(seed: int) -> None:
    columns = draw(seed) + 0.7 * draw(seed + 50, layers=1)  # something in common
    known = of(columns)
    found = cross_terms(known, WEIGHTS)
    assert found.kept == pytest.approx(kept_by_loops(columns), rel=1e-4, abs=1e-4)
    assert 0 < found.kept < 1
    for i in range(4):
        for j in range(4):
            expected = np.einsum("psa,psb->ab", columns[:, :, i], columns[:, :, j]) / 21
            np.testing.assert_allclose(
                found.moments[i, :, j, :], expected * (i != j), rtol=1e-4, atol=1e-5
            )


def test_half_the_cross_terms_are_the_loss_beyond_the_layers_own() -> None:
    known = of(draw(1), draw(2))
    found = cross_terms(known, [(2, 4), (4, None), (None, 2), (None, None)])
    choice = [0, 2, 1, 3]
    each = np.arange(4)
    added = found.moments[each, choice][:, each, choice].sum() / 2
    weights, inputs = [2, None, 4, None], [4, 2, None, None]
    alone = known.per_sample_at([(2, 4), (None, 2), (4, None)]).mean(0)
    own = alone[0, 0] + alone[1, 1] + alone[2, 2]
    assert added == pytest.approx(known.predicted(weights, inputs).mean - own)


def test_noise_is_given_up_and_truth_kept() -> None:
    """Independent layers share nothing; the same projections in all are certain."""
    noise = [cross_terms(of(draw(s, 1, 64, 30)), WEIGHTS).kept for s in range(5)]
    assert max(noise) < 0.1
    same = np.ones((1, 64, 1, 1)) * np.ones((1, 1, 5, 2))
    assert cross_terms(of(same), WEIGHTS).kept == 1.0
    signs = np.sign(draw(9, 1, 64, 1))
    assert cross_terms(of(signs * np.ones((1, 1, 5, 2))), WEIGHTS).kept > 0.9


def test_more_images_keep_more() -> None:
    columns = draw(4, 1, 400, 8) + 0.5 * draw(5, 1, 400, 1)
    kept = [cross_terms(of(columns[:, :n]), WEIGHTS).kept for n in (10, 50, 400)]
    assert kept[0] < kept[1] < kept[2]


def test_the_examples_of_the_docstring() -> None:
    same = np.ones((1, 2, 2, 1)) * np.ones((1, 1, 1, 2))
    assert cross_terms(of(same), WEIGHTS).kept == 1.0
    other = same.copy()
    other[0, 1, 1] = -1
    assert cross_terms(of(other), WEIGHTS).kept == 0.0


def test_nothing_to_tell() -> None:
    for columns in (draw(0, images=1), np.zeros((2, 5, 3, 2)), draw(0, layers=1)):
        found = cross_terms(of(columns), WEIGHTS)
        assert found.kept == 0.0
        assert np.isfinite(found.moments).all()
    with pytest.raises(ValueError, match="no projections at 3 bits"):
        cross_terms(of(draw(0)), [(3, None)])
    with pytest.raises(ValueError, match="no projections at 2 bits"):
        cross_terms(of(draw(0)), [(4, 2)])
