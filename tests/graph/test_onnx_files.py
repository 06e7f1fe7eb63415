"""Where weights may lie, what they are called, and shapes that are computed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from onnx_common import (
    assert_as_runtime,
    model_of,
    outputs_of,
    read,
    real,
    runtime,
)
from torch import nn

from qcore.errors import BadInput
from qcore.graph.build import build_network
from qcore.graph.onnx_import.load import read_onnx
from qcore.graph.onnx_import.names import Namer
from qcore.graph.program import export_module

node = helper.make_node
IMAGE = {"x": ["n", 3, 8, 8]}
WEIGHT = real(4, 3, 3, 3)


def _external(location: str, offset: int = 0, length: int | None = None) -> onnx.ModelProto:
    model = model_of([node("Conv", ["x", "w"], ["y"])], IMAGE, ["y"])
    tensor = onnx.TensorProto(name="w", dims=WEIGHT.shape, data_type=TensorProto.FLOAT)
    tensor.data_location = TensorProto.EXTERNAL
    entries = {"location": location, "offset": str(offset)}
    entries |= {} if length is None else {"length": str(length)}
    for key, value in entries.items():
        tensor.external_data.add(key=key, value=value)
    model.graph.initializer.append(tensor)
    return model


def _files(model: onnx.ModelProto, folder: Path, **others: bytes) -> dict[str, Path]:
    files = {}
    for i, (name, content) in enumerate({"m.onnx": model.SerializeToString(), **others}.items()):
        path = folder / str(i)
        path.write_bytes(content)
        files[name] = path
    return files


@pytest.mark.parametrize("location", ["m.onnx.data", "./m.onnx.data"])
@pytest.mark.parametrize("offset", [0, 16])
def test_external_data(location: str, offset: int, tmp_path: Path) -> None:
    content = b"x" * offset + WEIGHT.tobytes()
    model = _external(location, offset, WEIGHT.nbytes if offset else None)
    module = read_onnx(_files(model, tmp_path, **{"m.onnx.data": content})).module
    np.testing.assert_array_equal(module.state_dict()["w"].numpy(), WEIGHT)


def test_missing_external_data_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput) as caught:
        read_onnx(_files(_external("m.onnx.data"), tmp_path))
    assert str(caught.value) == (
        "this .onnx keeps its weights in 'm.onnx.data'; upload both files together"
    )


@pytest.mark.parametrize(
    "location",
    [
        "/etc/passwd",
        "../secret",
        "a/../../secret",
        "a\\b",
        "C:\\b",
        "",
        ".",
        "./",
        "./../a",
        "a\0b",
    ],
)
def test_external_data_elsewhere(location: str, tmp_path: Path) -> None:
    (tmp_path.parent / "secret").write_bytes(WEIGHT.tobytes())
    with pytest.raises(BadInput, match=r"keeps its weights"):
        read_onnx(_files(_external(location), tmp_path))


@pytest.mark.parametrize(
    ("offset", "length"), [(1, None), (0, 10), (-4, None), (1 << 60, None), (0, 1 << 60)]
)
def test_external_data_that_is_too_short(offset: int, length: int | None, tmp_path: Path) -> None:
    files = _files(_external("d", offset, length), tmp_path, d=WEIGHT.tobytes())
    with pytest.raises(BadInput, match="bytes at offset"):
        read_onnx(files)


def test_offset_that_is_no_number(tmp_path: Path) -> None:
    model = _external("d")
    model.graph.initializer[0].external_data[1].value = "many"
    with pytest.raises(BadInput, match="not a number"):
        read_onnx(_files(model, tmp_path, d=WEIGHT.tobytes()))


def _keys(nodes: list[onnx.NodeProto], stored: dict[str, Any], folder: Path) -> list[str]:
    model = model_of(nodes, IMAGE, ["y"], stored)
    network = assert_as_runtime(model, folder, real(2, 3, 8, 8))
    return sorted(network.module.state_dict())


@pytest.mark.parametrize(
    ("weight", "name", "key"),
    [
        ("features.0.0.weight", "c", "features.0.0.weight"),
        ("0.weight", "c", "0.weight"),
        ("onnx::Conv_193", "/features/features.0/features.0.0/Conv", "features.0.0.weight"),
        ("193", "/layer1/layer1.0/conv1/Conv", "layer1.0.conv1.weight"),
        ("193", "", "conv_0.weight"),
        ("<b>w</b>", "Conv_7", "Conv_7.weight"),
        ("model/conv/kernel:0", "model/conv/Conv2D", "model.conv.weight"),
        ("forward.weight", "", "forward_.weight"),
    ],
)
def test_keys_of_weights(weight: str, name: str, key: str, tmp_path: Path) -> None:
    nodes = [node("Conv", ["x", weight], ["y"], name=name)]
    assert _keys(nodes, {weight: WEIGHT}, tmp_path) == [key]


def test_a_partner_names_an_anonymous_weight(tmp_path: Path) -> None:
    nodes = [
        node("Conv", ["x", "1", "stem.bias"], ["a"]),
        node("GlobalAveragePool", ["a"], ["b"]),
        node("Flatten", ["b"], ["c"]),
        node("MatMul", ["c", "onnx::MatMul_3"], ["d"]),
        node("Add", ["fc.bias", "d"], ["y"]),
    ]
    stored = {"1": WEIGHT, "stem.bias": real(4), "onnx::MatMul_3": real(4, 5), "fc.bias": real(5)}
    keys = _keys(nodes, stored, tmp_path)
    assert keys == ["fc.bias", "fc.weight", "stem.bias", "stem.weight"]


def test_names_that_would_become_equal_stay_distinct(tmp_path: Path) -> None:
    nodes = [
        node("Conv", ["x", "a"], ["p"], name="s/Conv", pads=[1, 1, 1, 1]),
        node("Conv", ["p", "a.b"], ["q"], pads=[1, 1, 1, 1]),
        node("Conv", ["q", "3"], ["r"], name="n/Conv"),
        node("Conv", ["r", "4"], ["y"], name="n/Conv_1"),
    ]
    stored = {"a": real(3, 3, 3, 3), "a.b": WEIGHT, "3": real(4, 4, 3, 3), "4": real(4, 4, 3, 3)}
    assert _keys(nodes, stored, tmp_path) == ["a", "a_b", "n.weight", "n.weight_2"]
    namer = Namer()
    names = ["a", "a.b", "a/b", "a?b", "a.b.c", "", ".", "type", "é", "x" * 999, "y." * 99, "a"]
    keys = [namer.key(name) for name in names]
    assert len(set(keys)) == len(keys)
    root = nn.Module()
    for key in keys:
        *boxes, last = key.split(".")
        owner = root
        for box in boxes:
            if box not in owner._modules:
                owner.add_module(box, nn.Module())
            owner = owner.get_submodule(box)
        owner.register_buffer(last, torch.zeros(1))
    assert set(root.state_dict()) == set(keys)


def test_weights_in_constant_nodes(tmp_path: Path) -> None:
    def constant(name: str, value: Any) -> onnx.NodeProto:
        return node("Constant", [], [name], value=numpy_helper.from_array(value, name))

    nodes = [
        constant("conv2d_0.w_0", WEIGHT),
        constant("batch_norm_0.w_0", real(4)),
        constant("batch_norm_0.b_0", real(4)),
        constant("batch_norm_0.w_1", real(4)),
        constant("batch_norm_0.w_2", real(4, low=0.5)),
        constant("linear_0.w_0", real(4, 5)),
        constant("linear_0.b_0", real(5)),
        node("Conv", ["x", "conv2d_0.w_0"], ["a"]),
        node("BatchNormalization", ["a", *(f"batch_norm_0.{k}" for k in _NORM)], ["b"]),
        node("GlobalAveragePool", ["b"], ["c"]),
        node("Flatten", ["c"], ["d"]),
        node("MatMul", ["d", "linear_0.w_0"], ["e"]),
        node("Add", ["e", "linear_0.b_0"], ["y"]),
    ]
    model = model_of(nodes, IMAGE, ["y"])
    network = assert_as_runtime(model, tmp_path, real(2, 3, 8, 8))
    described = build_network(network.module, "paddle", network.input_shapes).description
    assert [layer.name for layer in described.layers] == ["conv2d_0.w_0", "linear_0.w_0"]
    assert described.folded_batch_norms == 1


_NORM = ("w_0", "b_0", "w_1", "w_2")


def test_shapes_that_are_computed_stay_on_the_host(tmp_path: Path) -> None:
    """The arithmetic that exporters write for ``x.view(x.size(0), -1)`` and its like."""
    i = {key: np.array(value, np.int64) for key, value in _NUMBERS.items()}
    nodes = [
        node("Shape", ["x"], ["s"]),
        node("Gather", ["s", "zero"], ["n"]),
        node("Gather", ["s", "one"], ["c"]),
        node("Mul", ["c", "two"], ["c2"]),
        node("Div", ["c2", "two"], ["c3"]),
        node("Unsqueeze", ["n", "axis"], ["nv"]),
        node("Unsqueeze", ["c3", "axis"], ["cv"]),
        node("Concat", ["nv", "cv", "rest"], ["target"], axis=0),
        node("Reshape", ["x", "target"], ["flat"]),
        node("Slice", ["s", "axis", "two_v"], ["head"]),
        node("ReduceProd", ["head"], ["count"], keepdims=1),
        node("Concat", ["count", "rest"], ["rows"], axis=0),
        node("Reshape", ["flat", "rows"], ["tall"]),
        node("Reshape", ["tall", "target"], ["again"]),
        node("ConstantOfShape", ["rest"], ["half"], value=helper.make_tensor("v", 1, [1], [0.5])),
        node("Range", ["zero", "limit", "one"], ["steps"]),
        node("Cast", ["steps"], ["real"], to=1),
        node("Constant", [], ["three"], value_float=3.0),
        node("Mul", ["real", "three"], ["ramp"]),
        node("Add", ["again", "ramp"], ["sum"]),
        node("Equal", ["target", "rest"], ["same"]),
        node("Where", ["same", "target", "target"], ["kept"]),
        node("Reshape", ["sum", "kept"], ["y"]),
    ]
    nodes = [n for n in nodes if n.output[0] != "half"]
    model = model_of(nodes, IMAGE, ["y"], i)
    network = assert_as_runtime(model, tmp_path, real(3, 3, 8, 8))
    program = export_module(network.module, network.input_shapes)
    assert program.batch is None


_NUMBERS: dict[str, Any] = {
    "zero": 0,
    "one": 1,
    "two": 2,
    "limit": 64,
    "axis": [0],
    "two_v": [2],
    "rest": [-1],
}


def test_constant_of_shape_and_expand(tmp_path: Path) -> None:
    half = helper.make_tensor("v", 1, [1], [0.5])
    nodes = [
        node("ConstantOfShape", ["size"], ["half"], value=half),
        node("ConstantOfShape", ["short"], ["ones"], value=helper.make_tensor("v", 7, [1], [1])),
        node("Expand", ["half", "ones"], ["same"]),
        node("Mul", ["x", "same"], ["y"]),
    ]
    stored = {"size": np.array([8, 8]), "short": np.array([2])}
    assert_as_runtime(model_of(nodes, IMAGE, ["y"], stored), tmp_path, real(2, 3, 8, 8))


@pytest.mark.parametrize("wide", [1, 5])
def test_a_branch_is_chosen_by_a_shape(wide: int, tmp_path: Path) -> None:
    out = [helper.make_tensor_value_info("b", TensorProto.FLOAT, None)]
    branches = {
        f"{name}_branch": helper.make_graph([node(op, ["x"], ["b"])], name, [], out)
        for name, op in (("then", "Relu"), ("else", "Neg"))
    }
    nodes = [
        node("Shape", ["x"], ["s"]),
        node("Gather", ["s", "three"], ["w"]),
        node("Equal", ["w", "one"], ["c"]),
        node("If", ["c"], ["y"], **branches),
    ]
    stored = {"one": np.array(1), "three": np.array(3)}
    model = model_of(nodes, {"x": ["n", 3, 2, wide]}, ["y"], stored)
    assert_as_runtime(model, tmp_path, real(2, 3, 2, wide))


def test_a_branch_that_depends_on_the_image_is_refused(tmp_path: Path) -> None:
    out = [helper.make_tensor_value_info("b", TensorProto.FLOAT, None)]
    graph = helper.make_graph([node("Relu", ["x"], ["b"])], "g", [], out)
    nodes = [
        node("ReduceMax", ["x"], ["m"], keepdims=0),
        node("Cast", ["m"], ["c"], to=TensorProto.BOOL),
        node("If", ["c"], ["y"], then_branch=graph, else_branch=graph),
    ]
    with pytest.raises(BadInput, match="If x1, whose condition depends on the image"):
        read(model_of(nodes, IMAGE, ["y"]), tmp_path)


def test_functions_of_the_model_are_written_out(tmp_path: Path) -> None:
    model = model_of([node("Twice", ["x"], ["y"], domain="own")], IMAGE, ["y"])
    model.opset_import.append(helper.make_opsetid("own", 1))
    body = [node("Add", ["a", "a"], ["b"])]
    imports = list(model.opset_import)
    model.functions.append(helper.make_function("own", "Twice", ["a"], ["b"], body, imports))
    assert_as_runtime(model, tmp_path, real(2, 3, 8, 8))


@pytest.mark.parametrize("batch", [1, 2])
def test_a_constant_shape_follows_the_batch(batch: int, tmp_path: Path) -> None:
    nodes = [node("Reshape", ["x", "s"], ["f"]), node("MatMul", ["f", "w"], ["y"])]
    stored = {"s": np.array([batch, 192]), "w": real(192, 4)}
    model = model_of(nodes, {"x": [batch, 3, 8, 8]}, ["y"], stored)
    network = assert_as_runtime(model, tmp_path, real(batch, 3, 8, 8))
    assert network.batch == batch
    images = real(6, 3, 8, 8)
    parts = [runtime(model.SerializeToString(), {"x": p})[0] for p in np.split(images, 6 // batch)]
    (found,) = outputs_of(network.module, images)
    np.testing.assert_allclose(found, np.concatenate(parts), atol=1e-5)
    assert export_module(network.module, network.input_shapes).batch is None
