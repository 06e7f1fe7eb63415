"""Models of one operator against torch, which ran the same layer inside a network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime as ort
import pytest
import torch
from latency_networks import answer, every_kind
from torch import fx

from qcore.latency.calls import Call, Calls, layer_calls, random_images
from qcore.latency.layers import uses_integers
from qcore.latency.layout import without_layout_changes
from qcore.latency.operator_integer import four_bit_model, int8_model, unsigned_grid
from qcore.latency.operator_model import FloatArray, float_model
from qcore.latency.session import open_optimised, operators

BATCH = 2
NAMES = [layer.name for layer in every_kind().description.layers]
TRANSPOSED = ("up", "up_one")
LINEAR = ("head", "tokens")

Array = npt.NDArray[np.float32]


@pytest.fixture(scope="module")
def calls() -> dict[str, Calls]:
    return layer_calls(every_kind(), BATCH)


@pytest.fixture(scope="module")
def truth() -> dict[str, tuple[Array, Array]]:
    """Layer -> what torch gave to it and got from it, at its first use."""
    network = every_kind()
    layer_of = {node: layer.name for layer in network.description.layers for node in layer.nodes}
    found: dict[str, tuple[Array, Array]] = {}

    def observe(node: fx.Node, args: tuple[Any, ...], value: Any) -> None:
        if node.name in layer_of:
            found.setdefault(layer_of[node.name], (args[0].numpy(), value.numpy()))

    runner = network.runner()
    with torch.inference_mode():
        start = runner.start(random_images(network, BATCH))
        runner.advance(start, len(runner.nodes), observe=observe)
    return found


def operands(name: str, calls: dict[str, Calls]) -> tuple[Call, FloatArray, FloatArray | None]:
    network, one = every_kind(), calls[name]
    weight = network.weight(network.description.layer(name)).numpy()
    return one.uses[0], weight, None if one.bias is None else one.bias.numpy()


def test_every_use_of_every_layer_is_found(calls: dict[str, Calls]) -> None:
    assert list(calls) == NAMES
    assert {name: len(one.uses) for name, one in calls.items()} == {
        name: 2 if name == "twice" else 1 for name in NAMES
    }
    strided, same = calls["strided"].uses[0], calls["same"].uses[0]
    assert (strided.x_shape, strided.y_shape) == ((2, 6, 12, 12), (2, 8, 5, 4))
    assert (strided.strides, strided.pads) == ((2, 3), (1, 2, 1, 2))
    assert same.pads == (1, 1, 2, 2)  # torch pads an even kernel more at the end
    assert calls["tokens"].uses[0].x_shape == (BATCH * 6 * 12, 12)
    assert [calls[name].bias is None for name in ("grouped", "tokens", "plain")] == [1, 1, 0]


@pytest.mark.parametrize("name", NAMES)
def test_of_full_precision_it_gives_what_torch_gives(
    name: str, calls: dict[str, Calls], truth: dict[str, tuple[Array, Array]]
) -> None:
    call, weight, bias = operands(name, calls)
    x, y = truth[name]
    found = answer(float_model(call, weight, bias), x.reshape(call.x_shape))
    assert found.shape == call.y_shape
    np.testing.assert_allclose(found.reshape(y.shape), y, atol=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_with_8_bits_it_is_close_and_uses_integer_kernels(
    name: str, calls: dict[str, Calls], truth: dict[str, tuple[Array, Array]]
) -> None:
    call, weight, bias = operands(name, calls)
    x, y = truth[name]
    model = int8_model(call, weight, bias, calls[name].x_range, calls[name].y_range)
    entering, leaving = unsigned_grid(calls[name].x_range), unsigned_grid(calls[name].y_range)
    levels = np.rint(x / entering.scale) + entering.zero_point
    numbers = levels.clip(0, 255).astype(np.uint8).reshape(call.x_shape)
    found = (answer(model, numbers).astype(np.float32) - leaving.zero_point) * leaving.scale
    assert np.abs(found.reshape(y.shape) - y).max() < 4 * leaving.scale + 0.02 * np.abs(y).max()
    session, optimised = open_optimised(model.SerializeToString(), 2)
    names = operators(optimised)
    assert uses_integers(names) == (name not in TRANSPOSED)
    if name in TRANSPOSED:
        assert "ConvTranspose" in names
        return
    assert ("QGemm" if name in LINEAR else "QLinearConv") in names
    fused = session.run(None, {"x": numbers})[0]
    assert np.abs(fused.astype(int) - answer(model, numbers)).max() <= 1  # a tie, rounded otherwise
    check_own_layout(call, optimised, numbers, fused)


def check_own_layout(
    call: Call, optimised: onnx.ModelProto, x: npt.NDArray[np.uint8], y: npt.NDArray[np.uint8]
) -> None:
    """Alone and channels-last the kernel gives the same numbers."""
    alone = without_layout_changes(optimised, call)
    if call.kind == "linear":
        assert alone is None
        return
    assert alone is not None
    assert list(operators(alone)) == ["QLinearConv"]
    session = ort.InferenceSession(alone.SerializeToString(), providers=["CPUExecutionProvider"])
    found = session.run(None, {"x": np.ascontiguousarray(np.moveaxis(x, 1, -1))})[0]
    np.testing.assert_array_equal(np.moveaxis(found, -1, 1), y)


def test_a_kernel_of_full_precision_is_left_alone_too() -> None:
    rng = np.random.default_rng(0)
    call = Call(
        "conv", (1, 32, 9, 9), (64, 32, 3, 3), (1, 64, 7, 7), False, (1, 1), (0,) * 4, (1, 1)
    )
    weight = rng.standard_normal(call.weight_shape, np.float32)
    model = float_model(call, weight, None).SerializeToString()
    _, optimised = open_optimised(model, 2)
    alone = without_layout_changes(optimised, call)
    if alone is None:  # a processor for which ONNX Runtime keeps the plain layout
        assert list(operators(optimised)) == ["Conv"]
        return
    assert dict(operators(alone)) == {"Conv": 1}
    session = ort.InferenceSession(alone.SerializeToString(), providers=["CPUExecutionProvider"])
    x, shape = rng.standard_normal(call.x_shape, np.float32), session.get_inputs()[0].shape
    assert shape == list(call.x_shape)
    found = session.run(None, {"x": blocked(x)})[0]
    plain = ort.InferenceSession(model, providers=["CPUExecutionProvider"]).run(None, {"x": x})[0]
    np.testing.assert_allclose(found, blocked(plain), atol=1e-4)


def blocked(x: Array) -> Array:
    """(N, C, H, W) as ONNX Runtime keeps it for AVX-512 or, narrower, for other processors."""
    size = 16 if "avx512f" in Path("/proc/cpuinfo").read_text(encoding="utf-8") else 8
    n, c, h, w = x.shape
    parts = x.reshape(n, c // size, size, h, w).transpose(0, 1, 3, 4, 2)
    return np.ascontiguousarray(parts).reshape(x.shape)


@pytest.mark.parametrize("name", LINEAR)
def test_4_bit_weights_are_those_of_their_blocks(
    name: str, calls: dict[str, Calls], truth: dict[str, tuple[Array, Array]]
) -> None:
    call, weight, bias = operands(name, calls)
    x = truth[name][0].reshape(call.x_shape)
    rounded = np.empty_like(weight)
    for begin in range(0, weight.shape[1], 32):
        part = weight[:, begin : begin + 32]
        scale = np.abs(part).max(1, keepdims=True) / 7
        rounded[:, begin : begin + 32] = np.rint(part / scale) * scale
    expected = x @ rounded.T + (0 if bias is None else bias)
    np.testing.assert_allclose(answer(four_bit_model(call, weight, bias), x), expected, atol=1e-4)


def test_weights_that_are_all_zero_have_a_scale() -> None:
    call = Call("linear", (1, 40), (3, 40), (1, 3), True)
    weight, bias = np.zeros((3, 40), np.float32), np.ones(3, np.float32)
    x = np.ones((1, 40), np.float32)
    assert answer(four_bit_model(call, weight, bias), x).tolist() == [[1, 1, 1]]
    model = int8_model(call, weight, None, (0.0, 0.0), (-1.0, 1.0))
    assert answer(model, np.ones((1, 40), np.uint8)).tolist() == [[128, 128, 128]]


def test_a_grid_holds_zero_and_both_ends() -> None:
    assert unsigned_grid((-1.0, 1.55)).zero_point == 100
    assert unsigned_grid((2.0, 5.1)).scale == pytest.approx(0.02)
    assert unsigned_grid((2.0, 5.1)).zero_point == 0
    assert unsigned_grid((-5.1, -2.0)).zero_point == 255
