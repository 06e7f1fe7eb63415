"""Histograms counted in pieces, against numpy on all the values at once."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from calibrate_common import floats, histogram_of, values_32
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from torch import Tensor

from qcore.calibrate import streaming
from qcore.calibrate.histogram import BINS, SMALLEST_WIDTH, Histogram, no_values, width_for
from qcore.calibrate.merge import merged
from qcore.calibrate.streaming import count_values
from qcore.errors import BadInput

any_float = arrays(
    np.float32,
    st.integers(1, 40),
    elements=st.floats(width=32, allow_nan=False, allow_infinity=False),
)


def direct(values: np.ndarray) -> Histogram:
    """Counted by numpy, in double precision."""
    values = np.asarray(values, np.float64).reshape(-1)
    amax = float(np.abs(values).max(initial=0))
    width = SMALLEST_WIDTH
    while BINS * width <= amax:
        width *= 2
    edges = np.arange(BINS + 1) * width
    return Histogram(
        width,
        np.histogram(-values[values < 0], edges)[0],
        np.histogram(values[values > 0], edges)[0],
        int((values == 0).sum()),
        float(values.min(initial=math.inf)) if values.size else 0.0,
        float(values.max(initial=-math.inf)) if values.size else 0.0,
    )


def assert_equal(a: Histogram, b: Histogram) -> None:
    assert (a.bin_width, a.zeros, a.low, a.high) == (b.bin_width, b.zeros, b.low, b.high)
    assert np.array_equal(a.negative, b.negative)
    assert np.array_equal(a.positive, b.positive)
    assert a.negative.dtype == a.positive.dtype == np.int64


@given(st.one_of(values_32, any_float))
def test_counts_are_numpy_s(values: np.ndarray) -> None:
    assert_equal(count_values(torch.from_numpy(values)), direct(values))


@given(arrays(np.int64, 30, elements=st.integers(-4096, 4096)), st.integers(-40, 40))
def test_values_on_edges(multiples: np.ndarray, exponent: int) -> None:
    """Edges are where rounding would show: multiples of powers of two, and those beside them."""
    exact = (multiples * 2.0**exponent).astype(np.float32)
    for values in (
        exact,
        np.nextafter(exact, np.float32(0)),
        np.nextafter(exact, np.float32(9e30)),
    ):
        assert_equal(count_values(torch.from_numpy(values)), direct(values))


@given(st.lists(values_32, min_size=1, max_size=6), st.randoms())
def test_batches_in_any_order_and_division_are_the_same(batches: list[np.ndarray], shuffle) -> None:  # type: ignore[no-untyped-def]
    shuffle.shuffle(batches)
    scales = [10.0 ** shuffle.randint(-6, 6) for _ in batches]
    batches = [(b * s).astype(np.float32) for b, s in zip(batches, scales, strict=True)]
    together = np.concatenate(batches)
    total = no_values()
    for batch in batches:
        total = merged(total, count_values(torch.from_numpy(batch)))
    assert_equal(total, direct(together))
    cut = shuffle.randint(0, len(together))
    first, second = (count_values(torch.from_numpy(x)) for x in (together[:cut], together[cut:]))
    assert_equal(merged(second, first), total)


@given(values_32, values_32, values_32)
def test_merging_is_associative_and_leaves_its_arguments(
    a: np.ndarray, b: np.ndarray, c: np.ndarray
) -> None:
    one, two, three = (histogram_of(x) for x in (a, 1e-3 * b, 1e3 * c))
    assert_equal(merged(merged(one, two), three), merged(one, merged(two, three)))
    assert_equal(merged(one, two), merged(two, one))
    assert_equal(one, direct(a))


@given(st.floats(2.0**-88, 1e38))
def test_the_width_is_the_smallest_that_holds(amax: float) -> None:
    width = width_for(amax)
    assert BINS * width > amax >= BINS * width / 2
    assert math.frexp(width)[0] == 0.5


def test_slices_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "_SLICE", 100)
    values = np.random.default_rng(0).normal(size=1234).astype(np.float32)
    values[::5] = 0
    assert_equal(count_values(torch.from_numpy(values)), direct(values))


def test_minus_zero_is_zero() -> None:
    found = count_values(torch.tensor([-0.0, -0.0]))
    assert (found.zeros, math.copysign(1, found.low), math.copysign(1, found.high)) == (2, 1, 1)


def test_more_than_float32_can_count() -> None:
    """A float32 counter stops at 2^24."""
    values = torch.ones(1).expand(2**24 + 5)
    found = count_values(values)
    assert (found.total, int(found.positive.max())) == (2**24 + 5, 2**24 + 5)
    doubled = merged(found, found)
    assert doubled.total == 2**25 + 10


SOME = torch.randn(3, 4, 5, 6, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    "tensor",
    [
        SOME,
        SOME.to(memory_format=torch.channels_last),
        SOME.transpose(0, 3),
        SOME[:, ::2, 1:],
        SOME[0, 0, 0, 0],
        SOME.double(),
        SOME.half(),
        SOME.bfloat16(),
        torch.zeros(4),
        torch.tensor([-0.0, 0.0]),
        torch.zeros(0),
        torch.tensor([1e-45, -1e-45, 3e38]),
        SOME.clone().requires_grad_(),
    ],
    ids=str,
)
def test_shapes_layouts_and_types(tensor: Tensor) -> None:
    expected = direct(tensor.detach().double().numpy())
    assert_equal(count_values(tensor), expected)
    with torch.inference_mode():
        assert_equal(count_values(tensor), expected)


def test_channels_last_is_read_where_it_is() -> None:
    tensor = SOME.to(memory_format=torch.channels_last)
    assert streaming._in_memory_order(tensor).data_ptr() == tensor.data_ptr()


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite(bad: float) -> None:
    with pytest.raises(BadInput, match="NaN or infinite"):
        count_values(torch.tensor([1.0, bad, 2.0]))


@given(arrays(np.float32, 20, elements=floats))
def test_what_a_histogram_says_of_itself(values: np.ndarray) -> None:
    histogram = histogram_of(values)
    magnitudes = np.abs(values.astype(np.float64))
    assert histogram.amax == magnitudes.max()
    assert histogram.total == 20
    expected, _ = np.histogram(magnitudes, np.arange(histogram.used + 1) * histogram.bin_width)
    assert np.array_equal(histogram.magnitudes(), expected)
    assert histogram.magnitudes()[-1] > 0
