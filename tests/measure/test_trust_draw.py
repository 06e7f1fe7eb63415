"""Random configurations: where their average bits lie."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr
from small_nets import residual_network

from qcore.measure.trust_draw import (
    Configuration,
    draw_bits,
    target_bits,
    trust_configurations,
)
from qcore.quantize.limits import DEFAULT_BITS
from qcore.sensitivity.config import SensitivityConfig, Width

bit_lists = st.lists(st.integers(2, 16), min_size=1, max_size=6, unique=True).map(sorted)


@settings(max_examples=100)
@given(
    bit_lists, st.lists(st.integers(1, 10**6), min_size=1, max_size=30), st.floats(0, 1), st.data()
)
def test_no_single_step_comes_nearer_to_the_target(
    widths: list[int], sizes: list[int], fraction: float, data: st.DataObject
) -> None:
    weights = np.array(sizes, float)
    random = np.random.default_rng(data.draw(st.integers(0, 99)))
    bits = draw_bits(widths, weights, fraction, random)
    assert set(bits) <= set(widths)
    target = target_bits(widths, fraction)
    gap = abs(np.average(bits, weights=weights) - target)
    for layer, own in enumerate(bits):
        for step in (-1, 1):
            place = widths.index(own) + step
            if 0 <= place < len(widths):
                other = [*bits[:layer], widths[place], *bits[layer + 1 :]]
                assert abs(np.average(other, weights=weights) - target) >= gap * (1 - 1e-6) - 1e-9


def test_targets_leave_the_lowest_width_out() -> None:
    assert [target_bits((2, 4, 8), f) for f in (0, 0.25, 1)] == [4, 5, 8]
    assert [target_bits((3, 7), f) for f in (0, 0.5, 1)] == [3, 5, 7]
    assert target_bits((4,), 0.5) == 4
    # A step of the list counts as much as any other: half of all targets are not above 8 bits.
    assert target_bits((2, 4, 8, 16), 0.5) == 8


def network_of_50_layers() -> tuple[np.ndarray, np.random.Generator]:
    random = np.random.default_rng(3)
    return np.exp(random.normal(10, 1.5, 50)), random


def test_many_layers_meet_their_targets_and_stay_random() -> None:
    sizes, random = network_of_50_layers()
    fractions = (np.arange(12) + 0.5) / 12
    drawn = [draw_bits(DEFAULT_BITS, sizes, fraction, random) for fraction in fractions]
    gaps = [
        abs(np.average(bits, weights=sizes) - target_bits(DEFAULT_BITS, fraction))
        for bits, fraction in zip(drawn, fractions, strict=True)
    ]
    assert np.median(gaps) < 0.01
    assert max(gaps) < 0.15  # near the highest width few layers can still go up
    assert all(len(set(bits)) >= 3 for bits in drawn[:9])
    # Neighbours share no more than chance would have it.
    assert abs(spearmanr(drawn[5], drawn[6]).statistic) < 0.5


def residual(target: str = "weight", **more: object) -> SensitivityConfig:
    return SensitivityConfig((2, 3, 4, 5, 6, 8), "kl", 8, target=target, **more)  # type: ignore[arg-type]


def test_the_same_seed_gives_the_same_configurations() -> None:
    network = residual_network().description
    first = trust_configurations(network, residual())
    assert trust_configurations(network, residual(), seed=0) == first
    assert trust_configurations(network, residual(), seed=1) != first
    assert len(set(first)) == len(first)
    averages = [configuration.average_bits for configuration in first]
    assert averages[0] < 4 < 7 < averages[-1]
    counts = np.array([layer.weight_count for layer in network.layers])
    for one in first:
        bits = [width.bits for width in one.widths]
        assert one.average_bits == pytest.approx(np.dot(bits, counts) / counts.sum())


def test_each_target_has_its_widths() -> None:
    network = residual_network().description
    inputs = trust_configurations(network, residual("activation"))
    assert {width.activation_bits for one in inputs for width in one.widths} == {None}
    both = trust_configurations(network, residual("both"))
    assert all(width.bits == width.activation_bits for one in both for width in one.widths)
    config = residual("both", activation_bits=(4, 8))
    pairs = {width for one in trust_configurations(network, config) for width in one.widths}
    assert pairs <= set(config.widths)
    assert len({(w.bits, w.activation_bits) for w in pairs}) > len({w.bits for w in pairs})


def test_equal_configurations_are_kept_once() -> None:
    network = residual_network().description
    config = SensitivityConfig((4,), "kl", 8)
    (only,) = trust_configurations(network, config)
    assert only == Configuration((Width(4),) * len(network.layers), 4.0)
