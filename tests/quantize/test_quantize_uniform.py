"""Integers and back, against PyTorch's and ONNX's own operators and numbers by hand."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator
from torch import Tensor

from qcore.quantize.limits import full_range, largest_level, restricted_range, unsigned_range
from qcore.quantize.uniform import (
    affine_parameters,
    dequantize,
    fake_quantize,
    full_scale,
    quantize,
    restricted_scale,
)

widths = st.integers(2, 16)
values = st.lists(st.floats(-10, 10, width=32), min_size=1, max_size=40)
powers = st.integers(-12, 2).map(lambda exponent: 2.0**exponent)
RANGES = {"restricted": restricted_range, "full": full_range, "unsigned": unsigned_range}
ranges = st.sampled_from(list(RANGES.values()))


def vector(numbers: list[float], dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.tensor(numbers, dtype=dtype)


@pytest.mark.parametrize(
    ("bits", "restricted", "full", "unsigned"),
    [(2, (-1, 1), (-2, 1), (0, 3)), (8, (-127, 127), (-128, 127), (0, 255))],
)
def test_ranges(
    bits: int, restricted: tuple[int, int], full: tuple[int, int], unsigned: tuple[int, int]
) -> None:
    assert restricted_range(bits) == restricted
    assert largest_level(bits) == full[1]
    assert full_range(bits) == full
    assert unsigned_range(bits) == unsigned


def test_halves_go_to_the_even_integer_before_the_zero_point_is_added() -> None:
    x = vector([0.5, 1.5, 2.5, -0.5])
    integers = quantize(x, 1.0, 1, 0, 255)
    assert integers.tolist() == [1, 3, 3, 1]
    assert integers.dtype == torch.int32
    assert dequantize(integers, 1.0, 1).tolist() == [0, 2, 2, 0]
    assert fake_quantize(x, 1.0, 1, 0, 255).tolist() == [0, 2, 2, 0]


def test_asymmetric_known_answer() -> None:
    scale, zero_point = affine_parameters(vector([-1])[0], vector([3])[0], 8)
    assert float(scale) == pytest.approx(0.0156862745, abs=1e-10)
    assert float(zero_point) == 64
    x = vector([-1.5, -1, -0.2, 0, 0.5, 1.5, 3, 4])
    integers = quantize(x, scale, zero_point, *unsigned_range(8))
    assert integers.tolist() == [0, 0, 51, 64, 96, 160, 255, 255]
    assert dequantize(integers, scale, zero_point)[3] == 0


def test_bias_of_the_full_range() -> None:
    """Two vectors at right angles: the full range moves their product, the restricted does not."""
    a, b = vector([-2.2, -1.1, 1.1, 2.2]), vector([0.5, 0.3, 0.3, 0.5])
    products = {}
    for name, scale_of, integers in (
        ("full", full_scale, full_range(8)),
        ("restricted", restricted_scale, restricted_range(8)),
    ):
        scales = [scale_of(x.max(), 8) for x in (a, b)]
        qa, qb = (quantize(x, s, 0, *integers) for x, s in zip((a, b), scales, strict=True))
        products[name] = (qa.tolist(), qb.tolist(), int((qa * qb).sum()))
        real = dequantize((qa * qb).sum(), scales[0] * scales[1], 0)
        assert float(real) == pytest.approx({"full": -0.008526611328125, "restricted": 0}[name])
    assert products == {
        "full": ([-128, -64, 64, 127], [127, 77, 77, 127], -127),
        "restricted": ([-127, -64, 64, 127], [127, 76, 76, 127], 0),
    }


@pytest.mark.parametrize("name", list(RANGES))
@pytest.mark.parametrize("bits", [2, 3, 8, 16])
def test_equals_fake_quantize_of_torch(name: str, bits: int) -> None:
    low, high = RANGES[name](bits)
    generator = torch.Generator().manual_seed(bits)
    x = torch.randn(24, 50, generator=generator)
    # A power of two divides exactly, so PyTorch's product with 1 / scale rounds the same way.
    scale = 2.0 ** torch.randint(-12, 0, (24, 1), generator=generator)
    zero_point = torch.randint(low, high + 1, (24, 1), generator=generator)
    x[:, :4] = scale * torch.tensor([0.5, 1.5, -0.5, -2.5])
    per_row = fake_quantize(x, scale, zero_point, low, high)
    assert torch.equal(
        per_row,
        torch.fake_quantize_per_channel_affine(
            x, scale[:, 0], zero_point[:, 0].to(torch.int32), 0, low, high
        ),
    )
    integers = quantize(x, scale, zero_point, low, high)
    assert torch.equal(dequantize(integers, scale, zero_point), per_row)
    one_scale, one_zero = float(scale[0]), int(zero_point[0])
    assert torch.equal(
        fake_quantize(x, one_scale, one_zero, low, high),
        torch.fake_quantize_per_tensor_affine(x, one_scale, one_zero, low, high),
    )


def quantize_linear_model(element: int, axis: int | None) -> onnx.ModelProto:
    attributes = {} if axis is None else {"axis": axis}
    shape = [] if axis is None else [None]
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "scale", "zero"], ["q"], **attributes),
        helper.make_node("DequantizeLinear", ["q", "scale", "zero"], ["y"], **attributes),
    ]
    graph = helper.make_graph(
        nodes,
        "quantize",
        [
            helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, None]),
            helper.make_tensor_value_info("scale", TensorProto.FLOAT, shape),
            helper.make_tensor_value_info("zero", element, shape),
        ],
        [
            helper.make_tensor_value_info("q", element, [None, None]),
            helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, None]),
        ],
    )
    opsets = [helper.make_opsetid("", 19)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=9)
    onnx.checker.check_model(model)
    return model


def by_reference(model: onnx.ModelProto, feed: dict[str, np.ndarray]) -> list[np.ndarray]:
    return ReferenceEvaluator(model).run(None, feed)


def by_runtime(model: onnx.ModelProto, feed: dict[str, np.ndarray]) -> list[np.ndarray]:
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    return session.run(None, feed)


@pytest.mark.parametrize("oracle", [by_reference, by_runtime])
@pytest.mark.parametrize("axis", [None, 0], ids=["per tensor", "per row"])
@pytest.mark.parametrize(
    ("element", "kind", "integers"),
    [
        (TensorProto.INT8, np.int8, full_range(8)),
        (TensorProto.UINT8, np.uint8, unsigned_range(8)),
    ],
    ids=["int8", "uint8"],
)
def test_equals_onnx(
    oracle: Callable[[onnx.ModelProto, dict[str, np.ndarray]], list[np.ndarray]],
    axis: int | None,
    element: int,
    kind: type,
    integers: tuple[int, int],
) -> None:
    generator = torch.Generator().manual_seed(3)
    x = torch.randn(6, 400, generator=generator)
    scale = torch.rand(6, 1, generator=generator) * 0.03 + 0.001
    zero_point = torch.randint(*integers, (6, 1), generator=generator)
    x[:, :5] = scale * torch.tensor([0.5, 1.5, 2.5, -0.5, 1e6])
    if axis is None:
        scale, zero_point = scale[:1], zero_point[:1]
    shape = () if axis is None else (6,)
    feed = {
        "x": x.numpy(),
        "scale": scale.numpy().reshape(shape),
        "zero": zero_point.numpy().reshape(shape).astype(kind),
    }
    q, y = oracle(quantize_linear_model(element, axis), feed)
    ours = quantize(x, scale, zero_point, *integers)
    assert np.array_equal(ours.numpy(), q.astype(np.int64))
    assert np.array_equal(dequantize(ours, scale, zero_point).numpy(), y)


def test_scales_put_the_threshold_on_a_level() -> None:
    threshold = vector([1.27, 2.54, 0])
    assert restricted_scale(threshold, 8).tolist() == pytest.approx([0.01, 0.02, 1])
    assert full_scale(vector([2.0, 0.0, 1e-320]), 16).tolist() == pytest.approx([2**-14, 1, 1])
    scale = full_scale(vector([2.0])[0], 3)
    both = fake_quantize(vector([-2, 2]), scale, 0, *full_range(3))
    assert both.tolist() == [-2, 1.5]


def test_affine_parameters_widen_the_range_to_hold_zero() -> None:
    low, high = vector([[-1], [0.5], [-3], [0]]), vector([[3], [3], [-1], [0]])
    scale, zero_point = affine_parameters(low, high, 2)
    assert scale.reshape(-1).tolist() == pytest.approx([4 / 3, 1, 1, 1])
    assert zero_point.tolist() == [[1], [0], [3], [0]]


@given(values, powers, widths, ranges, st.floats(0, 1))
def test_one_pass_equals_there_and_back(
    numbers: list[float],
    scale: float,
    bits: int,
    range_of: Callable[[int], tuple[int, int]],
    share: float,
) -> None:
    low, high = range_of(bits)
    zero_point = round(low + share * (high - low))
    x = vector(numbers)
    back = dequantize(quantize(x, scale, zero_point, low, high), vector([scale])[0], zero_point)
    once = fake_quantize(x, scale, zero_point, low, high)
    assert torch.equal(once, back)
    assert torch.equal(fake_quantize(once, scale, zero_point, low, high), once)
    reach = ((low - zero_point) * scale, (high - zero_point) * scale)
    inside = (x >= reach[0]) & (x <= reach[1])
    assert ((once - x).abs()[inside] <= scale / 2).all()
    assert (fake_quantize(x.sort().values, scale, zero_point, low, high).diff() >= 0).all()


@given(st.floats(-5, 5), st.floats(-5, 5), widths)
def test_affine_holds_zero_and_both_ends(one: float, other: float, bits: int) -> None:
    low, high = min(one, other), max(one, other)
    scale, zero_point = affine_parameters(vector([low])[0], vector([high])[0], bits)
    ends = vector([low, 0, high])
    rounded = fake_quantize(ends, scale, zero_point, *unsigned_range(bits))
    assert rounded[1] == 0
    assert ((rounded - ends).abs() <= scale / 2 * (1 + 1e-9)).all()


@pytest.mark.parametrize("bits", [-3, 0, 1, 17, 32])
def test_bits_out_of_range(bits: int) -> None:
    one = torch.ones(())
    for call in (
        lambda: restricted_range(bits),
        lambda: full_range(bits),
        lambda: unsigned_range(bits),
        lambda: largest_level(bits),
        lambda: restricted_scale(one, bits),
        lambda: full_scale(one, bits),
        lambda: affine_parameters(-one, one, bits),
    ):
        with pytest.raises(ValueError, match="2 to 16"):
            call()
