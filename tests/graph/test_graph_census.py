"""What is a layer, what is not, and what both cost."""

from __future__ import annotations

from collections import OrderedDict

import pytest
import torch
from small_nets import as_network, random_data, residual_network, small_residual
from torch import Tensor, nn

from qcore.graph.layer import Description


class Attention(nn.Module):
    """A hand-written product of two activations beside one linear layer."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Linear(8, 6)

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.embed(x.flatten(1, 2))  # (N, 24, 6)
        scores = (tokens @ tokens.transpose(1, 2)).softmax(-1)  # 24 * 24 * 6 products
        return (scores @ tokens).mean(1)  # 24 * 6 * 24 products


def test_products_of_activations_are_counted_apart() -> None:
    description = as_network(Attention()).description
    assert description.macs == 24 * 8 * 6
    assert description.macs_not_quantized == 2 * 24 * 24 * 6
    counts = description.not_quantized
    assert counts["softmax"] + counts.get("_softmax", 0) == 1 if "softmax" in counts else True
    assert sum(counts[op] for op in ("matmul", "bmm", "mm") if op in counts) == 2
    assert description.other_count == 6


def test_not_quantized_counts_by_operator() -> None:
    counts = residual_network().description.not_quantized
    assert counts == {"relu": 3, "add": 1, "mean": 1}


def test_layers_in_running_order_with_their_shapes() -> None:
    description = residual_network().description
    got = [
        (la.name, la.op, la.weight_shape, la.kernels, la.macs, la.input_shape, la.output_shape)
        for la in description.layers
    ]
    wide = (1, 6, 8, 8)
    assert got == [
        ("stem", "conv2d", (6, 3, 3, 3), 6, 6 * 27 * 64, (1, 3, 8, 8), wide),
        ("first", "conv2d", (6, 6, 3, 3), 6, 6 * 54 * 64, wide, wide),
        ("second", "conv2d", (6, 6, 3, 3), 6, 6 * 54 * 64, wide, wide),
        ("head", "linear", (5, 6), 5, 30, (1, 6), (1, 5)),
    ]
    assert description.parameters == 162 + 12 + 330 + 324 + 12 + 35
    assert description.other_count == 6 + 6 + 6 + 5  # a bias for each of the four
    assert description.classes == 5


class Sequence1d(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv1d(8, 4, 3, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x.flatten(1, 2).transpose(1, 2)).mean(2)  # (N, 8, 24) -> (N, 4, 11)


class Volume(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv3d(1, 2, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x.unsqueeze(1)).mean((2, 3, 4))  # (N, 1, 3, 8, 8) -> (N, 2, 1, 6, 6)


@pytest.mark.parametrize(
    ("module", "op", "macs"),
    [(Sequence1d(), "conv1d", 24 * 4 * 11), (Volume(), "conv3d", 27 * 2 * 36)],
    ids=["1-D", "3-D"],
)
def test_other_dimensions(module: nn.Module, op: str, macs: int) -> None:
    network = as_network(module)
    (layer,) = network.description.layers
    assert (layer.op, layer.macs) == (op, macs)
    images = random_data(3).images
    runner = network.runner()
    torch.testing.assert_close(runner(images), module(images), rtol=1e-4, atol=1e-5)


class Tied(nn.Module):
    """Two modules that hold the same parameter."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = nn.Linear(192, 192), nn.Linear(192, 192)
        self.two.weight = self.one.weight

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.two(self.one(x.flatten(1)).relu())
        return out


def test_tied_parameters_are_one_layer() -> None:
    description = as_network(Tied()).description
    (layer,) = description.layers
    assert layer.name in ("one", "two")
    assert len(layer.nodes) == 2
    assert description.weight_count == 192 * 192


class Clash(nn.Module):
    """A parameter and a module whose layer names would be the same."""

    def __init__(self) -> None:
        super().__init__()
        self.proj = nn.Linear(192, 4, bias=False)
        self.proj_weight = nn.Parameter(torch.randn(4, 4))

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.linear(self.proj(x.flatten(1)), self.proj_weight)


def test_layer_names_are_unique() -> None:
    names = [layer.name for layer in as_network(Clash()).description.layers]
    assert len(set(names)) == 2


def test_network_of_one_layer() -> None:
    module = nn.Sequential(OrderedDict(flat=nn.Flatten(), fc=nn.Linear(192, 3)))
    assert [la.name for la in as_network(module).description.layers] == ["fc"]


def test_description_survives_json() -> None:
    description = residual_network().description
    assert Description.from_json(description.to_json()) == description


def test_fingerprint_depends_on_the_computation_alone() -> None:
    first, again = as_network(small_residual()), as_network(small_residual(), name="other name")
    assert first.description.fingerprint == again.description.fingerprint
    changed = small_residual()
    changed.first.weight.data[0, 0, 0, 0] += 1e-3
    strided = small_residual()
    strided.second.dilation, strided.second.padding = (2, 2), (2, 2)  # same weights, other graph
    others = [as_network(m).description.fingerprint for m in (changed, strided)]
    others.append(as_network(small_residual(), size=9).description.fingerprint)
    assert len({first.description.fingerprint, *others}) == 4
