"""Figures of the page Weights."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from qcore.calibrate.streaming import count_values
from ui.figures.errors import UNITS, ErrorCurve, Unit, error_figure
from ui.figures.histogram import layer_bins, row_bins
from ui.figures.kernels import MOST_KERNELS, KernelMap, drawn_kernels, kernel_figure
from ui.theme import DARK, LIGHT


def figure_of(count: int, chosen: int | None = None) -> go.Figure:
    values = np.arange(count, dtype=float)
    texts = tuple(f"kernel {number}" for number in range(count))
    return kernel_figure(KernelMap(np.arange(count), values, texts, "SQNR (dB)"), chosen, LIGHT)


@pytest.mark.parametrize("count", [1, 2, 5, 24, 97, 700])
def test_every_kernel_has_one_square_with_its_colour_under_its_click(count: int) -> None:
    heat, marks = figure_of(count).data
    colours = np.asarray(heat.z, float)
    assert np.isfinite(colours).sum() == count
    for x, y, kernel in zip(marks.x, marks.y, marks.customdata, strict=True):
        assert colours[y, x] == kernel
    assert list(marks.hovertext) == [f"kernel {number}" for number in range(count)]


def test_of_many_kernels_those_of_lowest_sqnr_are_drawn() -> None:
    sqnr = np.random.default_rng(0).permutation(MOST_KERNELS + 300).astype(float)
    sqnr[7] = np.nan  # no error at all
    drawn = drawn_kernels(sqnr)
    assert len(drawn) == MOST_KERNELS
    assert (np.diff(drawn) > 0).all()
    left_out = np.setdiff1d(np.arange(len(sqnr)), drawn)
    assert 7 in left_out
    assert sqnr[drawn].max() < np.nanmin(sqnr[left_out])


def test_the_chosen_kernel_has_a_frame() -> None:
    assert not figure_of(24).layout.shapes
    (frame,) = figure_of(24, 9).layout.shapes
    marks = figure_of(24, 9).data[1]
    place = list(marks.customdata).index(9)
    assert (frame.x0, frame.y0) == (marks.x[place] - 0.5, marks.y[place] - 0.5)


def test_kernels_that_are_all_exact_are_drawn() -> None:
    nothing = np.full(4, np.nan)
    figure = kernel_figure(KernelMap(np.arange(4), nothing, ("",) * 4, "SQNR"), 2, DARK)
    assert len(figure.data[1].x) == 4


@pytest.mark.parametrize("unit", UNITS)
def test_error_curves(unit: Unit) -> None:
    curve = ErrorCurve("one scale", {2: 5.0, 3: 11.0, 4: None}, {2: 0.3, 3: 0.1, 4: 0.0})
    figure = error_figure((curve,), unit, 3, LIGHT)
    (line,) = figure.data
    assert list(line.x) == [2, 3, 4]
    assert list(line.y) == ([5.0, 11.0, None] if unit == "SQNR" else [0.3, 0.1, None])
    assert ("dB" in figure.layout.yaxis.title.text) == (unit == "SQNR")
    assert figure.layout.yaxis.type == ("linear" if unit == "SQNR" else "log")


def test_an_sqnr_of_zero_is_no_gap() -> None:
    curve = ErrorCurve("one scale", {2: 0.0}, {2: 1.0})
    assert list(error_figure((curve,), "SQNR", 2, LIGHT).data[0].y) == [0.0]


VALUES = st.lists(st.floats(-3, 3, width=32), min_size=1, max_size=80)


@given(VALUES)
def test_bins_hold_every_value_once(values: list[float]) -> None:
    array = np.array(values, np.float32)
    for bins in (row_bins(array), layer_bins(count_values(torch.from_numpy(array)))):
        assert bins.zeros == np.sum(array == 0)
        assert bins.counts.sum() + bins.zeros == array.size
        assert bins.seen == (array.min(), array.max())
        filled = np.flatnonzero(bins.counts)
        if filled.size:
            others = array[array != 0].astype(np.float64)
            low = bins.low + filled[0] * bins.bin_width
            high = bins.low + (filled[-1] + 1) * bins.bin_width
            slack = 1e-9 * bins.bin_width
            assert low - slack <= others.min() <= low + bins.bin_width + slack
            assert high - bins.bin_width - slack <= others.max() <= high + slack
