"""One network in every format that can be brought is one network: layers, costs, outputs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from onnx_common import difference, exported
from safetensors.torch import save_file
from small_nets import randomise
from torch import Tensor, nn
from torch.export import Dim

from qcore.graph.build import build_network
from qcore.graph.load import load_network
from qcore.graph.network import Network
from qcore.graph.run import as_tuple
from qcore.graph.torchvision_import import import_torchvision

SHAPE = (3, 32, 32)
PRODUCTS = {"matmul", "bmm", "scaled_dot_product_attention"}


class Windows(nn.Module):
    """Grouped, depthwise, transposed and 1-D convolutions."""

    def __init__(self) -> None:
        super().__init__()
        self.grouped = nn.Conv2d(3, 12, 3, 2, 1, groups=3, bias=False)
        self.norm = nn.BatchNorm2d(12)
        self.depthwise = nn.Conv2d(12, 12, 3, padding="same", groups=12)
        self.up = nn.ConvTranspose2d(12, 8, 3, 2, 1, output_padding=1, groups=2)
        self.norm_up = nn.BatchNorm2d(8)
        self.row = nn.Conv1d(8, 6, 5, 3, dilation=2)
        self.norm_row = nn.BatchNorm1d(6)
        self.head = nn.Linear(6, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.depthwise(self.norm(self.grouped(x)).relu())
        x = self.norm_up(self.up(x)).relu()
        x = self.norm_row(self.row(x.flatten(2))).relu()
        out: Tensor = self.head(x.mean(2))
        return out


class TwoHeads(nn.Module):
    """Class scores, and four numbers for each cell of a grid."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 8, 3, 2), nn.BatchNorm2d(8), nn.SiLU())
        self.boxes = nn.Conv2d(8, 4, 3, padding=1)
        self.scores = nn.Linear(8, 5)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        x = self.body(x)
        return self.scores(x.mean((2, 3))), self.boxes(x).sigmoid()


def _transformer() -> nn.Module:
    module: nn.Module = import_torchvision().models.VisionTransformer(
        image_size=32,
        patch_size=8,
        num_layers=1,
        num_heads=2,
        hidden_dim=16,
        mlp_dim=24,
        num_classes=10,
    )
    return module


def _mobilenet() -> nn.Module:
    """The first blocks of MobileNetV2; a whole one is in ``test_graph_torchvision``."""
    blocks = [[1, 16, 1, 1], [6, 24, 2, 2], [6, 32, 1, 2]]
    models = import_torchvision().models
    module: nn.Module = models.MobileNetV2(10, inverted_residual_setting=blocks)
    return module


Way = tuple[str, bool]
"""Exporter, and whether the batch size is free."""

WAYS: tuple[Way, ...] = tuple((k, b) for k in ("pt2", "dynamo", "legacy") for b in (False, True))
LARGE = {"mobilenet_v2": (("pt2", False), ("legacy", True))}
NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "windows": Windows,
    "two heads": TwoHeads,
    "transformer": _transformer,
    "mobilenet_v2": _mobilenet,
}


def _program(module: nn.Module, shape: tuple[int, ...], path: Path, free_batch: bool) -> Path:
    axes = ({0: Dim("n")},) if free_batch else None
    example = (torch.randn(2 if free_batch else 1, *shape),)
    torch.export.save(torch.export.export(module, example, dynamic_shapes=axes), path)
    return path


def _files(module: nn.Module, folder: Path, ways: tuple[Way, ...]) -> dict[Way, Path]:
    """The network as files of several kinds."""
    found = {}
    for kind, free_batch in ways:
        path = folder / f"{kind}-{free_batch}{'.pt2' if kind == 'pt2' else '.onnx'}"
        if kind == "pt2":
            found[kind, free_batch] = _program(module, SHAPE, path, free_batch)
        else:
            found[kind, free_batch] = exported(
                module, SHAPE, path, dynamo=kind == "dynamo", free_batch=free_batch
            )
    return found


def _assert_same(found: Network, wanted: Network, images: Tensor) -> None:
    mine, own = found.description, wanted.description
    assert [la.name for la in mine.layers] == [la.name for la in own.layers]
    for layer, other in zip(mine.layers, own.layers, strict=True):
        for part in ("op", "weight_shape", "groups", "kernels", "macs", "output_shape"):
            assert getattr(layer, part) == getattr(other, part), (layer.name, part)
        assert difference(found.weight(layer), wanted.weight(other)) < 1e-4, layer.name
    assert mine.macs == own.macs
    assert mine.macs_not_quantized == own.macs_not_quantized
    assert bool(PRODUCTS & set(mine.not_quantized)) == bool(mine.macs_not_quantized)
    assert (mine.input_shape, mine.output_shapes) == (own.input_shape, own.output_shapes)
    assert mine.classes == own.classes
    runner, step = found.runner(), mine.batch or len(images)
    with torch.inference_mode():
        parts = [as_tuple(runner(some)) for some in images.split(step)]
        expected = as_tuple(wanted.runner()(images))
    results = [torch.cat(part) for part in zip(*parts, strict=True)]
    assert len(results) == len(expected)
    for one, other_one in zip(results, expected, strict=True):
        assert difference(one, other_one) < 1e-4


@pytest.mark.parametrize("name", NETWORKS)
def test_every_format(name: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    module = randomise(NETWORKS[name]())
    images = torch.randn(3, *SHAPE)
    own = build_network(module, "module", (SHAPE,))
    with torch.inference_mode():
        results, expected = as_tuple(own.runner()(images)), as_tuple(module(images))
    for mine, theirs in zip(results, expected, strict=True):
        assert difference(mine, theirs) < 1e-4
    for way, path in _files(module, tmp_path, LARGE.get(name, WAYS)).items():
        network = load_network(str(path))
        _assert_same(network, own, images)
        # Attention of torch.nn mixes images with heads in its shapes: one image stays one.
        fixed = name == "transformer" and way == ("pt2", False)
        assert network.description.batch == (1 if fixed else None), way


def test_products_of_activations_are_counted_and_not_quantized() -> None:
    description = build_network(_transformer(), "module", (SHAPE,)).description
    assert PRODUCTS & set(description.not_quantized)
    # One layer of two heads, 8 numbers each, for 17 tokens: query x key, and weights x value.
    assert description.macs_not_quantized == 2 * 2 * 17 * 17 * 8


def test_weights_alone(tmp_path: Path) -> None:
    torch.manual_seed(0)
    module = randomise(import_torchvision().models.resnet18(weights=None, num_classes=10))
    files = (tmp_path / "net.pth", tmp_path / "net.safetensors")
    torch.save(module.state_dict(), files[0])
    save_file(module.state_dict(), files[1])
    wanted = build_network(module, "module", ((3, 224, 224),))
    images = torch.randn(2, 3, 224, 224)
    for file in files:
        _assert_same(load_network(f"torchvision:resnet18@{file}"), wanted, images)
