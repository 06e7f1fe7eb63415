"""Folding: batch norms and constants disappear, and the outputs stay."""

from __future__ import annotations

import pytest
import torch
from small_nets import as_network, randomise
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import parametrizations

from qcore.graph.network import Network


def run(network: Network, images: Tensor) -> Tensor:
    runner = network.runner()
    with torch.no_grad():
        return runner(images)


class Pooled(nn.Module):
    """Some layers on images (N, c, h, w), then the mean over positions as class scores."""

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.body = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.body(x)
        return y.flatten(2).mean(2)


def test_convolution_and_batch_norm_known_answer() -> None:
    conv, norm = nn.Conv2d(1, 1, 1), nn.BatchNorm2d(1, eps=0.0)
    conv.weight.data.fill_(2.0)
    conv.bias.data.fill_(0.5)
    norm.running_mean.fill_(1.0)
    norm.running_var.fill_(4.0)
    norm.weight.data.fill_(3.0)
    norm.bias.data.fill_(-1.0)
    network = as_network(Pooled(conv, norm), 1, 2)
    (layer,) = network.description.layers
    assert network.weight(layer).item() == 3.0  # 2 * 3 / sqrt(4)
    assert network.tensors[layer.bias_key].item() == -1.75  # (0.5 - 1) * 3 / 2 - 1
    assert network.description.folded_batch_norms == 1


class ScaledStandardConv(nn.Conv2d):
    """Weight standardisation, computed in forward."""

    def forward(self, x: Tensor) -> Tensor:
        mean = self.weight.mean((1, 2, 3), keepdim=True)
        std = self.weight.std((1, 2, 3), keepdim=True)
        weight = (self.weight - mean) / (std + 1e-5)
        return functional.conv2d(x, weight, self.bias, self.stride, self.padding)


FOLDED = {
    "convolution without bias": lambda: (nn.Conv2d(3, 4, 3, bias=False), nn.BatchNorm2d(4)),
    "convolution with bias": lambda: (nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)),
    "grouped": lambda: (nn.Conv2d(3, 6, 3, groups=3), nn.BatchNorm2d(6)),
    "transposed": lambda: (nn.ConvTranspose2d(3, 4, 3, 2), nn.BatchNorm2d(4)),
    "transposed, grouped": lambda: (
        nn.Conv2d(3, 4, 1),
        nn.ConvTranspose2d(4, 6, 3, groups=2),
        nn.BatchNorm2d(6),
    ),
    "transposed, depthwise": lambda: (
        nn.ConvTranspose2d(3, 3, 3, groups=3, bias=False),
        nn.BatchNorm2d(3),
    ),
    "weight standardisation": lambda: (ScaledStandardConv(3, 4, 3), nn.BatchNorm2d(4)),
    "weight norm": lambda: (
        parametrizations.weight_norm(nn.Conv2d(3, 4, 3)),
        nn.BatchNorm2d(4),
    ),
    "string padding": lambda: (nn.Conv2d(3, 4, 3, padding="same"), nn.BatchNorm2d(4)),
}


@pytest.mark.parametrize("case", list(FOLDED))
def test_batch_norm_is_folded_into(case: str) -> None:
    torch.manual_seed(0)
    module = randomise(Pooled(*FOLDED[case]()))
    network = as_network(module)
    norm_at = len(module.body) - 1
    assert network.description.folded_batch_norms == 1
    assert [layer.name for layer in network.description.layers] == [
        f"body.{i}" for i in range(norm_at)
    ]
    assert "_native_batch_norm_legit_no_training" not in network.description.not_quantized
    images = torch.randn(3, 3, 8, 8)
    torch.testing.assert_close(run(network, images), module(images), rtol=1e-4, atol=1e-5)


def test_constant_expressions_leave_no_operator_behind() -> None:
    torch.manual_seed(0)
    module = randomise(Pooled(ScaledStandardConv(3, 4, 3)))
    network = as_network(module)
    assert set(network.description.not_quantized) <= {"mean", "reshape", "flatten"}
    (layer,) = network.description.layers
    weight = network.weight(layer)
    assert weight.mean((1, 2, 3)).abs().max() < 1e-6
    assert weight.std((1, 2, 3)) == pytest.approx(1.0, rel=1e-3)
    assert network.description.other_count == 4  # the bias alone: no left-over original weight


class LinearNorm(nn.Module):
    """Linear and BatchNorm1d, on vectors or on sequences of vectors."""

    def __init__(self, sequence: int | None) -> None:
        super().__init__()
        self.sequence = sequence
        self.linear = nn.Linear(12 // (sequence or 1), 4)
        self.norm = nn.BatchNorm1d(sequence or 4)

    def forward(self, x: Tensor) -> Tensor:
        x = x.flatten(1)
        if self.sequence is not None:
            x = x.unflatten(1, (self.sequence, -1))
        return self.norm(self.linear(x)).flatten(1)


@pytest.mark.parametrize(
    ("sequence", "folded"),
    [(None, 1), (3, 0), (4, 0)],
    ids=["vectors", "sequence of 3", "sequence as long as the features are many"],
)
def test_linear_and_batch_norm(sequence: int | None, folded: int) -> None:
    """Over a sequence the norm's channels are positions, not the linear layer's outputs."""
    torch.manual_seed(0)
    module = randomise(LinearNorm(sequence))
    network = as_network(module, 3, 2)
    assert network.description.folded_batch_norms == folded
    images = torch.randn(5, 3, 2, 2)
    torch.testing.assert_close(run(network, images), module(images), rtol=1e-4, atol=1e-5)


class Shared(nn.Module):
    """One convolution used twice, each time with a norm of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 3, padding=1)
        self.norm1, self.norm2 = nn.BatchNorm2d(3), nn.BatchNorm2d(3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.norm1(self.conv(x)).relu()
        return self.norm2(self.conv(x)).mean((2, 3))


def test_shared_weight_is_one_layer_of_two_nodes_and_keeps_its_norms() -> None:
    torch.manual_seed(0)
    module = randomise(Shared())
    network = as_network(module)
    (layer,) = network.description.layers
    assert len(layer.nodes) == 2
    assert layer.macs == 2 * 81 * 64
    assert network.description.folded_batch_norms == 0
    assert network.description.not_quantized["_native_batch_norm_legit_no_training"] == 2
    images = torch.randn(2, 3, 8, 8)
    torch.testing.assert_close(run(network, images), module(images), rtol=1e-4, atol=1e-5)


class Branching(nn.Module):
    """The convolution's output is read beside the norm: it must stay what it is."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        return (self.norm(x) + x).mean((2, 3))


def test_norm_is_kept_where_its_input_has_another_reader() -> None:
    torch.manual_seed(0)
    module = randomise(Branching())
    network = as_network(module)
    assert network.description.folded_batch_norms == 0
    images = torch.randn(2, 3, 8, 8)
    torch.testing.assert_close(run(network, images), module(images), rtol=1e-4, atol=1e-5)
