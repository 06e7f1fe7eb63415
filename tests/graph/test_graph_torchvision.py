"""Well-known networks: the folded graph computes what the module computes."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import torch
from small_nets import as_network, randomise
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from qcore.graph.network import Network
from qcore.graph.torchvision_import import import_torchvision

SIZE = 32
LAYER_TYPES = (nn.modules.conv._ConvNd, nn.Linear)
EXPECTED_LAYERS = {  # counted by hand from the papers' tables, or from how short the network is
    "resnet18": 21,
    "mobilenet_v2": 53,
    "efficientnet_b0": 82,
    "squeezenet1_0": 26,
    "densenet": 1 + 4 * 2 * 2 + 3 + 1,  # stem, layers of two convolutions, transitions, head
    "vit": 1 + 2 * 4 + 1,  # patches, encoder layers of four, head
}


@dataclass
class Pair:
    module: nn.Module
    network: Network


def torchvision_network(name: str) -> nn.Module:
    """torchvision's; the two that repeat one block most, with fewer of them."""
    models = import_torchvision().models
    if name == "densenet":
        return models.DenseNet(32, (2, 2, 2, 2), 64)  # type: ignore[no-any-return]
    if name == "vit":
        return models.VisionTransformer(SIZE, 16, 2, 12, 768, 3072)  # type: ignore[no-any-return]
    return models.get_model(name, weights=None)  # type: ignore[no-any-return]


@pytest.fixture(scope="module", params=list(EXPECTED_LAYERS))
def pair(request: pytest.FixtureRequest) -> Pair:
    torch.manual_seed(0)
    module = torchvision_network(request.param)
    randomise(module)
    return Pair(module, as_network(module, 3, SIZE, request.param))


@pytest.mark.parametrize("batch", [1, 3])
def test_output_is_the_module_s(pair: Pair, batch: int) -> None:
    images = torch.randn(batch, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(batch))
    n = pair.network
    runner = n.runner()
    with torch.no_grad():
        expected, got = pair.module(images), runner(images)
    assert expected.std() > 0
    assert (got - expected).abs().max() <= 1e-4 * expected.abs().max()


def test_multiply_accumulates_are_half_the_flops_torch_counts(pair: Pair) -> None:
    # With gradients on and plain attention, every product is an operator that torch counts.
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        pair.module(torch.randn(1, 3, SIZE, SIZE))
    description = pair.network.description
    assert 2 * (description.macs + description.macs_not_quantized) == counter.get_total_flops()


def test_every_weight_of_a_convolution_or_linear_is_a_layer(pair: Pair) -> None:
    parts = list(pair.module.modules())
    weights = [m.weight for m in parts if isinstance(m, LAYER_TYPES)]
    weights += [m.in_proj_weight for m in parts if isinstance(m, nn.MultiheadAttention)]
    description = pair.network.description
    assert len(description.layers) == len(weights) == EXPECTED_LAYERS[description.name]
    assert description.weight_count == sum(w.numel() for w in weights)
    names = [layer.name for layer in description.layers]
    assert len(set(names)) == len(names)


def test_layers_carry_the_names_of_their_modules(pair: Pair) -> None:
    modules = dict(pair.module.named_modules())
    for layer in pair.network.description.layers:
        module = modules[layer.name.removesuffix(".in_proj")]
        weight = module.in_proj_weight if layer.name.endswith("in_proj") else module.weight
        assert tuple(weight.shape) == layer.weight_shape


def test_batch_norms_are_folded_or_listed(pair: Pair) -> None:
    norms = sum(isinstance(m, nn.BatchNorm2d) for m in pair.module.modules())
    description = pair.network.description
    listed = description.not_quantized.get("_native_batch_norm_legit_no_training", 0)
    assert description.folded_batch_norms + listed == norms
    if description.name in ("resnet18", "mobilenet_v2", "efficientnet_b0"):
        assert listed == 0
    assert description.parameters == sum(p.numel() for p in pair.module.parameters())
