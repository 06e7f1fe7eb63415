"""What projections say of configurations, against plain loops; and their files."""

from __future__ import annotations

import base64
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qcore.sensitivity.projection.projections import Projections

BITS, LAYERS = (2, 4, 8), ("a", "b", "c", "d")
widths = st.lists(st.sampled_from([None, *BITS]), min_size=4, max_size=4)


def made(seed: int, *, inputs: bool = True, first: bool = True, samples: int = 5) -> Projections:
    rng = np.random.default_rng(seed)
    shape = (2, samples, len(LAYERS), len(BITS))

    def draw(*size: int) -> Any:
        return rng.normal(size=size).astype(np.float32)

    return Projections(
        BITS,
        LAYERS,
        draw(*shape),
        draw(*shape) if inputs else None,
        draw(*shape[1:]) if first else None,
        draw(*shape[1:]) if first and inputs else None,
    )


def naive(p: Projections, weights: list[int | None], inputs: list[int | None]) -> float:
    """The mean over images of first + 1/2 mean over probes of the squared sum."""
    total = 0.0
    for s in range(p.samples):
        first, squares = 0.0, []
        for r in range(p.probes):
            along = 0.0
            for la in range(len(LAYERS)):
                for bits, cells in ((weights[la], p.weights), (inputs[la], p.inputs)):
                    if bits is not None:
                        assert cells is not None
                        along += float(cells[r, s, la, BITS.index(bits)])
            squares.append(along**2)
        for la in range(len(LAYERS)):
            for bits, terms in ((weights[la], p.first_weights), (inputs[la], p.first_inputs)):
                if bits is not None and terms is not None:
                    first += float(terms[s, la, BITS.index(bits)])
        total += first + 0.5 * sum(squares) / len(squares)
    return total / p.samples


def options(chosen: list[int | None]) -> Any:
    return np.array([-1 if bits is None else BITS.index(bits) for bits in chosen])


@settings(max_examples=40)
@given(st.integers(0, 99), widths, widths, st.booleans())
def test_any_configuration(
    seed: int, weights: list[int | None], inputs: list[int | None], first: bool
) -> None:
    p = made(seed, first=first)
    expected = naive(p, weights, inputs)
    found = p.predicted(weights, inputs)
    assert found.mean == pytest.approx(expected, rel=1e-9, abs=1e-9)
    assert found.ci_low is not None
    assert found.ci_high is not None
    assert found.ci_low <= found.mean <= found.ci_high
    both = np.concatenate([options(weights), options(inputs)])
    assert p.form(True).loss(both) == pytest.approx(expected, rel=1e-9, abs=1e-9)
    alone = p.predicted(weights).mean
    assert alone == pytest.approx(naive(p, weights, [None] * 4), rel=1e-9, abs=1e-9)
    assert p.form().loss(options(weights)) == pytest.approx(alone, rel=1e-9, abs=1e-9)


@settings(max_examples=20)
@given(st.integers(0, 99), widths)
def test_moves_and_batches_equal_single_losses(seed: int, weights: list[int | None]) -> None:
    form = made(seed, inputs=False).form()
    choice = options(weights)
    moves = form.moves(choice)
    assert moves.shape == (4, 4)
    tried = []
    for part in range(4):
        for option in range(4):
            other = choice.copy()
            other[part] = option
            tried.append(other)
    losses = [form.loss(other) for other in tried]
    np.testing.assert_allclose(moves.ravel(), losses, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(form.losses(np.stack(tried)), losses, rtol=1e-9, atol=1e-9)


def test_additive_is_the_sum_of_cells() -> None:
    p = made(1)
    weights, inputs = [2, None, 8, 4], [None, 4, 4, None]
    singles = [naive(p, [w if i == la else None for i in range(4)], [None] * 4)
               for la, w in enumerate(weights)]  # fmt: skip
    singles += [naive(p, [None] * 4, [w if i == la else None for i in range(4)])
                for la, w in enumerate(inputs)]  # fmt: skip
    assert p.additive(weights, inputs).mean == pytest.approx(sum(singles), rel=1e-9)


def test_per_sample_of_each_target() -> None:
    p = made(2)
    assert p.weights is not None
    assert p.inputs is not None
    assert p.first_weights is not None
    assert p.first_inputs is not None
    w, x = p.weights.astype(float), p.inputs.astype(float)
    np.testing.assert_allclose(p.per_sample("weight"), p.first_weights + (w**2).mean(0) / 2)
    np.testing.assert_allclose(p.per_sample("activation"), p.first_inputs + (x**2).mean(0) / 2)
    both = p.first_weights.astype(float) + p.first_inputs + ((w + x) ** 2).mean(0) / 2
    np.testing.assert_allclose(p.per_sample("both"), both)
    mixed = p.per_sample_at([(2, 8), (None, 4)])
    square = (w[..., 0] + x[..., 2]) ** 2
    first = p.first_weights[..., 0].astype(float) + p.first_inputs[..., 2]
    np.testing.assert_allclose(mixed[..., 0], first + square.mean(0) / 2)
    np.testing.assert_allclose(mixed[..., 1], p.per_sample("activation")[..., 1])


def test_what_was_not_measured_is_refused() -> None:
    p = made(3, inputs=False)
    with pytest.raises(ValueError, match="activation"):
        p.per_sample("both")
    with pytest.raises(ValueError, match="3 widths for 4"):
        p.predicted([2, 2, 2])
    with pytest.raises(ValueError, match="not in tuple"):
        p.predicted([2, 2, 2, 5])
    assert p.predicted([None] * 4).mean == 0
    with pytest.raises(ValueError, match="neither"):
        Projections(BITS, LAYERS)
    assert p.weights is not None
    with pytest.raises(ValueError, match="probes, samples"):
        Projections(BITS, LAYERS[:3], p.weights)


def test_joined_is_the_concatenation_over_samples() -> None:
    one, two = made(4), made(5, samples=3)
    whole = one.joined(two)
    assert (whole.samples, whole.probes) == (8, 2)
    np.testing.assert_array_equal(
        whole.per_sample("both"), np.concatenate([one.per_sample("both"), two.per_sample("both")])
    )
    for other in (made(5, inputs=False), made(5, first=False)):
        with pytest.raises(ValueError, match="targets"):
            one.joined(other)


@pytest.mark.parametrize("inputs", [False, True])
def test_through_json(inputs: bool) -> None:
    p = made(6, inputs=inputs)
    copy = Projections.from_json(json.loads(json.dumps(p.to_json())))
    assert (copy.bits, copy.layers) == (p.bits, p.layers)
    np.testing.assert_array_equal(copy.per_sample("weight"), p.per_sample("weight"))
    assert (copy.inputs is None) == (not inputs)


def _with(**fields: Any) -> dict[str, Any]:
    return {**made(7).to_json(), **fields}


def _floats(values: Any) -> str:
    return base64.b64encode(np.asarray(values, "<f4").tobytes()).decode()


CELLS = [2, 5, 4, 3]
HOSTILE: dict[str, Any] = {
    "no field": {},
    "no layers": _with(layers=[]),
    "layers of numbers": _with(layers=[1, 2, 3, 4]),
    "one layer less": _with(layers=["a", "b", "c"]),
    "bits of one": _with(bits=[1, 4, 8]),
    "not an object": _with(weights="x"),
    "another shape": _with(weights={"shape": [2, 5, 4, 4], "float32": _floats(np.zeros(120))}),
    "a huge shape": _with(weights={"shape": [2**20] * 4, "float32": _floats(np.zeros(120))}),
    "shape of minus one": _with(weights={"shape": [-1, 5, 4, 3], "float32": ""}),
    "not base64": _with(weights={"shape": CELLS, "float32": "é" * 640}),
    "padding": _with(weights={"shape": CELLS, "float32": "=" * 640}),
    "NaN": _with(weights={"shape": CELLS, "float32": _floats(np.full(120, np.nan))}),
    "no weights and no inputs": _with(weights=None, inputs=None),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_nonsense_is_a_value_error(name: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - each has words of its own
        Projections.from_json(HOSTILE[name])
