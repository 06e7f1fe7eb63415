"""The quantizer against closed forms, PyTorch's own quantizer and a dense search."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file
from scipy.optimize import minimize_scalar
from scipy.special import ndtr, ndtri
from torch import Tensor

from qcore.quantize.symmetric import max_scale, mse_scale, quantize
from qcore.samples import weights_file

WIDTHS = (2, 3, 4, 5, 6, 8, 16)
widths = st.integers(2, 16)
values = st.lists(st.floats(-10, 10, width=32), min_size=1, max_size=40)
scales = st.floats(2**-12, 4, width=32)


def row(numbers: list[float], dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.tensor(numbers, dtype=dtype).reshape(1, -1)


def squared_error(weights: Tensor, scale: Tensor, bits: int) -> Tensor:
    """(kernels,) computed without the module under test's own sum."""
    n = 2 ** (bits - 1) - 1
    nearest = torch.clamp(torch.round(weights / scale), -n, n) * scale
    return ((nearest - weights) ** 2).sum(1)


def normal_error(threshold: float, bits: int) -> float:
    """Mean squared error of N(0, 1) in closed form: the integral over every level's own cell."""
    n = 2 ** (bits - 1) - 1
    step = threshold / n

    def density(x: float) -> float:
        return math.exp(-x * x / 2) / math.sqrt(2 * math.pi)

    total = 0.0
    for k in range(-n, n + 1):
        low = -40.0 if k == -n else (k - 0.5) * step
        high = 40.0 if k == n else (k + 0.5) * step
        mass, c = float(ndtr(high) - ndtr(low)), k * step
        first = density(low) - density(high)
        second = mass + low * density(low) - high * density(high)
        total += second - 2 * c * first + c * c * mass
    return total


@pytest.mark.parametrize(
    ("bits", "threshold", "error", "points_tolerance"),
    [
        (2, 1.2240, 0.190174, 0.01),
        (3, 1.9523, 0.046860, 0.01),
        (4, 2.4739, 0.012889, 0.01),
        (8, 3.9205, 8.8e-5, 0.03),  # the points end at 4.4, where the normal does not
    ],
    ids=["2 bits", "3 bits", "4 bits", "8 bits"],
)
def test_known_answer_for_the_normal_distribution(
    bits: int, threshold: float, error: float, points_tolerance: float
) -> None:
    best = minimize_scalar(normal_error, (1, 3), (0.5, 8), args=(bits,), method="bounded")
    assert (best.x, best.fun) == (
        pytest.approx(threshold, rel=1e-3),
        pytest.approx(error, rel=0.01),
    )
    points = row(ndtri([(k + 0.5) / 100_000 for k in range(100_000)]).tolist())
    scale = mse_scale(points, bits)
    found = float(scale) * (2 ** (bits - 1) - 1)
    assert found == pytest.approx(threshold, rel=0.02)
    assert normal_error(found, bits) == pytest.approx(best.fun, rel=0.01)
    measured = float((quantize(points, scale, bits) - points).square().mean())
    assert measured == pytest.approx(error, rel=points_tolerance)


@pytest.mark.parametrize("bits", WIDTHS)
def test_equals_fake_quantize_of_torch(bits: int) -> None:
    generator = torch.Generator().manual_seed(bits)
    weights = torch.randn(24, 50, generator=generator)
    n = 2 ** (bits - 1) - 1
    # A power of two divides exactly, so PyTorch's product with 1 / scale rounds the same way.
    scale = 2.0 ** torch.randint(-12, 0, (24, 1), generator=generator)
    weights[:, :4] = scale * torch.tensor([0.5, 1.5, -0.5, -2.5])  # ties go to the even level
    oracle = torch.fake_quantize_per_channel_affine(
        weights, scale.reshape(-1), torch.zeros(24, dtype=torch.int32), 0, -n, n
    )
    assert torch.equal(quantize(weights, scale, bits), oracle)


def normal(g: torch.Generator, *shape: int) -> Tensor:
    return torch.randn(shape, generator=g, dtype=torch.float64)


WEIGHTS: dict[str, Callable[[torch.Generator], Tensor]] = {
    "normal": lambda g: normal(g, 16, 400),
    "uniform": lambda g: torch.rand(16, 400, generator=g).double() - 0.5,
    "heavy tails": lambda g: normal(g, 16, 400) ** 3,
    "one outlier": lambda g: torch.cat([normal(g, 16, 399), 30 * torch.ones(16, 1)], 1),
    "depthwise": lambda g: normal(g, 64, 9),
    "one weight": lambda g: normal(g, 16, 1),
    "sparse": lambda g: normal(g, 16, 400) * (torch.rand(16, 400, generator=g) < 0.1),
}


def found_and_dense(weights: Tensor, bits: int) -> tuple[Tensor, Tensor]:
    """The error of ``mse_scale`` and of the best of 600 thresholds, per kernel."""
    top = weights.abs().amax(1, keepdim=True) / (2 ** (bits - 1) - 1)
    tried = [squared_error(weights, top * k / 600, bits) for k in range(1, 601)]
    return squared_error(weights, mse_scale(weights, bits), bits), torch.stack(tried).amin(0)


@pytest.mark.parametrize(("bits", "tolerance"), [(2, 0.01), (3, 0.01), (4, 0.01), (8, 0.04)])
@pytest.mark.parametrize("kind", list(WEIGHTS))
def test_scale_is_as_good_as_a_dense_search(kind: str, bits: int, tolerance: float) -> None:
    weights = WEIGHTS[kind](torch.Generator().manual_seed(7))
    found, dense = found_and_dense(weights, bits)
    assert found.sum() <= (1 + tolerance) * dense.sum() + 1e-20
    assert (found <= squared_error(weights, max_scale(weights, bits), bits)).all()


@pytest.mark.parametrize("bits", [2, 4, 6, 8])
def test_a_trained_network_is_within_2_percent_of_a_dense_search(bits: int) -> None:
    stored = load_file(weights_file("fashion-cnn")).values()
    layers = [w.double().reshape(len(w), -1) for w in stored if w.dim() > 1]
    assert len(layers) == 11
    sums = [[error.sum() for error in found_and_dense(layer, bits)] for layer in layers]
    found, dense = torch.tensor(sums).sum(0)
    assert found <= 1.02 * dense


def test_max_scale_puts_the_largest_magnitude_on_the_top_level() -> None:
    weights = torch.tensor([[0.5, -1.27], [0.0, 0.0], [3.81, 1.0]])
    assert max_scale(weights, 8).reshape(-1).tolist() == pytest.approx([0.01, 1.0, 0.03])


@pytest.mark.parametrize("bits", WIDTHS)
@pytest.mark.parametrize("tiny", [0.0, 1e-44, 1e-38], ids=["zero", "denormal", "smallest"])
def test_dead_kernels_stay_finite(bits: int, tiny: float) -> None:
    """Weight decay leaves unused kernels at zero or at denormal numbers."""
    weights = torch.tensor([[tiny, 0.0, -tiny], [1.0, 0.0, -1.0]])
    scale = mse_scale(weights, bits)
    assert (scale > 0).all()
    rounded = quantize(weights, scale, bits)
    assert torch.isfinite(rounded).all()
    assert (rounded[0].abs() <= 2 * tiny).all()
    assert rounded[1].tolist() == pytest.approx([1.0, 0.0, -1.0])


@given(values, scales, widths)
def test_idempotent(numbers: list[float], scale: float, bits: int) -> None:
    once = quantize(row(numbers, torch.float32), torch.tensor([[scale]]), bits)
    assert torch.equal(quantize(once, torch.tensor([[scale]]), bits), once)


@given(values, scales, widths)
def test_monotone_and_odd(numbers: list[float], scale: float, bits: int) -> None:
    rising = row(sorted(numbers), torch.float32)
    rounded = quantize(rising, torch.tensor([[scale]]), bits)
    assert (rounded.diff() >= 0).all()
    assert torch.equal(quantize(-rising, torch.tensor([[scale]]), bits), -rounded)


@given(values, scales, widths)
def test_error_is_half_a_step_inside_the_range(
    numbers: list[float], scale: float, bits: int
) -> None:
    weights, top = row(numbers), scale * (2 ** (bits - 1) - 1)
    rounded = quantize(weights, row([scale]), bits)
    inside = weights.abs() <= top
    assert ((rounded - weights).abs()[inside] <= scale / 2 * (1 + 1e-9)).all()
    assert torch.equal(rounded[~inside], weights[~inside].sign() * top)


@given(st.integers(2, 5), st.integers(0, 1000))
def test_at_most_2_to_the_b_minus_1_values(bits: int, seed: int) -> None:
    weights = torch.randn(3, 300, generator=torch.Generator().manual_seed(seed))
    for kernel in quantize(weights, mse_scale(weights, bits), bits):
        assert len(kernel.unique()) <= 2**bits - 1


@pytest.mark.parametrize("bits", [-3, 0, 1, 17, 32])
@pytest.mark.parametrize("function", [max_scale, mse_scale, lambda w, b: quantize(w, w, b)])
def test_bits_out_of_range(function: Callable[[Tensor, int], Tensor], bits: int) -> None:
    with pytest.raises(ValueError, match="2 to 16"):
        function(torch.ones(2, 3), bits)
