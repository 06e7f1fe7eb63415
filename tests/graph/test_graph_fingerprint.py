"""The fingerprint: of what is computed, not of what nodes happen to be called; and its layers."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from pt2_common import saved
from torch import Tensor, nn

from qcore.errors import BadInput
from qcore.graph import describe
from qcore.graph.build import build_network
from qcore.graph.describe import fingerprint
from qcore.graph.load import _load, load_network
from qcore.graph.program import Program, export_module


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.a, self.b = nn.Linear(4, 4), nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.a(x) - self.b(x.relu())
        return y.reshape(x.shape[0], -1)


def program() -> Program:
    return export_module(Net().eval(), ((4,),))


def test_names_of_nodes_do_not_matter() -> None:
    one, two = program(), program()
    renamed = {node.name: f"other_{i}" for i, node in enumerate(two.graph.nodes)}
    constants = {renamed[name]: key for name, key in two.constants.items()}
    inputs = tuple(renamed[name] for name in two.input_nodes)
    for node in two.graph.nodes:
        node.name = renamed[node.name]
    changed = Program(two.graph, two.tensors, constants, inputs, two.input_shapes, two.batch)
    assert fingerprint(changed) == fingerprint(one)


def test_operands_matter() -> None:
    one, two = program(), program()
    (node,) = [n for n in two.graph.nodes if n.target is torch.ops.aten.sub.Tensor]
    node.args = node.args[::-1]
    assert fingerprint(one) != fingerprint(two)


def test_a_constant_that_is_called_like_a_node_is_none() -> None:
    texts = []
    for padding in ("same", "valid"):
        conv = nn.Sequential(nn.Conv2d(1, 1, 1, padding=padding))
        conv[0].weight.data.fill_(1.0)
        conv[0].bias.data.fill_(0.0)
        texts.append(fingerprint(export_module(conv.eval(), ((1, 4, 4),))))
    assert texts[0] != texts[1]


def test_two_loads_of_a_file_agree(tmp_path: Path) -> None:
    path = tmp_path / "net.pt2"
    path.write_bytes(saved(Net(), (torch.zeros(2, 4),), ({0: torch.export.Dim("n")},)))
    first = load_network(str(path)).description.fingerprint
    _load.cache_clear()
    assert load_network(str(path)).description.fingerprint == first
    path.write_bytes(saved(nn.Linear(4, 4), (torch.zeros(2, 4),), ({0: torch.export.Dim("n")},)))
    assert load_network(str(path)).description.fingerprint != first


def test_too_many_layers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(describe, "MOST_LAYERS", 2)
    assert len(build_network(Net(), "two", ((4,),)).description.layers) == 2
    monkeypatch.setattr(describe, "MOST_LAYERS", 1)
    with pytest.raises(BadInput, match="has 2 layers; at most 1 can be handled"):
        build_network(Net(), "two", ((4,),))
