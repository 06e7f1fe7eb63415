"""What torch.export.save writes for real networks is read, and computes exactly the same."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from pt2_common import Small, saved
from torch import Tensor, nn
from torch.export import Dim
from torch.nn import functional as F

from qcore.graph.efficientnet_lite0 import efficientnet_lite0
from qcore.graph.pt2.load import read_pt2
from qcore.graph.torchvision_import import import_torchvision

BATCH = ({0: Dim("batch", min=1, max=64)},)
FREE = ({0: Dim.DYNAMIC},)


class TwoByTwo(nn.Module):
    """Two inputs and a keyword, a dict and a list as outputs."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Linear(4, 3), nn.Linear(5, 3)

    def forward(self, x: Tensor, y: Tensor, *, gain: Tensor) -> dict[str, Any]:
        left, right = self.a(x), self.b(y)
        return {"sum": left + right * gain, "parts": [left, (right, left.argmax(1))]}


class Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.qkv, self.out = nn.Linear(8, 24), nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        n, length, _ = x.shape
        q, k, v = self.qkv(x).reshape(n, length, 3, 2, 4).permute(2, 0, 3, 1, 4).unbind(0)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.out(y.transpose(1, 2).reshape(n, length, 8)).mean(1)


class Standardised(nn.Conv2d):
    """A convolution that computes its weight."""

    def forward(self, x: Tensor) -> Tensor:
        weight = self.weight - self.weight.mean((1, 2, 3), keepdim=True)
        weight = weight / (weight.std((1, 2, 3), keepdim=True) + 1e-5)
        return F.conv2d(F.pad(x, (1, 1, 1, 1), "reflect"), weight, self.bias)


class Shared(nn.Module):
    """One weight under two names, a part of another one, and a step written out as Python."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(6, 6)
        self.second = nn.Linear(6, 6)
        self.second.weight = self.first.weight
        self.register_buffer("table", torch.arange(12.0).reshape(3, 4))
        self.register_buffer("row", self.table.t()[1:3])

    def forward(self, x: Tensor) -> Tensor:
        y = self.second(F.gelu(self.first(x), approximate="tanh")).masked_fill(x > 2, -torch.inf)
        return y.softmax(1)[:, : self.row.shape[0]] @ self.row + self.table[0, 0]


class Pieces(nn.Module):
    """Sizes in arithmetic, chunks, a crop, resizing, a computed mask."""

    def forward(self, x: Tensor) -> Tensor:
        a, b = x.chunk(2, 1)
        n, c, h, w = a.shape
        y = F.interpolate(a, size=(h * 2, w * 2), mode="bilinear")[:, :, : h + 1]
        y = F.max_pool2d(y.reshape(n * c, 1, h + 1, -1), 2, ceil_mode=True)
        mask = torch.arange(n, device=x.device)[:, None] < n // 2
        return torch.where(mask, y.reshape(n, -1).float(), b.sum().to(torch.float32))


def quiet(module: nn.Module) -> nn.Module:
    logging.getLogger("torch.export").setLevel(logging.ERROR)
    return module.eval()


NETS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...], Any, torch.dtype]] = {
    "a named free batch": (Small, (2, 3, 8, 8), BATCH, torch.float32),
    "a free batch": (Small, (2, 3, 8, 8), FREE, torch.float32),
    "a fixed batch": (Small, (5, 3, 8, 8), None, torch.float32),
    "float16": (lambda: nn.Sequential(nn.Linear(4, 3)), (2, 4), BATCH, torch.float16),
    "float64": (Attention, (2, 5, 8), ({0: Dim.DYNAMIC, 1: Dim.DYNAMIC},), torch.float64),
    "attention": (Attention, (2, 5, 8), BATCH, torch.float32),
    "multi-head attention": (
        lambda: nn.TransformerEncoderLayer(8, 2, 16, batch_first=True),
        (2, 5, 8),
        BATCH,
        torch.float32,
    ),
    "weight norm": (
        lambda: nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Conv2d(3, 4, 3))),
        (2, 3, 6, 6),
        BATCH,
        torch.float32,
    ),
    "a convolution of its own": (
        lambda: nn.Sequential(Standardised(3, 4, 3), nn.GroupNorm(2, 4), nn.Hardswish()),
        (2, 3, 6, 6),
        BATCH,
        torch.float32,
    ),
    "shared weights": (Shared, (2, 6), BATCH, torch.float32),
    "sizes": (Pieces, (4, 4, 6, 6), ({0: Dim("n", min=2)},), torch.float32),
    "free height and width": (
        Pieces,
        (4, 4, 6, 6),
        ({0: Dim.DYNAMIC, 2: Dim.DYNAMIC, 3: Dim.DYNAMIC},),
        torch.float32,
    ),
    "an LSTM": (lambda: nn.LSTM(4, 3, 2, batch_first=True), (2, 5, 4), None, torch.float32),
}


def agree(module: nn.Module, content: bytes, folder: Path, *args: Any, **kwargs: Any) -> None:
    """The file computes what the module does, to the last bit, also once decomposed."""
    path = folder / "net.pt2"
    path.write_bytes(content)
    program = read_pt2(path, path.name)
    path.unlink()  # nothing of it is needed any more
    state = module.state_dict()
    for key, value in program.state_dict.items():
        assert torch.equal(value, state[key])
    # With gradients: without, nn.TransformerEncoderLayer takes another path than it exports.
    wanted = torch.utils._pytree.tree_leaves(module(*args, **kwargs))
    for one in (program, program.run_decompositions({})):
        got = torch.utils._pytree.tree_leaves(one.module()(*args, **kwargs))
        assert len(got) == len(wanted)
        assert all(torch.equal(a, b) for a, b in zip(got, wanted, strict=True))


@pytest.mark.parametrize("name", NETS)
def test_small_networks(name: str, tmp_path: Path) -> None:
    build, shape, free, dtype = NETS[name]
    torch.manual_seed(1)
    module = quiet(build().to(dtype))
    x = torch.randn(shape, dtype=dtype)
    content = saved(module, (x,), free)
    agree(module, content, tmp_path, x)
    if free is not None:
        agree(module, content, tmp_path, torch.randn((6, *shape[1:]), dtype=dtype))


def test_several_inputs_and_outputs(tmp_path: Path) -> None:
    torch.manual_seed(2)
    module = quiet(TwoByTwo())
    x, y, gain = torch.randn(2, 4), torch.randn(2, 5), torch.rand(3)
    content = saved(module, (x, y), None, kwargs={"gain": gain})
    agree(module, content, tmp_path, x, y, gain=gain)
    path = tmp_path / "net.pt2"
    path.write_bytes(content)
    result = read_pt2(path, path.name).module()(x, y, gain=gain)
    assert list(result) == ["sum", "parts"]
    assert isinstance(result["parts"][1], tuple)


def test_an_input_that_is_written_to_and_a_constant_input(tmp_path: Path) -> None:
    class Counts(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("seen", torch.zeros(3))

        def forward(self, x: Tensor, scale: float, nothing: None) -> Tensor:
            self.seen.add_(x.sum(0))
            return x * scale + self.seen

    x = torch.randn(2, 3)
    content = saved(Counts(), (x, 1.5, None))
    path = tmp_path / "net.pt2"
    path.write_bytes(content)
    program = read_pt2(path, path.name)
    assert torch.equal(program.module()(x, 1.5, None), Counts()(x, 1.5, None))


def test_aliases_stay_aliases_and_the_range_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "net.pt2"
    path.write_bytes(saved(Shared(), (torch.randn(2, 6),), ({0: Dim("n", min=2, max=9)},)))
    program = read_pt2(path, path.name)
    state = program.state_dict
    first, second = state["first.weight"], state["second.weight"]
    assert first.untyped_storage().data_ptr() == second.untyped_storage().data_ptr()
    assert state["row"].stride() == (1, 4)
    assert [(r.lower, r.upper) for r in program.range_constraints.values()] == [(2, 9)]
    assert program.example_inputs is None


def test_where_a_node_comes_from_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "net.pt2"
    path.write_bytes(saved(Small(), (torch.zeros(2, 3, 8, 8),)))
    graph = read_pt2(path, path.name).graph
    (conv,) = [n for n in graph.nodes if n.target is torch.ops.aten.conv2d.default]
    assert list(conv.meta["nn_module_stack"].values())[-1][0] == "conv"


def test_one_network_under_another_name_and_with_extra_files(tmp_path: Path) -> None:
    module = quiet(nn.Sequential(nn.Linear(4, 2)))
    x = torch.randn(3, 4)
    program = torch.export.export(module, (x,))
    buffer = io.BytesIO()
    torch.export.pt2_archive._package.package_pt2(
        buffer, exported_programs={"net.v2": program}, extra_files={"labels.txt": "cat"}
    )
    agree(module, buffer.getvalue(), tmp_path, x)


def vision(name: str) -> nn.Module:
    """torchvision's networks; all but one in a small size."""
    models = import_torchvision().models
    if name == "vit":
        return models.VisionTransformer(64, 16, 2, 2, 32, 64, num_classes=5)
    if name == "swin":
        return models.SwinTransformer([4, 4], 24, [2, 2], [2, 4], [4, 4], num_classes=5)
    if name == "mobilenet_v2":
        return models.MobileNetV2(5, inverted_residual_setting=[[1, 16, 1, 1], [6, 24, 2, 2]])
    return models.get_model(name, weights=None)


@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v2", "vit", "swin"])
def test_torchvision(name: str, tmp_path: Path) -> None:
    torch.manual_seed(3)
    module = quiet(vision(name))
    content = saved(module, (torch.zeros(2, 3, 64, 64),), FREE if name == "swin" else BATCH)
    agree(module, content, tmp_path, torch.randn(3, 3, 64, 64))


def test_efficientnet_lite0(tmp_path: Path) -> None:
    module = quiet(efficientnet_lite0())
    content = saved(module, (torch.zeros(2, 3, 64, 64),), BATCH)
    agree(module, content, tmp_path, torch.randn(3, 3, 64, 64))
