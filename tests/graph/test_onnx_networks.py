"""Whole networks, exported by both exporters of torch, compute what the torch module computes."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from onnx_common import difference, exported, randomised
from torch import Tensor, nn

from qcore.graph.build import build_network
from qcore.graph.layer import Description
from qcore.graph.onnx_import.load import read_onnx
from qcore.graph.program import export_module
from qcore.graph.torchvision_import import import_torchvision

SHAPE = (3, 32, 32)


class Attention(nn.Module):
    """Patches, a class token, positions, attention and a head: a small vision transformer."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, 16, 8, 8)
        self.token = nn.Parameter(torch.randn(1, 1, 16))
        self.position = nn.Parameter(torch.randn(1, 17, 16))
        self.norm = nn.LayerNorm(16)
        self.attention = nn.MultiheadAttention(16, 2, batch_first=True)
        self.head = nn.Linear(16, 10)

    def forward(self, x: Tensor) -> Tensor:
        n = x.shape[0]
        x = self.patches(x).reshape(n, 16, 16).permute(0, 2, 1)
        x = torch.cat([self.token.expand(n, -1, -1), x], 1) + self.position
        y = self.norm(x)
        x = x + self.attention(y, y, y, need_weights=False)[0]
        return self.head(x[:, 0])  # type: ignore[no-any-return]


class Mixed(nn.Module):
    """Shuffled channels, resizing, reflection, windows, a grouped norm and a transposed layer."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 8, 3, 2, 1, bias=False)
        self.norm = nn.BatchNorm2d(8)
        self.up = nn.ConvTranspose2d(8, 8, 2, 2, groups=2)
        self.group = nn.GroupNorm(2, 8)
        self.dense = nn.Linear(8, 12, bias=False)
        self.head = nn.Linear(12, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = F.hardswish(self.norm(self.first(x)))
        n, c, h, w = x.shape
        x = x.view(n, 2, c // 2, h, w).transpose(1, 2).reshape(n, c, h, w)
        x = F.interpolate(x, scale_factor=2.0, mode="bilinear") + self.up(x)
        x = self.group(F.pad(x, (1, 2, 3, 1), mode="reflect"))
        x = F.avg_pool2d(F.max_pool2d(x, 3, 2, 1), 2, ceil_mode=True)
        x = torch.roll(x, 1, 2).permute(0, 2, 3, 1)
        return self.head(F.gelu(self.dense(x)).mean((1, 2)))  # type: ignore[no-any-return]


def _torchvision(name: str) -> Callable[[], nn.Module]:
    return lambda: import_torchvision().models.get_model(name, weights=None, num_classes=10)  # type: ignore[no-any-return]


def _mobilenet() -> nn.Module:
    """The first blocks of MobileNetV2."""
    blocks = [[1, 16, 1, 1], [6, 24, 2, 2], [6, 32, 1, 2]]
    models = import_torchvision().models
    return models.MobileNetV2(10, inverted_residual_setting=blocks)  # type: ignore[no-any-return]


def _sample() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, bias=False),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(7200, 10),
    )


NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "sample": _sample,
    "attention": Attention,
    "mixed": Mixed,
    "mobilenet_v2": _mobilenet,
    "shufflenet": _torchvision("shufflenet_v2_x0_5"),
    "squeezenet": _torchvision("squeezenet1_1"),
}
WAYS = [(d, f) for d in (False, True) for f in (False, True)]
SLOW = {
    "mobilenet_v2": [(True, False)],
    "shufflenet": [(False, True)],
    "squeezenet": [(False, False)],
}
GRID = [(name, *way) for name in NETWORKS for way in SLOW.get(name, WAYS)]


def network_of(name: str) -> nn.Module:
    torch.manual_seed(0)
    return randomised(NETWORKS[name]())


@cache
def description_of(name: str) -> Description:
    """What torch's own export of the network says."""
    return build_network(network_of(name), "torch", (SHAPE,)).description


@pytest.mark.parametrize(("name", "dynamo", "free_batch"), GRID)
def test_exported_network(name: str, dynamo: bool, free_batch: bool, tmp_path: Path) -> None:
    module = network_of(name)
    path = exported(module, SHAPE, tmp_path / "0", dynamo=dynamo, free_batch=free_batch)
    network = read_onnx({"net.onnx": path})
    assert network.input_shapes == (SHAPE,)
    assert network.batch == (None if free_batch else 1)
    images = torch.randn(3, *SHAPE)
    with torch.no_grad():
        expected = module(images)
        # A batch of another size than the file's: constant shapes follow.
        assert difference(network.module(images), expected) < 1e-4
        assert difference(network.module(images[:1]), expected[:1]) < 1e-4
    mine = build_network(network.module, "file", network.input_shapes, batch=network.batch)
    own = description_of(name)
    assert [layer.op for layer in mine.description.layers] == [layer.op for layer in own.layers]
    assert [layer.weight_shape for layer in mine.description.layers] == [
        layer.weight_shape for layer in own.layers
    ]
    assert mine.description.macs == own.macs
    names = [layer.name for layer in own.layers]
    assert [layer.name for layer in mine.description.layers] == names


def test_the_batch_stays_free_when_traced(tmp_path: Path) -> None:
    path = exported(Attention(), SHAPE, tmp_path / "0", dynamo=False, free_batch=False)
    program = export_module(read_onnx({"net.onnx": path}).module, (SHAPE,))
    placeholder = next(n for n in program.graph.nodes if n.name == program.input_nodes[0])
    sizes: Any = placeholder.meta["val"].shape
    assert isinstance(sizes[0], torch.SymInt)


def test_keys_are_those_of_the_torch_module(tmp_path: Path) -> None:
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.PReLU(4), nn.Flatten(), nn.Linear(3600, 5))
    for dynamo in (False, True):
        path = exported(module, SHAPE, tmp_path / "0", dynamo=dynamo, free_batch=True)
        state = read_onnx({"net.onnx": path}).module.state_dict()
        wanted = {key: t for key, t in module.state_dict().items() if not key.startswith("1.")}
        for key, tensor in wanted.items():
            assert key in state, (dynamo, sorted(state))
            torch.testing.assert_close(state[key], tensor)
