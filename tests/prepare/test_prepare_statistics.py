"""Numbers of the page Weights against numpy on the weights themselves."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from small_nets import Residual, as_network, randomise

from qcore.calibrate.histogram import Histogram
from qcore.graph.kernels import to_kernels
from qcore.graph.network import Network
from qcore.prepare.prepare import write_weights
from qcore.prepare.prepared import Prepared, read_layer
from qcore.prepare.statistics import (
    SPARK_BINS,
    histogram_arrays,
    read_histogram,
    read_kernel,
    read_overview,
    read_statistics,
    sparkline,
)
from qcore.prepare.weigh import layer_arrays
from qcore.quantize.grid import Grid, rounding_error, symmetric_grid
from qcore.quantize.limits import GRID_BITS


@pytest.fixture(scope="module")
def network() -> Network:
    return as_network(randomise(Residual(), 3))


@pytest.fixture
def prepared(network: Network) -> Prepared:
    found = Prepared(network.description, None, None)
    write_weights(network, found.weights_path, lambda fraction, message: None)
    return found


def beyond(values: np.ndarray, grid: Grid) -> float:
    """The fraction beyond the threshold, but for the last digit of what lies on it."""
    return float(np.mean(np.abs(values) > grid.threshold * (1 + 2e-6)))


def test_errors_are_those_of_the_grids_on_the_weights(prepared: Prepared) -> None:
    for layer in prepared.network.layers:
        rows = read_layer(prepared.weights_path, layer.name).astype(np.float64)
        found = read_statistics(prepared.weights_path, layer.name)
        assert found.kernel_amax == pytest.approx(np.abs(rows).max(axis=1))
        assert found.kernel_energy == pytest.approx((rows**2).mean(axis=1), rel=1e-5)
        assert found.energy == pytest.approx((rows**2).mean(), rel=1e-5)
        for column, bits in enumerate(GRID_BITS):
            n = 2 ** (bits - 1) - 1
            grid = symmetric_grid(found.layer_scales[column] * n, bits)
            whole = rounding_error(rows, grid)
            assert found.layer_mse[column] == pytest.approx(whole.mean_squared, rel=1e-3)
            assert found.layer_clipped[column] == pytest.approx(beyond(rows, grid))
            for kernel, row in enumerate(rows):
                own = symmetric_grid(found.kernel_scales[kernel, column] * n, bits)
                error = rounding_error(row, own)
                mse = found.kernel_mse[kernel, column]
                assert mse == pytest.approx(error.mean_squared, rel=1e-3, abs=1e-12)
                assert found.kernel_clipped[kernel, column] == pytest.approx(beyond(row, own))


def test_overview_sums_up_the_layers(prepared: Prepared) -> None:
    seen = read_overview(prepared.weights_path)
    for row, layer in enumerate(prepared.network.layers):
        found = read_statistics(prepared.weights_path, layer.name)
        assert seen.energy[row] == pytest.approx(found.energy)
        assert seen.kernel_mse[row] == pytest.approx(found.kernel_mse.mean(axis=0), rel=1e-5)
        assert seen.layer_mse[row] == pytest.approx(found.layer_mse)
        assert seen.amax[row] == found.kernel_amax.max()
        assert seen.median_amax[row] == pytest.approx(np.median(found.kernel_amax))
        assert seen.sparklines[row].sum() == layer.weight_count


def test_histogram_of_the_file_counts_every_weight(prepared: Prepared) -> None:
    for layer in prepared.network.layers:
        rows = read_layer(prepared.weights_path, layer.name)
        found = read_statistics(prepared.weights_path, layer.name).histogram
        assert found.total == rows.size
        assert (found.low, found.high) == (rows.min(), rows.max())
        edges = np.arange(found.positive.size + 1) * found.bin_width
        assert np.array_equal(found.positive, np.histogram(rows[rows > 0], edges)[0])
        assert np.array_equal(found.negative, np.histogram(-rows[rows < 0], edges)[0])


def test_one_kernel_is_one_row(prepared: Prepared, network: Network) -> None:
    layer = network.description.layer("first")
    rows = to_kernels(network.weight(layer), layer).numpy()
    for kernel in (0, 5):
        assert np.array_equal(read_kernel(prepared.weights_path, "first", kernel), rows[kernel])


def test_what_is_not_there(prepared: Prepared) -> None:
    with pytest.raises(KeyError, match="nowhere"):
        read_statistics(prepared.weights_path, "nowhere")
    prepared.weights_path.unlink()
    with pytest.raises(FileNotFoundError):
        read_overview(prepared.weights_path)


def test_kernel_of_zeros_costs_nothing() -> None:
    rows = torch.zeros(2, 4)
    rows[1] = torch.tensor([1.0, -1.0, 0.5, 0.0])
    arrays = layer_arrays(rows)
    assert not arrays["kernel_mse"][0].any()
    assert not arrays["kernel_clipped"][0].any()
    assert arrays["kernel_amax"].tolist() == [0.0, 1.0]


def histogram(negative: list[int], positive: list[int], zeros: int) -> Histogram:
    sides = [np.pad(np.array(side), (0, 2048 - len(side))) for side in (negative, positive)]
    reach = 0.25 * (max(len(negative), len(positive)) - 0.5)
    return Histogram(0.25, sides[0], sides[1], zeros, -reach, reach)


@given(st.lists(st.integers(0, 50), min_size=1, max_size=200), st.integers(0, 9))
def test_sparkline_keeps_count_and_side(side: list[int], zeros: int) -> None:
    line = sparkline(*histogram_arrays(histogram(side, side, zeros)))
    assert line.sum() == 2 * sum(side) + zeros
    assert np.array_equal(line, line[::-1])
    assert line[SPARK_BINS // 2] >= zeros


def test_sparkline_reaches_both_ends() -> None:
    line = sparkline(*histogram_arrays(histogram([0] * 99 + [7], [0] * 99 + [4], 0)))
    assert (line[0], line[-1], line.sum()) == (7, 4, 11)


def test_histogram_survives_a_file() -> None:
    before = histogram([1, 0, 3], [2, 2, 9], 5)
    after = read_histogram(*histogram_arrays(before))
    assert np.array_equal(after.negative, before.negative)
    assert np.array_equal(after.positive, before.positive)
    assert (after.bin_width, after.zeros, after.low, after.high) == (0.25, 5, -0.625, 0.625)
