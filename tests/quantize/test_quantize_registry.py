"""What holds of every quantizer that can be picked, and what of some only."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator

import pytest
import torch
from hypothesis import given, settings
from quantize_cases import group, trained_layers, two_rows, widths
from torch import Tensor

from qcore.quantize.quantizer_texts import DEFAULT_QUANTIZER, QUANTIZER_TEXTS
from qcore.quantize.registry import (
    QUANTIZERS,
    EvenLevels,
    ListedLevels,
    levels_list,
)
from qcore.quantize.symmetric import max_scale, mse_scale, quantize

NAMES = list(QUANTIZERS)
CERTAIN = [name for name in NAMES if name != "stochastic"]
PER_KERNEL = [name for name in NAMES if QUANTIZERS[name].per_kernel]


@pytest.fixture(autouse=True)
def warnings_are_errors() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def test_names_titles_and_sources() -> None:
    assert list(QUANTIZER_TEXTS) == NAMES
    assert DEFAULT_QUANTIZER in NAMES
    assert " ".join(NAMES) == (
        "symmetric symmetric-max symmetric-full affine fixed-point mid-rise "
        "mid-tread stochastic uniform-range histogram prior-normal k-means"
    )
    assert len({text.title for text in QUANTIZER_TEXTS.values()}) == len(NAMES)
    for text in QUANTIZER_TEXTS.values():
        assert re.search(r"\([A-Z][^()]* \d{4}[^()]*\)\.$", text.about)
    assert [name for name in NAMES if QUANTIZER_TEXTS[name].live] == ["symmetric", "symmetric-max"]
    assert PER_KERNEL == ["symmetric", "symmetric-max", "symmetric-full", "affine"]


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=20)
@given(two_rows(), widths)
def test_shapes_and_counts(name: str, rows: tuple[Tensor, Tensor], bits: int) -> None:
    fitted, other = rows
    quantizer = QUANTIZERS[name]
    levels = quantizer.fit(fitted, bits)
    groups = len(fitted) if quantizer.per_kernel else 1
    if isinstance(levels, EvenLevels):
        assert levels.first.shape == levels.step.shape == (groups, 1)
        assert (levels.step > 0).all()
        restricted = name in ("symmetric", "symmetric-max")
        assert levels.count == (2**bits - 1 if restricted else 2**bits)
    else:
        assert levels.values.dtype == fitted.dtype
        assert len(levels.values) == groups
        assert levels.values.shape[1] <= 2**bits
        if name != "k-means":
            assert levels.values.shape[1] == 2**bits
    for row in range(groups):
        assert (levels_list(levels, row).diff() >= 0).all()
    rounded = quantizer.round(other, levels)
    assert rounded.shape == other.shape
    assert rounded.dtype == other.dtype


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=20)
@given(two_rows(), widths)
def test_idempotent(name: str, rows: tuple[Tensor, Tensor], bits: int) -> None:
    quantizer = QUANTIZERS[name]
    levels = quantizer.fit(rows[0], bits)
    once = quantizer.round(rows[1], levels)
    assert torch.equal(quantizer.round(once, levels), once)


@pytest.mark.parametrize("name", CERTAIN)
@settings(max_examples=20)
@given(two_rows(), widths)
def test_monotone(name: str, rows: tuple[Tensor, Tensor], bits: int) -> None:
    quantizer = QUANTIZERS[name]
    levels = quantizer.fit(rows[0], bits)
    rising = rows[1].sort(dim=1).values
    assert (quantizer.round(rising, levels).diff(dim=1) >= 0).all()


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=20)
@given(two_rows(), widths)
def test_the_nearest_level_so_half_a_step_at_most(
    name: str, rows: tuple[Tensor, Tensor], bits: int
) -> None:
    """Stochastic rounding takes one of two neighbours: a whole step at most."""
    quantizer = QUANTIZERS[name]
    levels = quantizer.fit(rows[0], bits)
    rounded = quantizer.round(rows[1], levels).double()
    for row, (exact, found) in enumerate(zip(rows[1].double(), rounded, strict=True)):
        known = group(levels, row)
        slack = 1e-6 * max(float(exact.abs().max()), float(known.abs().max()))
        assert ((found[:, None] - known).abs().amin(1) <= slack).all()
        widest = float(known.diff().max()) if len(known) > 1 else 0.0
        inside = (exact >= known[0]) & (exact <= known[-1])
        steps = 1 if name == "stochastic" else 0.5
        assert ((found - exact).abs()[inside] <= widest * steps + slack).all()
        if name != "stochastic":
            nearest = (exact[:, None] - known).abs().amin(1)
            assert ((found - exact).abs() <= nearest + slack).all()


@pytest.mark.parametrize("name", ["symmetric", "symmetric-max"])
@settings(max_examples=20)
@given(two_rows(), widths)
def test_odd(name: str, rows: tuple[Tensor, Tensor], bits: int) -> None:
    quantizer = QUANTIZERS[name]
    levels, mirrored = (quantizer.fit(sign * rows[0], bits) for sign in (1, -1))
    assert torch.equal(quantizer.round(-rows[1], mirrored), -quantizer.round(rows[1], levels))
    for row in range(len(rows[0])):
        known = levels_list(levels, row)
        assert torch.equal(known, -known.flip(0))
        assert known[len(known) // 2] == 0


@pytest.mark.parametrize("name", ["symmetric-full", "fixed-point"])
@settings(max_examples=20)
@given(two_rows(), widths)
def test_odd_up_to_the_last_level_below_zero(
    name: str, rows: tuple[Tensor, Tensor], bits: int
) -> None:
    quantizer = QUANTIZERS[name]
    levels = quantizer.fit(rows[0], bits)
    one, other = (quantizer.round(sign * rows[1], levels) for sign in (1, -1))
    for row in range(len(one)):
        top = float(group(levels, row)[-1]) * (1 + 1e-6)
        within = rows[1][row].abs() <= top
        assert torch.equal(one[row][within], -other[row][within])


@pytest.mark.parametrize("name", [*PER_KERNEL, "fixed-point"])
@settings(max_examples=20)
@given(two_rows(), widths)
def test_zero_stays_zero(name: str, rows: tuple[Tensor, Tensor], bits: int) -> None:
    quantizer = QUANTIZERS[name]
    levels = quantizer.fit(rows[0], bits)
    assert not quantizer.round(torch.zeros_like(rows[1]), levels).any()
    for row in range(len(rows[0])):
        assert 0 in group(levels, row)


@pytest.mark.parametrize("bits", [2, 4, 8, 16])
def test_symmetric_is_the_weight_quantizer(bits: int) -> None:
    for rows in trained_layers():
        for name, scale in (("symmetric", mse_scale), ("symmetric-max", max_scale)):
            quantizer = QUANTIZERS[name]
            found = quantizer.round(rows, quantizer.fit(rows, bits))
            assert torch.equal(found, quantize(rows, scale(rows, bits), bits))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("value", [0.0, 0.3, -0.3, 1e-38, 1e-44, 1e30])
def test_tensors_of_one_value_stay_finite(name: str, value: float) -> None:
    rows = torch.full((3, 5), value)
    for bits in (2, 8):
        rounded = QUANTIZERS[name].round(rows, QUANTIZERS[name].fit(rows, bits))
        assert torch.isfinite(rounded).all()
        assert ((rounded - rows).abs() <= abs(value) * 0.51 + 2.0**-60).all()


def test_levels_of_known_rows() -> None:
    rows = torch.tensor([[0.3, -1.0], [2.0, 1.0]])
    symmetric = QUANTIZERS["symmetric-max"].fit(rows, 2)
    assert levels_list(symmetric, 0).tolist() == [-1, 0, 1]
    assert levels_list(symmetric, 1).tolist() == [-2, 0, 2]
    affine = QUANTIZERS["affine"].fit(torch.tensor([[-1.0, 3.0]]), 8)
    known = levels_list(affine, 0)
    assert len(known) == 256
    assert known[[0, 64, 255]].tolist() == pytest.approx([-64 / 63.75, 0, 191 / 63.75])
    assert known[64] == 0
    assert levels_list(ListedLevels(rows), 1).tolist() == [2, 1]


def test_stochastic_rounding_repeats_itself_and_keeps_the_mean() -> None:
    quantizer = QUANTIZERS["stochastic"]
    rows = torch.randn(100, 1000, generator=torch.Generator().manual_seed(0))
    levels = quantizer.fit(rows, 3)
    rounded = quantizer.round(rows, levels)
    assert torch.equal(quantizer.round(rows, levels), rounded)
    step = float(levels_list(levels, 0).diff()[0])
    # Five standard errors; the deviation of one draw is at most half a step.
    assert abs(float((rounded - rows).mean())) <= 5 * step / 2 / rows.numel() ** 0.5


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("bits", [1, 17])
def test_bits_out_of_range(name: str, bits: int) -> None:
    with pytest.raises(ValueError, match="2 to 16"):
        QUANTIZERS[name].fit(torch.ones(2, 3), bits)
