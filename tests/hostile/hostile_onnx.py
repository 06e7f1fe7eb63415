"""Hostile and broken .onnx files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from attack_files import NAMES, Payload, network, pickled, saved
from hostile_case import Case, Files, cut, fine, one
from onnx import TensorProto, helper

node = helper.make_node
WEIGHT = np.ones((4, 3, 3, 3), np.float32)


def _case(message: str, *changes: Callable[[onnx.ModelProto], object], **options: Any) -> Case:
    def change(model: onnx.ModelProto) -> None:
        for one_change in changes:
            one_change(model)

    return one("net.onnx", network(change, **options), message)


def _weight(**fields: Any) -> Callable[[onnx.ModelProto], None]:
    def change(model: onnx.ModelProto) -> None:
        tensor = model.graph.initializer[0]
        for key, value in fields.items():
            if key == "dims":
                del tensor.dims[:]
                tensor.dims.extend(value)
            else:
                setattr(tensor, key, value)

    return change


def _stored(value: float) -> dict[str, np.ndarray]:
    return {"w": np.full((4, 3, 3, 3), value, np.float32)}


def _before(*nodes: onnx.NodeProto, **stored: np.ndarray) -> dict[str, Any]:
    """What makes ``big`` and adds its largest number to the convolution's input."""
    tail = [
        node("ReduceMax", ["big"], ["top"], keepdims=0),
        node("Cast", ["top"], ["real"], to=1),
        node("Add", ["x", "real"], ["b"]),
        node("Conv", ["b", "w"], ["y"]),
    ]
    return {"nodes": [*nodes, *tail], "stored": {"w": WEIGHT, **stored}}


def _whole(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


def _loop() -> list[onnx.NodeProto]:
    kinds = {"i": TensorProto.INT64, "go": TensorProto.BOOL, "v": TensorProto.FLOAT}
    given = [helper.make_tensor_value_info(k, t, None) for k, t in kinds.items()]
    results = [helper.make_tensor_value_info(k, kinds[k[0]], None) for k in ("v2",)]
    body = helper.make_graph(
        [node("Identity", ["go"], ["go2"]), node("Add", ["v", "v"], ["v2"])],
        "body",
        given,
        [helper.make_tensor_value_info("go2", TensorProto.BOOL, None), *results],
    )
    return [node("Loop", ["times", "", "x"], ["b"], body=body), node("Conv", ["b", "w"], ["y"])]


def _external(location: str, **others: bytes) -> Callable[[Path], Files]:
    """A network whose weight lies in another file; ``MARK`` is a file that exists elsewhere."""

    def files(mark: Path) -> Files:
        secret = mark.parent / "secret"
        secret.write_bytes(WEIGHT.tobytes())

        def change(model: onnx.ModelProto) -> None:
            tensor = model.graph.initializer[0]
            tensor.ClearField("raw_data")
            tensor.data_location = TensorProto.EXTERNAL
            tensor.external_data.add(key="location", value=location.replace("SECRET", str(secret)))

        return {"net.onnx": network(change), **others}

    return files


def _named(name: str) -> bytes:
    """A network whose tensors, values and operators have that name."""
    first = node("Conv", ["x", name], [name + "a"], name=name)
    last = node("ReduceMean", [name + "a"], ["y"], axes=[2, 3], keepdims=0, name=name + "b")
    return network(nodes=[first, last], stored={name: WEIGHT})


def _quantized() -> dict[str, Any]:
    stored = {"w": np.ones((4, 3, 3, 3), np.int8), "s": np.float32(0.1), "z": np.int8(0)}
    nodes = [node("DequantizeLinear", ["w", "s", "z"], ["f"]), node("Conv", ["x", "f"], ["y"])]
    return {"nodes": nodes, "stored": {k: np.asarray(v) for k, v in stored.items()}}


_FAR = _whole(10**6, 10**6)
_CYCLE = [node("Add", ["x", "c"], ["b"]), node("Conv", ["b", "w"], ["y"]), node("Relu", ["y"], "c")]

ONNX: dict[str, Case] = {
    "truncated": one("net.onnx", cut(network()), "is not an ONNX file"),
    "a pickle": one("net.onnx", pickled, "is not an ONNX file"),
    "of torch.save": one("net.onnx", lambda mark: saved({"w": Payload(mark)}), "not an ONNX file"),
    "a web page": one("net.onnx", b"<html><body>404</body></html>", "is not an ONNX file"),
    "empty file": one("net.onnx", b"", "is empty"),
    "no operators": _case("holds no network", nodes=[]),
    "nothing to quantize": _case("no convolution or linear", nodes=[node("Relu", ["x"], ["y"])]),
    "weights of 10^12": _case("larger than the file", _weight(dims=[10**12])),
    "weights of 10^36": _case("larger than the file", _weight(dims=[10**12] * 3)),
    "a negative size": _case("dimension of -4", _weight(dims=[-4, 3, 3, 3])),
    "weights too short": _case("should hold", _weight(raw_data=b"123")),
    "weights of text": _case("STRING", _weight(data_type=TensorProto.STRING)),
    "weights of whole numbers": _case(
        "cannot be run on an image", stored={"w": np.ones((4, 3, 3, 3), np.int32)}
    ),
    "NaN": _case("values that are NaN or infinite", stored=_stored(np.nan)),
    "infinity": _case("values that are NaN or infinite", stored=_stored(np.inf)),
    "no channels": _case(
        "operator Conv cannot be run", stored={"w": np.ones((0, 3, 3, 3), np.float32)}
    ),
    "two tensors of one name": _case(
        "two tensors", lambda m: m.graph.initializer.append(m.graph.initializer[0])
    ),
    "an operator not known": _case("Hardmax x1", nodes=[node("Hardmax", ["x"], ["y"])]),
    "an operator of a runtime": _case(
        "com.evil.Run x1", nodes=[node("Run", ["x"], ["y"], domain="com.evil")]
    ),
    "a loop of 10^9": _case("Loop x1", nodes=_loop(), stored={"w": WEIGHT, "times": _whole(10**9)}),
    "opset 7": _case("opset 7", opset=7),
    "opset 99": _case("opset 99", opset=99),
    "a circle": _case("wait for each other", nodes=_CYCLE),
    "int8": _case("already quantized", **_quantized()),
    "ConstantOfShape of 10^12": _case(
        "ConstantOfShape", **_before(node("ConstantOfShape", ["s"], ["big"]), s=_FAR)
    ),
    "Expand of 10^12": _case(
        "Expand", **_before(node("Expand", ["o", "s"], ["big"]), o=WEIGHT[0, 0, :1, :1], s=_FAR)
    ),
    "Range of 10^12": _case(
        "Range",
        **_before(
            node("Range", ["s", "e", "d"], ["big"]),
            s=np.array(0),
            e=np.array(10**12),
            d=np.array(1),
        ),
    ),
    "images of 10^18 pixels": _case("not an image of a size", image=("n", 3, 10**9, 10**9)),
    "a batch of 10^12": _case("operator Conv cannot be run", image=(10**12, 3, 16, 16)),
    "data elsewhere": Case(_external("SECRET"), "which is not a file beside it"),
    "data in /etc": Case(_external("/etc/passwd"), "'/etc/passwd', which is not a file beside it"),
    "data above": Case(_external("../../secret"), "'../../secret', which is not a file beside it"),
    "data missing": Case(_external("net.data"), "'net.data'; upload both"),
    "data too short": Case(
        _external("net.data", **{"net.data": b"123"}), "needs 432 bytes at offset 0 of 'net.data'"
    ),
    "data beside": Case(_external("net.data", **{"net.data": WEIGHT.tobytes()}), "", works=True),
    "two networks": Case(
        lambda mark: {"a.onnx": network(), "b.onnx": network()}, "2 of the given files"
    ),
    **{f"called {name[:12]!a}": fine("net.onnx", _named(name)) for name in NAMES},
}
