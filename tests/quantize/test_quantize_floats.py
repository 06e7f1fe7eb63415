"""Bits of floating-point numbers and of integer codes, against other implementations."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from qcore.errors import BadInput
from qcore.quantize.codes import (
    affine_codes,
    decode_code,
    encode_code,
    fixed_point_codes,
    symmetric_codes,
)
from qcore.quantize.floats import (
    BF16,
    E4M3,
    E5M2,
    FLOAT_FORMATS,
    FP16,
    FP32,
    BitPattern,
    FloatFormat,
    decode,
    encode,
)
from qcore.quantize.multiplier import integer_multiplier, multiply
from qcore.quantize.worked import integer_product, quantize_matrix, requantize

DOUBLES = st.floats(width=64) | st.floats(-500, 500) | st.floats(-1e-4, 1e-4)
SMALL_FORMATS = {
    "bf16": torch.bfloat16,
    "fp16": torch.float16,
    "e5m2": torch.float8_e5m2,
    "e4m3": torch.float8_e4m3fn,
}


def numpy_bits(value: float, real: type, integer: type) -> int:
    with np.errstate(over="ignore"):
        return int(np.array([value]).astype(real).view(integer)[0])


@pytest.mark.parametrize(
    ("value", "of", "hexadecimal"),
    [
        (6.0, FP32, "0x40C00000"),
        (-0.5, FP32, "0xBF000000"),
        (0.1, FP32, "0x3DCCCCCD"),
        (0.1, BF16, "0x3DCD"),
        (math.pi, BF16, "0x4049"),
        (1 / 3, FP16, "0x3555"),
        (65504.0, FP16, "0x7BFF"),
        (65520.0, FP16, "0x7C00"),
        (65519.99, FP16, "0x7BFF"),
        (2.0**-24, FP16, "0x0001"),
        (2.0**-25, FP16, "0x0000"),
        (-0.0, FP16, "0x8000"),
        (math.nan, FP32, "0x7FC00000"),
        (-math.inf, BF16, "0xFF80"),
        (448.0, E4M3, "0x7E"),
        (1e9, E4M3, "0x7E"),
        (math.nan, E4M3, "0x7F"),
        (61440.0, E5M2, "0x7C"),
    ],
)
def test_known_patterns(value: float, of: FloatFormat, hexadecimal: str) -> None:
    assert encode(value, of).hexadecimal == hexadecimal


def test_the_fields_of_six() -> None:
    six = encode(6.0, FP32)
    assert six.bits == "01000000110000000000000000000000"
    assert (six.sign, six.stored_exponent, six.exponent) == (0, 129, 2)
    assert (six.significand, six.kind, six.value, six.exact) == (1.5, "normal", 6.0, "6")
    assert six.spacing == 2.0**-21


def test_the_fields_of_a_subnormal_and_of_what_is_no_number() -> None:
    tiny = BitPattern(FP16, 1)
    assert (tiny.kind, tiny.stored_exponent, tiny.exponent) == ("subnormal", 0, -14)
    assert (tiny.significand, tiny.spacing) == (2.0**-10, 2.0**-24)
    assert tiny.exact == "0.000000059604644775390625"
    for code, kind in ((0x7C00, "infinity"), (0x7C01, "nan")):
        odd = BitPattern(FP16, code)
        assert (odd.kind, odd.exponent, odd.significand, odd.spacing) == (kind, None, None, None)


@pytest.mark.parametrize(("name", "dtype"), SMALL_FORMATS.items())
def test_every_pattern_of_the_small_formats(name: str, dtype: torch.dtype) -> None:
    of = FLOAT_FORMATS[name]
    integer = torch.int16 if of.bits == 16 else torch.int8
    patterns = torch.arange(2**of.bits).to(integer).view(dtype).to(torch.float64)
    ours = np.array([decode(code, of) for code in range(2**of.bits)])
    np.testing.assert_array_equal(ours, patterns.numpy())
    assert np.array_equal(np.signbit(ours), np.signbit(patterns.numpy()) & ~np.isnan(ours))
    again = [encode(value, of).code for value in ours]
    assert all(code == back for code, back in enumerate(again) if not math.isnan(ours[code]))


@given(DOUBLES)
def test_rounding_agrees_with_numpy(value: float) -> None:
    if math.isnan(value):
        return
    assert encode(value, FP32).code == numpy_bits(value, np.float32, np.uint32)
    assert encode(value, FP16).code == numpy_bits(value, np.float16, np.uint16)


@given(st.floats(width=32, allow_nan=False))
def test_rounding_of_a_float32_agrees_with_torch(value: float) -> None:
    single = torch.tensor([value], dtype=torch.float32)
    for name, dtype in SMALL_FORMATS.items():
        expected = float(single.to(dtype).to(torch.float64))
        assert encode(value, FLOAT_FORMATS[name]).value == expected, name


@given(st.floats(-3e38, 3e38))
def test_bf16_is_the_nearest_of_all_its_numbers(value: float) -> None:
    here = encode(value, BF16)
    # Neighbouring patterns are neighbouring numbers, so nothing nearer can lie farther away.
    for code in (here.code - 1, here.code + 1):
        other = BitPattern(BF16, code & 0xFFFF)
        if not math.isfinite(other.value):
            continue
        mine, theirs = (abs(Fraction(p.value) - Fraction(value)) for p in (here, other))
        assert mine < theirs or (mine == theirs and (here.code % 2 == 0 or here.value == 0))


def test_bf16_is_nearest_by_brute_force() -> None:
    every = np.array([decode(code, BF16) for code in range(0x7F80)])
    values = np.random.default_rng(0).lognormal(0, 20, 200)
    for value in values:
        assert abs(encode(value, BF16).value - value) == np.abs(every - value).min()


def test_a_double_is_rounded_once() -> None:
    """Through FP32 it would fall on the tie between 1 and 1 + 2^-7, and then on the even 1."""
    value = 1 + 2**-8 + 2**-40
    assert encode(value, BF16).value == 1 + 2**-7
    assert encode(encode(value, FP32).value, BF16).value == 1.0


def test_patterns_of_too_many_bits_are_refused() -> None:
    with pytest.raises(ValueError, match="16 bits"):
        decode(0x10000, FP16)
    with pytest.raises(ValueError, match="8 bits"):
        decode_code(256, symmetric_codes(1.0, 8))


def test_known_codes() -> None:
    xs = [-1.5, -1, -0.2, 0, 0.5, 1.5, 3, 4]
    codes = [encode_code(x, affine_codes(-1, 3, 8)) for x in xs]
    assert [c and c.code for c in codes] == [0, 0, 51, 64, 96, 160, 255, 255]
    assert [c and c.clipped for c in codes] == [True, *[False] * 6, True]
    full, restricted = symmetric_codes(2.2, 8, full_range=True), symmetric_codes(2.2, 8)
    assert [encode_code(x, full).code for x in (-2.2, -1.1, 2.2)] == [-128, -64, 127]  # type: ignore[union-attr]
    assert [encode_code(x, restricted).code for x in (-2.2, -1.1, 2.2)] == [-127, -64, 127]  # type: ignore[union-attr]
    minus_one = encode_code(-1.0, fixed_point_codes(4, 4))
    assert minus_one is not None
    assert (minus_one.bits, minus_one.hexadecimal, minus_one.value) == ("11110000", "0xF0", -1.0)
    assert (fixed_point_codes(4, 4).low, fixed_point_codes(4, 4).high) == (-8.0, 7.9375)


def test_what_has_no_code_or_lies_beyond() -> None:
    of = affine_codes(-1, 3, 8)
    assert encode_code(math.nan, of) is None
    for value, code in ((math.inf, 255), (-math.inf, 0), (1e300, 255)):
        found = encode_code(value, of)
        assert found is not None
        assert (found.code, found.clipped) == (code, True)


@given(
    st.floats(-100, 100),
    st.floats(0.01, 50),
    st.integers(2, 16),
    st.sampled_from(["restricted", "full", "affine", "fixed"]),
)
def test_a_code_is_the_nearest_and_survives_its_bits(
    value: float, threshold: float, bits: int, scheme: str
) -> None:
    of = {
        "restricted": lambda: symmetric_codes(threshold, bits),
        "full": lambda: symmetric_codes(threshold, bits, full_range=True),
        "affine": lambda: affine_codes(-threshold / 3, threshold, bits),
        "fixed": lambda: fixed_point_codes(bits // 2, bits - bits // 2),
    }[scheme]()
    code = encode_code(value, of)
    assert code is not None
    assert decode_code(int(code.bits, 2), of) == code.value
    again = encode_code(code.value, of)
    assert again is not None
    assert again.code == code.code
    if code.clipped:
        assert code.code in (of.lowest, of.highest)
    else:
        assert abs(code.value - value) <= of.scale / 2 * (1 + 1e-9)


@given(st.floats(-50, 50), st.integers(2, 16))
def test_codes_agree_with_torch(value: float, bits: int) -> None:
    of = affine_codes(-4.0, 9.0, bits)
    code = encode_code(value, of)
    expected = torch.fake_quantize_per_tensor_affine(
        torch.tensor([value], dtype=torch.float64), of.scale, of.zero_point, 0, 2**bits - 1
    )
    assert code is not None
    # torch multiplies by 1 / scale in float32, so that near a tie it may fall the other way.
    near_tie = abs(value / of.scale % 1 - 0.5) < 1e-6 * max(1, abs(value / of.scale))
    assert code.value == pytest.approx(float(expected), rel=1e-6) or near_tie


def test_the_multiplier_of_the_worked_example() -> None:
    multiplier = integer_multiplier((127 / 3) / (63.5 * 127))
    assert (multiplier.mantissa, multiplier.shift) == (1442928645, 38)
    assert multiplier.fraction == pytest.approx(0.671916, abs=1e-6)
    assert multiplier.exponent == -7
    assert multiply([[-5222], [-3413]], multiplier).tolist() == [[-27], [-18]]


@given(st.floats(2.0**-31, 2.0**29), st.integers(-(2**31), 2**31 - 1))
def test_a_multiplier_is_exact_to_31_bits(real: float, accumulator: int) -> None:
    multiplier = integer_multiplier(real)
    assert 2**30 <= multiplier.mantissa < 2**31
    assert abs(multiplier.value - real) <= real * 2.0**-31
    product = Fraction(accumulator) * multiplier.mantissa / 2**multiplier.shift
    away = math.floor(abs(product) + Fraction(1, 2)) * (1 if accumulator >= 0 else -1)
    assert int(multiply(accumulator, multiplier)) == away


def test_a_mantissa_that_rounds_up_to_one_is_halved() -> None:
    multiplier = integer_multiplier(1 - 2**-40)
    assert (multiplier.mantissa, multiplier.shift, multiplier.value) == (2**30, 30, 1.0)


@pytest.mark.parametrize("real", [0.0, -1.0, math.inf, math.nan, 2.0**30, 2.0**-33])
def test_multipliers_that_do_not_fit_are_refused(real: float) -> None:
    with pytest.raises(BadInput, match="multiplier"):
        integer_multiplier(real)


def test_accumulators_beyond_32_bits_are_refused() -> None:
    with pytest.raises(ValueError, match="32-bit"):
        multiply([2**31], integer_multiplier(0.5))


def test_the_worked_product_and_its_requantization() -> None:
    a = quantize_matrix([[-1.54, 0.22], [-0.26, 0.65]], 2.0, 8)
    b = quantize_matrix([[0.35], [-0.51]], 1.0, 8)
    product = integer_product(a, b)
    assert (1 / a.scale, 1 / b.scale) == pytest.approx((63.5, 127.0))
    assert a.integers.tolist() == [[-98, 14], [-17, 41]]
    assert b.integers.tolist() == [[44], [-65]]
    assert product.accumulators.tolist() == [[-5222], [-3413]]
    assert product.exact.ravel() == pytest.approx([-0.6512, -0.4225])
    assert product.dequantized.ravel() == pytest.approx([-0.647529, -0.423213], abs=1e-6)
    out = requantize(product, 3.0, 8)
    assert out.factor == pytest.approx(0.00524934, abs=1e-8)
    assert out.unrounded.ravel() == pytest.approx([-27.412, -17.916], abs=1e-3)
    assert out.integers.tolist() == [[-27], [-18]]
    assert out.dequantized.ravel() == pytest.approx([-0.637795, -0.425197], abs=1e-6)
    assert not out.clipped
    assert requantize(product, 0.5, 8).integers.tolist() == [[-127], [-107]]
    assert requantize(product, 0.5, 8).clipped


@pytest.mark.parametrize(
    ("full", "b", "total", "real"),
    [
        (True, [127, 77, 77, 127], -127, -0.008526611328125),
        (False, [127, 76, 76, 127], 0, 0.0),
    ],
)
def test_the_full_range_is_biased_and_the_restricted_one_is_not(
    full: bool, b: list[int], total: int, real: float
) -> None:
    left = quantize_matrix([[-2.2, -1.1, 1.1, 2.2]], 2.2, 8, full)
    right = quantize_matrix([[0.5], [0.3], [0.3], [0.5]], 0.5, 8, full)
    product = integer_product(left, right)
    assert left.integers.tolist() == [[-128 if full else -127, -64, 64, 127]]
    assert right.integers.ravel().tolist() == b
    assert product.accumulators.item() == total
    assert product.dequantized.item() == pytest.approx(real, rel=1e-12)
    assert product.exact.item() == 0.0


def test_matrices_and_ranges_that_cannot_be_used() -> None:
    with pytest.raises(BadInput, match="fill in every cell"):
        quantize_matrix([[math.nan]], 1.0, 8)
    for threshold in (0.0, -1.0, math.inf, math.nan, 1e-320):
        with pytest.raises(BadInput, match="range must be positive"):
            quantize_matrix([[1.0]], threshold, 8)
