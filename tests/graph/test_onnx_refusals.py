"""What cannot be read is refused before memory is asked for, in one line that says what to do."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx_common import model_of, read, written

from qcore.errors import BadInput
from qcore.graph.onnx_import import checks, files
from qcore.graph.onnx_import.load import read_onnx

node = helper.make_node
IMAGE = {"x": ["n", 3, 8, 8]}
W = {"w": np.ones((4, 3, 3, 3), np.float32)}


def net(**options: Any) -> onnx.ModelProto:
    return model_of([node("Conv", ["x", "w"], ["y"])], IMAGE, ["y"], W, **options)


def problem(model: onnx.ModelProto, folder: Path, shape: tuple[int, ...] | None = None) -> str:
    with pytest.raises(BadInput) as caught:
        read(model, folder, shape)
    message = str(caught.value)
    assert "\n" not in message
    return message


@pytest.mark.parametrize("content", [b"", b"hello", b"\x08" * 100, b"\xff" * 50])
def test_not_an_onnx_file(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "0").write_bytes(content)
    with pytest.raises(BadInput, match=r"is not an ONNX file|holds no network"):
        read_onnx({"a.onnx": tmp_path / "0"})


def test_damaged_in_the_middle(tmp_path: Path) -> None:
    content = net().SerializeToString()
    for length in range(0, len(content), 7):
        (tmp_path / "0").write_bytes(content[:length])
        with pytest.raises(BadInput):
            read_onnx({"a.onnx": tmp_path / "0"})


def test_a_name_that_is_no_text(tmp_path: Path) -> None:
    content = net().SerializeToString()
    (tmp_path / "0").write_bytes(content.replace(b"Conv", b"C\xff\xfev"))
    with pytest.raises(BadInput):
        read_onnx({"a.onnx": tmp_path / "0"})


@pytest.mark.parametrize("seed", range(60))
def test_any_damage_is_refused_or_read(seed: int, tmp_path: Path) -> None:
    """Nothing but BadInput comes out of a file with a few wrong bytes."""
    random = np.random.default_rng(seed)
    nodes = [
        node("Shape", ["x"], ["s"]),
        node("Slice", ["s", "a", "b"], ["n"]),
        node("Concat", ["n", "c"], ["t"], axis=0),
        node("Reshape", ["x", "t"], ["f"]),
        node("MatMul", ["f", "w"], ["y"]),
    ]
    numbers = {"a": np.array([0]), "b": np.array([1]), "c": np.array([-1])}
    stored = {**numbers, "w": np.ones((192, 2), np.float32)}
    content = bytearray(model_of(nodes, IMAGE, ["y"], stored).SerializeToString())
    text = [i for i in range(len(content)) if not 300 < i < len(content) - 120]
    for place in random.choice(text, 3):
        content[place] = random.integers(256)
    (tmp_path / "0").write_bytes(bytes(content))
    with contextlib.suppress(BadInput):
        read_onnx({"a.onnx": tmp_path / "0"})


def test_exactly_one_model(tmp_path: Path) -> None:
    path = written(net(), tmp_path)["model.onnx"]
    for names in ({"a.bin": path}, {"a.onnx": path, "b.onnx": path}, {}):
        with pytest.raises(BadInput, match=r"end in \.onnx"):
            read_onnx(names)
    assert read_onnx({"A.ONNX": path}).batch is None


@pytest.mark.parametrize("opset", [8, 22, 25])
def test_opset_is_named(opset: int, tmp_path: Path) -> None:
    model = net()
    model.opset_import[0].version = opset
    assert f"uses opset {opset}; 9 to 21" in (text := problem(model, tmp_path))
    assert "opset_version=17" in text


def test_every_unsupported_operator_is_named_with_its_count(tmp_path: Path) -> None:
    nodes = [
        node("NonZero", ["x"], ["a"]),
        node("NonZero", ["x"], ["b"]),
        node("Biased", ["x"], ["c"], domain="com.example"),
        node("Hardmax", ["x"], ["d"]),
    ]
    text = problem(model_of(nodes, IMAGE, ["a", "b", "c", "d"]), tmp_path)
    assert "NonZero x2, com.example.Biased x1, Hardmax x1" in text


def test_loops_are_named(tmp_path: Path) -> None:
    given = [helper.make_tensor_value_info("c", TensorProto.BOOL, [])]
    body = helper.make_graph([node("Identity", ["c"], ["d"])], "b", given, [])
    nodes = [node("Loop", ["", "", "x"], ["y"], body=body)]
    assert "Loop x1" in problem(model_of(nodes, IMAGE, ["y"]), tmp_path)


def test_an_internal_step_cannot_be_named_by_a_file(tmp_path: Path) -> None:
    nodes = [node("bitdial.Linear", ["x", "w"], ["y"])]
    assert "not supported: bitdial.Linear x1" in problem(model_of(nodes, IMAGE, ["y"], W), tmp_path)


def test_operators_that_no_output_needs_are_left_out(tmp_path: Path) -> None:
    nodes = [node("Relu", ["x"], ["y"]), node("NonZero", ["y"], ["z"])]
    assert read(model_of(nodes, IMAGE, ["y"]), tmp_path).notes == ()


@pytest.mark.parametrize("op", ["QuantizeLinear", "DequantizeLinear", "QLinearConv"])
def test_quantized_networks(op: str, tmp_path: Path) -> None:
    text = problem(model_of([node(op, ["x", "w"], ["y"])], IMAGE, ["y"], W), tmp_path)
    assert text == (
        f"this network is already quantized ({op} x1); "
        "bring the float network that it was made from"
    )


def test_too_many_operators(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "LARGEST_GRAPH", 2)
    nodes = [node("Relu", [f"x{i}" if i else "x"], [f"x{i + 1}"]) for i in range(3)]
    assert "has 3 operators; at most 2" in problem(model_of(nodes, IMAGE, ["x3"]), tmp_path)


def test_model_of_more_than_2_gb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "LARGEST_MODEL", 10)
    assert "external data" in problem(net(), tmp_path)


@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        ([("Relu", "x", "y"), ("Abs", "x", "y")], "two operators of this .onnx give 'y'"),
        ([("Relu", "x", "w")], "two operators of this .onnx give 'w'"),
        ([("Relu", "q", "y")], "nothing in this .onnx gives 'q'"),
        ([("Relu", "z", "y"), ("Abs", "y", "z")], "wait for each other"),
        ([("Relu", "x", "z")], "nothing in this .onnx gives 'y'"),
    ],
)
def test_graphs_that_are_none(
    nodes: list[tuple[str, str, str]], message: str, tmp_path: Path
) -> None:
    made = [node(op, [a], [b]) for op, a, b in nodes]
    assert message in problem(model_of(made, IMAGE, ["y"], W), tmp_path)


def test_order_of_the_file_does_not_matter(tmp_path: Path) -> None:
    made = [node("Abs", ["a"], ["y"]), node("Relu", ["x"], ["a"])]
    assert read(model_of(made, IMAGE, ["y"]), tmp_path).input_names == ("x",)


def test_two_initializers_with_one_name(tmp_path: Path) -> None:
    model = net()
    model.graph.initializer.append(numpy_helper.from_array(np.zeros(3, np.float32), "w"))
    assert "two tensors of this .onnx have the same name" in problem(model, tmp_path)


def _weight(**changes: Any) -> onnx.ModelProto:
    model = net()
    tensor = model.graph.initializer[0]
    for key, value in changes.items():
        if isinstance(value, list):
            del getattr(tensor, key)[:]
            getattr(tensor, key).extend(value)
        else:
            setattr(tensor, key, value)
    return model


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"dims": [4, 3, 3, 4]}, "should hold"),
        ({"dims": [-4, 3, 3, 3]}, "dimension of -4"),
        ({"dims": [1 << 39, 1 << 39, 1 << 39]}, "larger than the file"),
        ({"dims": [1] * 9}, "9 dimensions"),
        ({"raw_data": b"123"}, "should hold 432 entries but holds 3"),
        ({"data_type": TensorProto.STRING}, "element type STRING"),
        ({"data_type": TensorProto.FLOAT8E4M3FN}, "element type FLOAT8E4M3FN"),
        ({"data_type": 99}, "element type 99"),
        ({"data_type": TensorProto.INT4}, "export the network in float32"),
    ],
)
def test_weights_that_do_not_fit_their_data(
    changes: dict[str, Any], message: str, tmp_path: Path
) -> None:
    assert message in problem(_weight(**changes), tmp_path)


def test_typed_data_of_another_length(tmp_path: Path) -> None:
    model = net()
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.float_data.extend([1.0] * 5)
    assert "should hold 108 entries but holds 5" in problem(model, tmp_path)


def _bomb(op: str, *shapes: Any, **attributes: Any) -> onnx.ModelProto:
    stored = {f"c{i}": np.array(value) for i, value in enumerate(shapes)}
    nodes = [
        node(op, list(stored), ["big"], **attributes),
        node("ReduceMax", ["big"], ["top"], keepdims=0),
        node("Cast", ["top"], ["real"], to=1),
        node("Add", ["x", "real"], ["y"]),
    ]
    return model_of(nodes, IMAGE, ["y"], stored)


FAR = np.array([10**6, 10**6], np.int64)
ONE = np.ones((1, 1), np.float32)


@pytest.mark.parametrize(
    "model",
    [
        _bomb("ConstantOfShape", FAR),
        _bomb("ConstantOfShape", FAR[:1] * 10**5, value=numpy_helper.from_array(np.array([1]))),
        _bomb("Expand", ONE, FAR),
        _bomb("Expand", np.array([[1]]), FAR),
        _bomb("Tile", ONE, FAR),
        _bomb("Tile", np.array([[1]]), FAR),
        _bomb("Range", np.array(0), np.array(10**12), np.array(1)),
        _bomb("Pad", ONE, np.array([0, 0, 10**6, 10**6])),
        _bomb("Pad", ONE, np.array([0, 0, 10**12, 0]), mode="edge"),
        _bomb("Resize", ONE, np.zeros(0, np.float32), np.array([1e9, 1e9], np.float32)),
        _bomb("Add", np.ones((10**4, 1), np.float32), np.ones((1, 10**4), np.float32)),
        _bomb("MatMul", np.ones((10**4, 1), np.float32), np.ones((1, 10**4), np.float32)),
    ],
    ids=lambda model: model.graph.node[0].op_type,
)
def test_small_files_that_ask_for_much_memory(model: onnx.ModelProto, tmp_path: Path) -> None:
    text = problem(model, tmp_path)
    assert any(word in text for word in ("at most", "asks for", "cannot be run"))


def test_an_activation_that_is_too_large(tmp_path: Path) -> None:
    nodes = [node("Expand", ["x", "s"], ["y"])]
    model = model_of(nodes, IMAGE, ["y"], {"s": np.array([10**7, 2, 3, 8, 8])})
    assert "at most 2,048 MB" in problem(model, tmp_path)


def test_shapes_that_do_not_fit_name_the_operator(tmp_path: Path) -> None:
    nodes = [node("Reshape", ["x", "s"], ["y"], name="head/Reshape")]
    model = model_of(nodes, IMAGE, ["y"], {"s": np.array([0, 5, -1])})
    assert "operator Reshape 'head/Reshape' cannot be run" in problem(model, tmp_path)


@pytest.mark.parametrize(
    ("op", "attributes", "message"),
    [
        ("Conv", {"strides": [0, 1]}, "below 1"),
        ("Conv", {"group": 0}, "group 0"),
        ("Conv", {"pads": [1, 1]}, "do not fit"),
        ("Conv", {"auto_pad": "NEAR"}, "auto_pad 'NEAR'"),
        ("MaxPool", {}, "kernel_shape"),
        ("Resize", {"mode": "area"}, "mode 'area'"),
    ],
)
def test_attributes_out_of_range(
    op: str, attributes: dict[str, Any], message: str, tmp_path: Path
) -> None:
    inputs = {"Conv": ["x", "w"], "MaxPool": ["x"], "Resize": ["x", "", "s"]}[op]
    stored = {**W, "s": np.array([1, 1, 2, 2], np.float32)}
    model = model_of([node(op, inputs, ["y"], **attributes)], IMAGE, ["y"], stored)
    assert message in problem(model, tmp_path)


def test_resize_modes_that_cannot_be_computed_are_named(tmp_path: Path) -> None:
    stored = {"r": np.zeros(8, np.float32), "s": np.array([1, 1, 2, 2], np.float32)}
    for option in (
        {"coordinate_transformation_mode": "tf_crop_and_resize"},
        {"antialias": 1, "mode": "linear"},
    ):
        nodes = [node("Resize", ["x", "r", "s"], ["y"], **option)]
        text = problem(model_of(nodes, IMAGE, ["y"], stored, 18), tmp_path)
        assert "tf_crop_and_resize" in text or "antialias" in text


def test_batch_norm_in_training(tmp_path: Path) -> None:
    stored = {key: np.ones(3, np.float32) for key in "abcd"}
    nodes = [node("BatchNormalization", ["x", *stored], ["y", "m", "v"], training_mode=1)]
    assert "model.eval()" in problem(model_of(nodes, IMAGE, ["y"], stored), tmp_path)


def test_functions_that_call_themselves(tmp_path: Path) -> None:
    model = net()
    model.opset_import.append(helper.make_opsetid("own", 1))
    call = [node("F", ["a"], ["b"], domain="own")]
    imports = list(model.opset_import)
    model.functions.append(helper.make_function("own", "F", ["a"], ["b"], call, imports))
    model.graph.node[0].input[0] = "f"
    model.graph.node.insert(0, node("F", ["x"], ["f"], domain="own"))
    assert "without end" in problem(model, tmp_path)


def test_functions_that_grow_without_bound(tmp_path: Path) -> None:
    model = net()
    model.opset_import.append(helper.make_opsetid("own", 1))
    imports = list(model.opset_import)
    for i in range(30):
        inner = f"F{i + 1}" if i < 29 else "Relu"
        domain = "own" if i < 29 else ""
        body = [node(inner, ["a"], ["t"], domain=domain), node(inner, ["t"], ["b"], domain=domain)]
        model.functions.append(helper.make_function("own", f"F{i}", ["a"], ["b"], body, imports))
    model.graph.node[0].input[0] = "f"
    model.graph.node.insert(0, node("F0", ["x"], ["f"], domain="own"))
    assert "written out" in problem(model, tmp_path)
