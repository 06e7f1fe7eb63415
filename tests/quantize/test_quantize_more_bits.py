"""More bits, or levels of its own for each kernel: never worse where that can be proved.

Where the levels of b bits are all among those of b + 1 bits, no value is worse off. Elsewhere
(2^b - 1 steps do not divide 2^(b+1) - 1, quantiles move, k-means stops at a local minimum, the
search over scales has no proof) single tensors can lose: what holds is that the step halves, and
that a bell and a trained network gain.
"""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from quantize_cases import group, mean_squared, trained_layers, two_rows, widths
from torch import Tensor

from qcore.quantize.registry import QUANTIZERS, EvenLevels
from qcore.quantize.symmetric import quantize


@pytest.mark.parametrize("name", ["symmetric-full", "mid-tread"])
@settings(max_examples=20)
@given(two_rows(), widths)
def test_one_bit_more_is_never_worse_where_levels_are_nested(
    name: str, rows: tuple[Tensor, Tensor], bits: int
) -> None:
    quantizer, x = QUANTIZERS[name], rows[0].double()
    if name == "mid-tread" and float(x.max() - x.min()) < 1e-3:
        return  # of values that are all the same the step is no fraction of a range
    coarse, fine = (mean_squared(quantizer, x, b) for b in (bits, bits + 1))
    assert fine <= coarse * (1 + 1e-9) + 1e-15


@settings(max_examples=20)
@given(two_rows(), widths, st.floats(2**-6, 4, width=32))
def test_one_bit_more_is_never_worse_at_the_same_step(
    rows: tuple[Tensor, Tensor], bits: int, step: float
) -> None:
    scale, x = torch.full((len(rows[0]), 1), step), rows[0]
    coarse, fine = ((quantize(x, scale, b) - x).abs() for b in (bits, bits + 1))
    assert (fine <= coarse).all()


@pytest.mark.parametrize("name", ["symmetric-max", "affine", "mid-rise", "uniform-range"])
@settings(max_examples=20)
@given(two_rows(), widths)
def test_one_bit_more_halves_the_step(name: str, rows: tuple[Tensor, Tensor], bits: int) -> None:
    """The bound of the error falls, whatever becomes of single values."""
    steps = []
    for b in (bits, bits + 1):
        levels = QUANTIZERS[name].fit(rows[0].double(), b)
        known = torch.stack([group(levels, row) for row in range(len(rows[0]))])
        steps.append(known.diff(dim=1).amax(1))
    varied = steps[0] > 1e-4
    if name in ("symmetric-max", "affine"):  # a row of zeros has step 1
        varied &= rows[0].abs().amax(1) > 0
    assert (steps[1][varied] <= steps[0][varied] / 2 * (1 + 1e-9)).all()


@pytest.mark.parametrize("name", list(QUANTIZERS))
def test_one_bit_more_is_better_on_a_bell_and_on_a_trained_network(name: str) -> None:
    bell = torch.randn(20, 400, generator=torch.Generator().manual_seed(4))
    for layer in [bell, *trained_layers()]:
        errors = [mean_squared(QUANTIZERS[name], layer, bits) for bits in range(2, 8)]
        assert errors == sorted(errors, reverse=True)


@pytest.mark.parametrize("bits", [2, 3, 4, 6])
def test_own_levels_for_each_kernel_are_never_worse(bits: int) -> None:
    g = torch.Generator().manual_seed(bits)
    spread = torch.randn(16, 50, generator=g) * torch.rand(16, 1, generator=g) * 3
    for layer in [spread, *trained_layers()]:
        one_group = layer.reshape(1, -1)
        quantizer = QUANTIZERS["symmetric"]
        assert mean_squared(quantizer, layer, bits) <= mean_squared(quantizer, one_group, bits)


@pytest.mark.parametrize("name", ["symmetric-max", "symmetric-full", "affine"])
@settings(max_examples=20)
@given(two_rows(), widths)
def test_own_levels_for_each_kernel_have_no_longer_steps(
    name: str, rows: tuple[Tensor, Tensor], bits: int
) -> None:
    x = rows[0][rows[0].any(1)]
    if not len(x):
        return
    own, shared = (QUANTIZERS[name].fit(data, bits) for data in (x, x.reshape(1, -1)))
    assert isinstance(own, EvenLevels)
    assert isinstance(shared, EvenLevels)
    assert (own.step <= shared.step * (1 + 1e-6)).all()
