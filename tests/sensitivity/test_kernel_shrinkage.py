"""Single kernels: the prior, how much of the distance from it is kept, and the held-out check."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from small_nets import random_data, residual_network

from qcore.calibrate.quantizer import NetworkQuantizer
from qcore.cli.kernels import show_shrinkage
from qcore.errors import BadInput
from qcore.graph.kernels import to_kernels
from qcore.sensitivity.config import SensitivityConfig
from qcore.sensitivity.kernel_estimates import KernelEstimates, kernel_estimates
from qcore.sensitivity.kernel_held_out import held_out
from qcore.sensitivity.kernel_prior import kept_parts, layer_sums, prior_of, to_whole_sample
from qcore.sensitivity.kernel_shrinkage import KernelShrinkage
from qcore.sensitivity.projected import measure_projected
from qcore.sensitivity.projected_rows import rows_of_kernels
from qcore.sensitivity.projection.chunk import ChunkProjections
from qcore.sensitivity.projection.kernel_sums import KernelSums
from qcore.sensitivity.row import row_from_json
from qcore.sensitivity.table import SensitivityTable

BITS = (2, 4)


def sums_of(
    losses: np.ndarray, energies: np.ndarray, kernels: tuple[int, ...] | None = None
) -> KernelSums:
    """losses (images, kernels, bits), energies (kernels, bits)."""
    halves = [losses[0::2], losses[1::2]]
    widths = kernels or (losses.shape[1],)
    return KernelSums(
        BITS[: losses.shape[2]],
        tuple(f"layer{i}" for i in range(len(widths))),
        widths,
        np.array([len(half) for half in halves]),
        np.stack([half.sum(0) for half in halves]),
        np.stack([np.square(half).sum(0) for half in halves]),
        energies.astype(float),
    )


def drawn(seed: int, images: int = 7, kernels: tuple[int, ...] = (3, 5)) -> KernelSums:
    """Losses of either sign."""
    rng = np.random.default_rng(seed)
    count = sum(kernels)
    losses = rng.normal(1, 2, (images, count, 2))
    return sums_of(losses, rng.uniform(0.1, 3, (count, 2)), kernels)


def test_one_gain_a_layer() -> None:
    sums = sums_of(np.zeros((2, 3, 1)), np.array([[1], [3], [7]]), (2, 1))
    prior = prior_of(np.array([[4.0], [0.0], [5.0]]), sums)
    np.testing.assert_allclose(prior[:, 0], [1, 3, 5])


def test_kernels_without_errors_have_a_prior_of_zero() -> None:
    sums = sums_of(np.zeros((2, 3, 1)), np.array([[0], [0], [2]]), (2, 1))
    np.testing.assert_array_equal(prior_of(np.array([[0.0], [0.0], [1.0]]), sums)[:, 0], [0, 0, 1])


@pytest.mark.parametrize(
    ("first", "second", "kept"),
    [
        ((2, 0, 1), (2, 0, 1), 1),
        ((2, 0, 1), (20, 0, 10), 1),  # a half whose losses are larger altogether agrees
        ((2, 0, 1), (0, 2, 1), 0),
        ((1, 1, 1), (3, 0, 0), 0),  # nothing says more than the prior
    ],
)
def test_kept_is_what_two_halves_agree_on(
    first: tuple[int, ...], second: tuple[int, ...], kept: float
) -> None:
    losses = np.array([first, second], float)[:, :, None]
    assert kept_parts(sums_of(losses, np.ones((3, 1)))) == pytest.approx([kept])


def test_kept_is_the_correlation_of_the_distances_and_its_median_over_widths() -> None:
    sums = drawn(3, kernels=(9,))
    distances = [sums.means([half]) - prior_of(sums.means([half]), sums) for half in (0, 1)]
    cosines = [
        a @ b / np.linalg.norm(a) / np.linalg.norm(b)
        for a, b in zip(distances[0].T, distances[1].T, strict=True)
    ]
    assert kept_parts(sums) == pytest.approx([np.clip(np.median(cosines), 0, 1)])


@given(st.integers(0, 2**32 - 1), st.integers(2, 9))
def test_a_layer_s_sum_stays_and_values_lie_between_raw_and_prior(seed: int, images: int) -> None:
    sums = drawn(seed, images)
    found = kernel_estimates(sums)
    np.testing.assert_allclose(
        layer_sums(found.shrunk, sums), layer_sums(found.raw, sums), atol=1e-9
    )
    prior = prior_of(found.raw, sums)
    assert (found.shrunk <= np.maximum(found.raw, prior) + 1e-9).all()
    assert (found.shrunk >= np.minimum(found.raw, prior) - 1e-9).all()
    assert found.low is not None
    assert found.high is not None
    assert (found.low <= found.shrunk).all()
    assert (found.shrunk <= found.high).all()


def test_equal_halves_are_believed_whole() -> None:
    """Then the row is the mean with Student's interval."""
    one = np.random.default_rng(5).normal(size=(4, 6, 1))
    losses = np.repeat(one, 2, 0)
    found = kernel_estimates(sums_of(losses, np.ones((6, 1))))
    np.testing.assert_allclose(found.shrunk, found.raw)
    assert found.high is not None
    half = stats.t.ppf(0.975, 7) * stats.sem(losses)
    np.testing.assert_allclose(found.high - found.shrunk, half)


def test_halves_that_contradict_leave_the_prior_and_its_interval() -> None:
    losses = np.array([[3.0, 1.0], [1.0, 3.0]])[:, :, None]
    found = kernel_estimates(sums_of(losses, np.array([[1.0], [3.0]])))
    np.testing.assert_allclose(found.raw[:, 0], [2, 2])
    np.testing.assert_allclose(found.shrunk[:, 0], [1, 3])
    assert found.high is not None
    # Each mean is 2 ± t: together 4 ± 2 t, of which a quarter and three quarters.
    quantile = stats.t.ppf(0.975, 1)
    np.testing.assert_allclose((found.high - found.shrunk)[:, 0], [quantile / 2, quantile * 1.5])


def one_width_hurt(total: float) -> KernelSums:
    """Four equal rounding errors. The halves agree at 2 bits but for a factor 3, and contradict
    each other at 4, so that nothing of the distance from the prior is kept."""
    pattern = np.array([1.0, 1.0, -1.0, -1.0])
    halves = np.array([[3 * pattern, pattern], [pattern, -pattern]])  # (halves, bits, kernels)
    return sums_of(halves.transpose(0, 2, 1) + total / 4, np.ones((4, 2)))


@pytest.mark.parametrize("total", [40.0, 0.0, -4.0])  # signed losses have sums of either sign
def test_a_width_that_shrinking_hurts_stays_raw(total: float) -> None:
    sums = one_width_hurt(total)
    found = kernel_estimates(sums)
    known = shrinkage(found)
    # At 2 bits raw errs by 2 each way, the prior by 3 or 1; at 4 bits by 2 and 1.
    assert [one.shrunk_error for one in known.held_out] == [pytest.approx(10 / 8), 0.25]
    assert [one.shown for one in known.held_out] == ["raw", "shrunk"]
    assert known.raw_bits == (2,)
    assert (found.is_shrunk(2), found.is_shrunk(4)) == (False, True)
    np.testing.assert_array_equal(found.shrunk[:, 0], found.raw[:, 0])
    np.testing.assert_allclose(found.shrunk[:, 1], total / 4)
    assert found.low is not None
    assert found.high is not None
    losses = np.array([3.0, 1.0]) + total / 4  # of a kernel of the first pair at 2 bits
    half = stats.t.ppf(0.975, 1) * stats.sem(losses)
    np.testing.assert_allclose(found.low[0, 0], losses.mean() - half)
    np.testing.assert_allclose(found.high[0, 0], losses.mean() + half)
    rows = [row for row in rows_of_kernels(found, config(2)) if row.bits == 2]
    assert all(row.raw == row.delta_loss for row in rows)


def test_halves_that_are_equal_at_a_width_stay_raw_there() -> None:
    """There raw values have no error at all, so no relative one is defined."""
    pattern = np.array([1.0, 1.0, -1.0, -1.0])
    halves = np.array([[pattern, pattern], [pattern, -pattern]]).transpose(0, 2, 1)
    known = shrinkage(kernel_estimates(sums_of(halves, np.ones((4, 2)))))
    assert known.kept == (0,)
    assert known.held_out[0].shrunk_error is None
    assert known.raw_bits == (2,)


@pytest.mark.parametrize("noise", [0.1, 1.0, 4.0])
def test_the_error_falls_against_raw_and_prior(noise: float) -> None:
    """True losses spread around one gain, seen through noise: the slope of truth on what was seen
    is known, tau^2 / (tau^2 + sigma^2 / images)."""
    rng = np.random.default_rng(7)
    kernels, images, tau = 4000, 16, 0.5
    energies = rng.uniform(0.5, 2, (kernels, 1))
    truth = energies + rng.normal(0, tau, (kernels, 1))
    losses = truth + rng.normal(0, noise, (images, kernels, 1))
    sums = sums_of(losses, energies)
    found = kernel_estimates(sums)
    assert found.shrinkage is not None
    slope = tau**2 / (tau**2 + noise**2 / images)
    assert found.shrinkage.kept == pytest.approx((slope,), abs=0.04)

    def error(values: np.ndarray) -> float:
        return float(np.square(values - truth).mean())

    best = min(error(found.raw), error(prior_of(found.raw, sums)))
    assert error(found.shrunk) < best * 1.01
    (check,) = found.shrinkage.held_out
    assert check.shrunk_error is not None
    assert check.shrunk_error < min(1, check.prior_error or 1) * 1.01


def test_whole_sample_from_half() -> None:
    np.testing.assert_allclose(to_whole_sample(np.array([0, 0.5, 1])), [0, 2 / 3, 1])


def test_held_out_check_by_hand() -> None:
    """A half's values, shrunk as kernels of the other parity say, against the other half's."""
    sums = drawn(11, 6, (4, 6))
    layers, even = [slice(0, 4), slice(4, 10)], np.arange(10) % 2 == 0
    halves = [sums.means([0]), sums.means([1])]
    priors = [np.zeros((10, 2)), np.zeros((10, 2))]
    for half in (0, 1):
        for rows in layers:
            share = sums.energies[rows] / sums.energies[rows].sum(0)
            priors[half][rows] = halves[half][rows].sum(0) * share
    distances = [halves[0] - priors[0], halves[1] - priors[1]]
    kept = np.zeros((10, 1))
    for rows in layers:
        for parity in (True, False):
            a, b = (one[rows][even[rows] == parity] for one in distances)
            cosines = (a * b).sum(0) / np.sqrt((a**2).sum(0) * (b**2).sum(0))
            place = np.flatnonzero(even[rows] != parity) + rows.start
            kept[place] = np.clip(np.median(cosines), 0, 1)
    shrunk = [priors[half] + kept * distances[half] for half in (0, 1)]
    for column, check in enumerate(held_out(sums)):
        expected = []
        for values in (halves, priors, shrunk):
            pairs = [(values[0], halves[1]), (values[1], halves[0])]
            error = sum(np.square(a - b)[:, column].sum() for a, b in pairs)
            rank = np.mean([stats.spearmanr(a[:, column], b[:, column])[0] for a, b in pairs])
            expected.append((error, rank))
        raw, prior, after = expected
        assert check.bits == BITS[column]
        assert check.prior_error == pytest.approx(prior[0] / raw[0])
        assert check.shrunk_error == pytest.approx(after[0] / raw[0])
        assert (check.raw_rank, check.prior_rank, check.shrunk_rank) == pytest.approx(
            (raw[1], prior[1], after[1])
        )


def test_one_image_is_not_shrunk() -> None:
    found = kernel_estimates(drawn(1, images=1))
    assert found.shrinkage is None
    assert found.low is None
    np.testing.assert_array_equal(found.shrunk, found.raw)
    rows = rows_of_kernels(found, config(1))
    assert {row.ci_low for row in rows} == {None}


def config(images: int = 7) -> SensitivityConfig:
    return SensitivityConfig(BITS, "kl", images, method="projected")


def test_rows_hold_both_values_and_pass_through_json() -> None:
    found = kernel_estimates(drawn(2))
    rows = rows_of_kernels(found, config())
    places = [(r.layer, r.kernel, r.bits) for r in rows]
    each = [("layer0", k) for k in range(3)] + [("layer1", k) for k in range(5)]
    assert places == [(layer, kernel, bits) for layer, kernel in each for bits in BITS]
    np.testing.assert_array_equal([r.delta_loss for r in rows], found.shrunk.ravel())
    np.testing.assert_array_equal([r.raw for r in rows], found.raw.ravel())
    copies = [row_from_json(json.loads(json.dumps(r.to_json())), config()) for r in rows]
    assert copies == list(rows)


def shrinkage(found: KernelEstimates) -> KernelShrinkage:
    assert found.shrinkage is not None
    return found.shrinkage


def test_shrinkage_through_json_and_nonsense() -> None:
    known = shrinkage(kernel_estimates(drawn(4)))
    data = json.loads(json.dumps(known.to_json()))
    assert KernelShrinkage.from_json(data) == known
    wrong: list[dict[str, object]] = [
        {"kept": [0.5]},
        {"kept": [0.5, 1.5]},
        {"kept": ["a", "b"]},
        {"images": 0},
        {"held_out": [{"bits": 2}]},
        {"held_out": [{**data["held_out"][0], "shown": "both"}]},
        {"held_out": [{**data["held_out"][0], "shown": None}]},
    ]
    for change in wrong:
        with pytest.raises((ValueError, KeyError)):
            KernelShrinkage.from_json({**data, **change})


def test_a_table_of_before_the_choice_has_every_width_shrunk() -> None:
    data = shrinkage(kernel_estimates(one_width_hurt(0))).to_json()
    for one in data["held_out"]:
        del one["shown"]
    assert KernelShrinkage.from_json(data).raw_bits == ()


def test_a_table_keeps_it_and_refuses_that_of_other_layers(table: SensitivityTable) -> None:
    known = shrinkage(kernel_estimates(drawn(4)))
    names = tuple(layer.name for layer in table.network.layers)
    own = replace(known, layers=names, kept=(0.5,) * len(names))
    data = json.loads(json.dumps(replace(table, kernel_shrinkage=own).to_json()))
    assert SensitivityTable.from_json(data).kernel_shrinkage == own
    data["kernel_shrinkage"] = known.to_json()
    with pytest.raises(BadInput, match="shrinkage of kernels is of other layers"):
        SensitivityTable.from_json(data)
    data["kernel_shrinkage"] = ["nonsense"]
    with pytest.raises(BadInput, match="not a sensitivity table"):
        SensitivityTable.from_json(data)


def test_the_command_line_prints_the_evidence(capsys: pytest.CaptureFixture[str]) -> None:
    known = shrinkage(kernel_estimates(drawn(4)))
    first = replace(known.held_out[0], shrunk_error=0.876, raw_rank=None)
    show_shrinkage(replace(known, kept=(0.25, 0.75), held_out=(replace(first, shown="shrunk"),)))
    printed = capsys.readouterr().out
    assert "0.50 is kept" in printed
    assert "0.876" in printed
    assert "None" not in printed
    assert "raw values are shown" not in printed
    widths = tuple(replace(first, bits=bits, shown="raw") for bits in (2, 5))
    show_shrinkage(replace(known, held_out=widths))
    printed = capsys.readouterr().out
    assert (
        "At 2, 5 bits the two halves agree better without shrinking: raw values are shown."
        in printed
    )
    show_shrinkage(None)
    assert "nothing was shrunk" in capsys.readouterr().out


def test_energies_are_those_of_the_rounding_errors() -> None:
    network, data = residual_network(), random_data(6)
    asked = SensitivityConfig((2, 5), "kl", 6, method="projected")
    found: list[ChunkProjections] = []
    measure_projected(network, data, asked, on_chunk=lambda _, chunk: found.append(chunk))
    sums = found[0].kernels
    assert sums is not None
    quantizer = NetworkQuantizer(network, asked.clipping)
    for layer in network.description.layers:
        for column, bits in enumerate((2, 5)):
            error = to_kernels(quantizer.weight(layer, bits) - network.weight(layer), layer)
            np.testing.assert_allclose(
                sums.energies[sums.layer_numbers == sums.layers.index(layer.name), column],
                np.square(error.double().numpy()).sum(1),
                rtol=1e-5,
            )
