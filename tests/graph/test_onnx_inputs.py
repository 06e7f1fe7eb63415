"""Inputs: layout, free sizes, fixed batches, several of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx_common import assert_as_runtime, model_of, outputs_of, read, real, runtime

from qcore.errors import BadInput
from qcore.graph.onnx_import.load import OnnxNetwork

node = helper.make_node
W = {"w": real(4, 3, 3, 3)}
CONV = [node("Conv", ["x", "w"], ["y"])]
Sizes = list[int | str | None]


def net(sizes: Sizes, folder: Path, shape: tuple[int, ...] | None = None) -> OnnxNetwork:
    return read(model_of(CONV, {"x": sizes}, ["y"], W), folder, shape)


def test_what_the_file_states(tmp_path: Path) -> None:
    network = net([5, 3, 8, 9], tmp_path)
    assert network.input_names == ("x",)
    assert network.input_shapes == ((3, 8, 9),)
    assert network.batch == 5
    assert network.notes == ()
    assert not network.module.training


@pytest.mark.parametrize("batch", ["n", None, 0, -1])
def test_free_batch(batch: Any, tmp_path: Path) -> None:
    assert net([batch, 3, 8, 8], tmp_path).batch is None


def test_free_height_and_width(tmp_path: Path) -> None:
    network = net(["n", 3, "h", "w"], tmp_path)
    assert network.input_shapes == ((3, 224, 224),)
    assert network.notes == ("height and width are free in the file: 224 x 224 assumed",)
    network = net(["n", 3, 32, None], tmp_path)
    assert network.notes == ("width is free in the file: 32 x 224 assumed",)


def test_sizes_that_the_user_gives(tmp_path: Path) -> None:
    network = net(["n", "c", "h", 16], tmp_path, (3, 8, 16))
    assert network.input_shapes == ((3, 8, 16),)
    assert network.notes == ()
    assert network.batch is None


@pytest.mark.parametrize("sizes", [["n", None, 8, 8], ["n", "c", "h", "w"]])
def test_free_channels_are_asked_for(sizes: Sizes, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"'x' is free .* #3x224x224"):
        net(sizes, tmp_path)


@pytest.mark.parametrize("shape", [(3, 9, 8), (1, 8, 8), (3, 8), (3, 8, 8, 8)])
def test_a_shape_that_contradicts_the_file(shape: tuple[int, ...], tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"is 3 x 8 x 8 in the file, not .*; leave the size away$"):
        net(["n", 3, 8, 8], tmp_path, shape)


@pytest.mark.parametrize("shape", [(3, 100_000, 100_000), (3, 0, 8), (3, -1, -8)])
def test_a_shape_that_no_image_has(shape: tuple[int, ...], tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="that can be run; give another after the file name"):
        net(["n", 3, "h", "w"], tmp_path, shape)


def test_an_input_without_any_shape(tmp_path: Path) -> None:
    model = model_of(CONV, {"x": [1, 3, 8, 8]}, ["y"], W)
    model.graph.input[0].type.tensor_type.ClearField("shape")
    assert read(model, tmp_path, (3, 8, 8)).input_shapes == ((3, 8, 8),)
    with pytest.raises(BadInput, match="#3x224x224"):
        read(model, tmp_path)


def test_channels_last(tmp_path: Path) -> None:
    nodes = [node("Transpose", ["x"], ["t"], perm=[0, 3, 1, 2]), node("Conv", ["t", "w"], ["y"])]
    model = model_of(nodes, {"x": ["n", 8, 9, 3]}, ["y"], W)
    network = read(model, tmp_path)
    assert network.input_shapes == ((3, 8, 9),)
    assert network.notes == ("input x is NHWC: the network takes NCHW and transposes it",)
    image = real(2, 3, 8, 9)
    (expected,) = runtime(model.SerializeToString(), {"x": image.transpose(0, 2, 3, 1)})
    np.testing.assert_allclose(outputs_of(network.module, image)[0], expected, atol=1e-5)


def test_initializers_among_the_inputs(tmp_path: Path) -> None:
    model = model_of(CONV, {"x": [1, 3, 8, 8], "w": [4, 3, 3, 3]}, ["y"], W, 9)
    model.ir_version = 3
    network = assert_as_runtime(model, tmp_path, real(1, 3, 8, 8))
    assert network.input_names == ("x",)


def test_several_inputs_and_outputs(tmp_path: Path) -> None:
    nodes = [node("Add", ["a", "b"], ["s"]), node("Mul", ["a", "b"], ["p"])]
    sizes = {"a": ["n", 3, 4, 5], "b": ["n", 3, 4, 5]}
    model = model_of(nodes, sizes, ["p", "s"])
    network = assert_as_runtime(model, tmp_path, real(2, 3, 4, 5), real(2, 3, 4, 5) + 1)
    assert network.input_shapes == ((3, 4, 5), (3, 4, 5))
    with pytest.raises(BadInput, match="2 inputs"):
        read(model, tmp_path, (3, 4, 5))


def test_inputs_that_state_different_batches(tmp_path: Path) -> None:
    model = model_of([node("Add", ["a", "b"], ["y"])], {"a": [1, 3], "b": [2, 3]}, ["y"])
    with pytest.raises(BadInput, match="different batch sizes"):
        read(model, tmp_path)


@pytest.mark.parametrize("kind", [TensorProto.INT64, TensorProto.UINT8, TensorProto.STRING])
def test_inputs_that_are_not_float(kind: int, tmp_path: Path) -> None:
    model = model_of(CONV, {"x": [1, 3, 8, 8]}, ["y"], W)
    model.graph.input[0].type.tensor_type.elem_type = kind
    with pytest.raises(BadInput, match=r"input 'x' is .*; only float images"):
        read(model, tmp_path)


def test_no_input_and_a_vector(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no input"):
        read(model_of([node("Relu", ["w"], ["y"])], {}, ["y"], W), tmp_path)
    with pytest.raises(BadInput, match="1 dimensions"):
        read(model_of([node("Relu", ["x"], ["y"])], {"x": [3]}, ["y"]), tmp_path)


def _narrow(kind: int) -> onnx.ModelProto:
    model = model_of(CONV, {"x": [1, 3, 8, 8]}, ["y"])
    model.graph.input[0].type.tensor_type.elem_type = kind
    values = W["w"].reshape(-1).tolist()
    model.graph.initializer.append(helper.make_tensor("w", kind, [4, 3, 3, 3], values))
    return model


@pytest.mark.parametrize("kind", ["FLOAT16", "BFLOAT16", "DOUBLE"])
@pytest.mark.parametrize("raw", [False, True])
def test_other_precisions_become_float32(kind: str, raw: bool, tmp_path: Path) -> None:
    model = _narrow(getattr(TensorProto, kind))
    if raw:
        tensor = model.graph.initializer[0]
        array = numpy_helper.to_array(tensor)
        tensor.CopyFrom(numpy_helper.from_array(array, "w"))
    network = read(model, tmp_path)
    assert network.notes == (f"{kind.lower()} weights are computed as float32",)
    (weight,) = network.module.state_dict().values()
    exact = {"FLOAT16": 1e-3, "BFLOAT16": 1e-2, "DOUBLE": 0.0}[kind]
    np.testing.assert_allclose(weight.numpy(), W["w"], rtol=exact, atol=exact)
