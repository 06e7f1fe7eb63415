"""What an ONNX file calls things, and what its owner is told in plain words."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from onnx import helper
from onnx_common import model_of, read, real

from qcore.errors import BadInput
from qcore.graph.load import load_network
from qcore.graph.onnx_import import walk


def test_the_names_of_two_inputs_reach_the_description(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Flatten", ["pixels"], ["flat"]),
        helper.make_node("Gemm", ["flat", "w"], ["a"]),
        helper.make_node("Gemm", ["meta", "v"], ["b"]),
        helper.make_node("Add", ["a", "b"], ["y"]),
    ]
    inputs = {"pixels": ["n", 3, 4, 4], "meta": ["n", 2]}
    model = model_of(nodes, inputs, ["y"], {"w": real(48, 5), "v": real(2, 5)})
    path = tmp_path / "two.onnx"
    path.write_bytes(model.SerializeToString())
    description = load_network(str(path)).description
    assert description.input_shape == (3, 4, 4)
    assert description.extra_inputs == (("meta", (2,)),)


@pytest.mark.parametrize("shape", [(4, 0, 1, 1), (0, 3, 1, 1), (4, 3, 0, 1)])
def test_a_convolution_without_weights(shape: tuple[int, ...], tmp_path: Path) -> None:
    conv = [helper.make_node("Conv", ["x", "w"], ["y"])]
    model = model_of(conv, {"x": [1, 3, 4, 4]}, ["y"], {"w": np.zeros(shape, np.float32)})
    with pytest.raises(BadInput, match=r"the weight of this Conv is empty \(.*export the network"):
        read(model, tmp_path)


def test_memory_that_runs_out_is_not_the_operators_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def call(*_: object) -> None:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate")

    monkeypatch.setattr(walk, "call", call)
    model = model_of([helper.make_node("Neg", ["x"], ["y"])], {"x": [1, 3, 4, 4]}, ["y"])
    with pytest.raises(RuntimeError, match="allocate memory"):
        read(model, tmp_path)
