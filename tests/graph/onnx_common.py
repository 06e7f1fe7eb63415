"""Small ONNX models, and ONNX Runtime's answer to them."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from qcore.graph.onnx_import.load import OnnxNetwork, read_onnx

Array = np.ndarray[Any, Any]
Shape = Sequence[int | str | None]
_IR = {9: 4, 10: 5, 11: 6, 12: 7, 13: 7, 14: 7, 15: 8, 16: 8, 17: 8, 18: 8, 19: 9, 20: 9, 21: 10}


def real(*shape: int, low: float = -1.0, high: float = 1.0) -> Array:
    return np.random.default_rng(1).uniform(low, high, shape).astype(np.float32)


def model_of(
    nodes: Sequence[onnx.NodeProto],
    inputs: Mapping[str, Shape],
    outputs: Sequence[str],
    stored: Mapping[str, Array] | None = None,
    opset: int = 17,
    kinds: Mapping[str, int] | None = None,
) -> onnx.ModelProto:
    """A model of float inputs; ``kinds`` gives the element type of outputs that are not float."""
    kinds = kinds or {}
    graph = helper.make_graph(
        list(nodes),
        "g",
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, list(s)) for n, s in inputs.items()],
        [helper.make_tensor_value_info(n, kinds.get(n, TensorProto.FLOAT), None) for n in outputs],
        [numpy_helper.from_array(value, name) for name, value in (stored or {}).items()],
    )
    return helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=_IR.get(opset, 10)
    )


def written(model: onnx.ModelProto, folder: Path) -> dict[str, Path]:
    """The model as an uploaded file: its place on disk says nothing of its name."""
    path = folder / "0"
    path.write_bytes(model.SerializeToString())
    return {"model.onnx": path}


def read(model: onnx.ModelProto, folder: Path, shape: tuple[int, ...] | None = None) -> OnnxNetwork:
    return read_onnx(written(model, folder), shape)


def runtime(content: bytes, feeds: Mapping[str, Array]) -> list[Array]:
    """What ONNX Runtime computes, without its own rewriting of the graph."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    return [np.asarray(value) for value in session.run(None, dict(feeds))]


def outputs_of(module: nn.Module, *images: Array) -> list[Array]:
    with torch.no_grad():
        found = module(*(torch.from_numpy(image) for image in images))
    return [t.numpy() for t in (found if isinstance(found, tuple) else (found,))]


def assert_as_runtime(
    model: onnx.ModelProto, folder: Path, *images: Array, tolerance: float = 1e-5
) -> OnnxNetwork:
    """The module's outputs equal ONNX Runtime's; images are fed in the order of the inputs."""
    network = read(model, folder)
    feeds = dict(zip(network.input_names, images, strict=True))
    expected = runtime(model.SerializeToString(), feeds)
    found = outputs_of(network.module, *images)
    assert len(found) == len(expected)
    for mine, theirs in zip(found, expected, strict=True):
        assert mine.shape == theirs.shape
        if np.issubdtype(theirs.dtype, np.floating):
            np.testing.assert_allclose(mine, theirs, rtol=tolerance, atol=tolerance)
        else:
            np.testing.assert_array_equal(mine, theirs)
    return network


def exported(
    module: nn.Module, shape: tuple[int, ...], path: Path, *, dynamo: bool, free_batch: bool
) -> Path:
    """Export with torch; with a fixed batch the file states a batch of one."""
    image = torch.randn(2 if free_batch else 1, *shape)
    options: dict[str, Any] = {"input_names": ["image"], "output_names": ["scores"]}
    if dynamo:
        options |= {"dynamo": True, "external_data": False, "verbose": False}
        if free_batch:
            options["dynamic_shapes"] = ({0: torch.export.Dim("n")},)
    else:
        options |= {"dynamo": False, "opset_version": 17}
        if free_batch:
            options["dynamic_axes"] = {"image": {0: "n"}, "scores": {0: "n"}}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(module.eval(), (image,), str(path), **options)
    return path


def randomised(module: nn.Module, seed: int = 0) -> nn.Module:
    """Batch norm statistics that are not 0 and 1, so that a lost one shows."""
    generator = torch.Generator().manual_seed(seed)
    for part in module.modules():
        if isinstance(part, nn.modules.batchnorm._BatchNorm):
            assert part.running_mean is not None
            assert part.running_var is not None
            part.running_mean.copy_(torch.randn(part.running_mean.shape, generator=generator) * 0.1)
            part.running_var.copy_(torch.rand(part.running_var.shape, generator=generator) + 0.5)
    return module.eval()


def difference(a: Tensor, b: Tensor) -> float:
    return float((a - b).abs().max() / b.abs().max().clamp(min=1e-6))
