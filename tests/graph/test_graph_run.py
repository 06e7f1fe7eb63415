"""Kernels as rows, and runs that stop, go on and take other weights."""

from __future__ import annotations

import copy
from functools import cache

import pytest
import torch
from small_nets import as_network, random_data, residual_network, small_residual
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from qcore.graph.kernels import from_kernels, to_kernels
from qcore.graph.layer import Layer
from qcore.graph.network import Network
from qcore.graph.run import Changes, Runner, first_use


def runner_of(network: Network) -> Runner:
    return network.runner()


KINDS = {
    "conv": lambda: nn.Conv2d(4, 6, 3),
    "conv, 2 groups": lambda: nn.Conv2d(4, 6, 3, groups=2),
    "depthwise": lambda: nn.Conv2d(4, 4, 3, groups=4),
    "transposed": lambda: nn.ConvTranspose2d(4, 6, 3),
    "transposed, 2 groups": lambda: nn.ConvTranspose2d(4, 6, 3, groups=2),
    "transposed, depthwise": lambda: nn.ConvTranspose2d(4, 8, 3, groups=4),
}


class OneLayer(nn.Module):
    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.layer(x)
        return out.mean((2, 3))


@cache
def only_layer(kind: str) -> tuple[nn.Module, Layer]:
    torch.manual_seed(0)
    module = KINDS[kind]()
    (layer,) = as_network(OneLayer(module), 4, 8).description.layers
    return module, layer


@pytest.mark.parametrize("kind", list(KINDS))
def test_rows_and_back(kind: str) -> None:
    module, layer = only_layer(kind)
    rows = to_kernels(module.weight, layer)
    assert rows.shape == (layer.kernels, module.weight.numel() // layer.kernels)
    assert torch.equal(from_kernels(rows, layer), module.weight)


@pytest.mark.parametrize("kind", list(KINDS))
def test_row_k_makes_output_channel_k_and_no_other(kind: str) -> None:
    module, layer = only_layer(kind)
    images = torch.randn(2, 4, 8, 8)
    before = module(images).detach().clone()
    assert layer.kernels == before.shape[1]
    for k in range(layer.kernels):
        changed = copy.deepcopy(module)
        rows = to_kernels(changed.weight.detach(), layer).clone()
        rows[k] *= 2
        changed.weight.data = from_kernels(rows, layer).clone()
        differs = (changed(images) - before).abs().amax((0, 2, 3)) > 0
        assert differs.nonzero().flatten().tolist() == [k]


@pytest.mark.parametrize("kind", list(KINDS))
def test_multiply_accumulates_are_half_the_flops_torch_counts(kind: str) -> None:
    module, layer = only_layer(kind)
    with FlopCounterMode(display=False) as counter:
        module(torch.randn(1, 4, 8, 8))
    assert 2 * layer.macs == counter.get_total_flops()


@pytest.mark.parametrize("name", ["stem", "first", "second", "head"])
def test_finishing_with_another_weight_is_a_whole_run_with_it(name: str) -> None:
    module, network = small_residual(), residual_network()
    layer = network.description.layer(name)
    runner, images = runner_of(network), random_data(4).images
    weight = 0.5 * network.weight(layer)

    changed = copy.deepcopy(module)
    changed.get_submodule(name).weight.data *= 0.5  # folding is linear in the weight
    with torch.no_grad():
        expected = changed(images)
        position = runner.start(images)
        runner.advance(position, first_use(runner, layer.nodes))
        index, known = position.index, set(position.values)
        got = runner.finish(position, Changes({layer.weight_key: weight}))
        torch.testing.assert_close(got, expected, rtol=1e-4, atol=1e-5)
        assert (position.index, set(position.values)) == (index, known)
        torch.testing.assert_close(runner.finish(position), module(images), rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(runner(images, Changes({layer.weight_key: weight})), got)


def test_stopping_at_every_node_changes_nothing() -> None:
    network = residual_network()
    runner, images = runner_of(network), random_data(2).images
    whole = runner(images)
    position = runner.start(images)
    for index in range(len(runner.nodes) + 1):
        runner.advance(position, index)
        assert torch.equal(runner.finish(position), whole)


def test_values_that_nothing_reads_any_more_are_let_go() -> None:
    network = residual_network()
    runner = runner_of(network)
    position = runner.start(random_data(2).images)
    most = 0
    for index in range(len(runner.nodes) + 1):
        runner.advance(position, index)
        most = max(most, len(position.values))
    assert most == 2  # the shortcut and the block's own path
    assert len(position.values) == 1


def test_images_are_not_written_to() -> None:
    network = as_network(nn.Sequential(nn.ReLU(inplace=True), nn.Flatten(), nn.Linear(192, 3)))
    images = random_data(2).images
    before = images.clone()
    runner_of(network)(images)
    assert torch.equal(images, before)


def test_layer_used_twice_takes_the_new_weight_both_times() -> None:
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 3, 3, padding=1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.conv(self.conv(x).relu()).mean((2, 3))

    torch.manual_seed(0)
    module = Twice()
    network = as_network(module)
    (layer,) = network.description.layers
    images = random_data(2).images
    got = runner_of(network)(images, Changes({layer.weight_key: 0.5 * network.weight(layer)}))
    module.conv.weight.data *= 0.5
    torch.testing.assert_close(got, module(images), rtol=1e-4, atol=1e-5)
