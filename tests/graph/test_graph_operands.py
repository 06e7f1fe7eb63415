"""Operators that would read beyond their operands are refused before they run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from pt2_common import saved
from torch import Tensor, nn
from torch.export import Dim
from torch.nn import functional as F

from qcore.errors import BadInput
from qcore.graph.build import build_network
from qcore.graph.load import load_network
from qcore.graph.operand_sizes import check_operands
from qcore.graph.pt2.operators import check_operator
from qcore.graph.pt2.text import Refused

aten = torch.ops.aten


class Calls(nn.Module):
    """A linear layer, and a sum over what a call with stored tensors gives."""

    def __init__(self, call: Callable[[Any], Tensor], **sizes: tuple[int, ...]) -> None:
        super().__init__()
        self.fc, self.call = nn.Linear(4, 4), call
        for name, size in sizes.items():
            self.register_buffer(name, torch.ones(size))

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.fc(x) + self.call(self).sum()
        return y


def norm(s: Any) -> Tensor:
    return aten._native_batch_norm_legit_no_training(s.x, s.w, s.b, s.m, s.v, 0.1, 1e-5)[0]


def attend(s: Any) -> Tensor:
    return F.scaled_dot_product_attention(s.q, s.k, s.v)


CHANNELS = {"x": (1, 64, 1, 1), "w": (64,), "b": (64,), "m": (64,), "v": (64,)}
HOSTILE: dict[str, tuple[nn.Module, str]] = {
    **{
        f"batch norm, {key}": (
            Calls(norm, **{**CHANNELS, key: (1,)}),
            "_native_batch_norm_legit_no_training cannot be run: its .* is 1 for 64 channels",
        )
        for key in "wbmv"
    },
    "weight norm": (
        Calls(lambda s: aten._weight_norm(s.a, s.g, 0), a=(200, 1), g=(1,)),
        r"_weight_norm cannot be run: its g holds 1 value\(s\) for 200 of v",
    ),
    "random numbers": (
        Calls(lambda s: F.dropout(s.x, training=True), x=(4,)),
        "random|training mode",
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_refused_in_a_program(name: str) -> None:
    module, message = HOSTILE[name]
    with pytest.raises(BadInput, match=message):
        build_network(module, name, ((4,),))


def test_refused_in_a_file(tmp_path: Path) -> None:
    path = tmp_path / "net.pt2"
    module = Calls(norm, **{**CHANNELS, "b": (1,)})
    path.write_bytes(saved(module, (torch.zeros(2, 4),), ({0: Dim("n")},)))
    with pytest.raises(BadInput, match="its bias is 1 for 64 channels"):
        load_network(str(path))


def ones(*sizes: int) -> Tensor:
    return torch.ones(sizes, device="meta")


ATTENTION: list[tuple[bool, tuple[tuple[int, ...], ...]]] = [
    (True, ((2, 3, 5, 4), (2, 3, 7, 4), (2, 3, 7, 6))),
    (True, ((2, 3, 5, 4), (1, 3, 7, 4), (1, 3, 7, 4), (5, 7))),
    (True, ((2, 3, 5, 4), (2, 3, 7, 4), (2, 3, 7, 4), (2, 1, 1, 7))),
    (True, ((5, 4), (7, 4), (7, 4))),
    (False, ((64, 2, 4, 8), (1, 1, 1, 4), (1, 1, 1, 8))),
    (False, ((2, 3, 5, 4), (4, 3, 7, 4), (4, 3, 7, 4))),
    (False, ((1, 1, 4, 8), (1, 1, 50, 8), (1, 1, 1, 8))),
    (False, ((1, 1, 4, 8), (1, 1, 50, 8), (1, 1, 50, 8), (4, 49))),
    (False, ((2, 1, 4, 8), (2, 1, 50, 8), (2, 1, 50, 8), (3, 1, 4, 50))),
    (False, ((4,), (4,), (4,))),
]


@pytest.mark.parametrize(("fits", "shapes"), ATTENTION)
def test_attention(fits: bool, shapes: tuple[tuple[int, ...], ...]) -> None:
    operands = tuple(ones(*shape) for shape in shapes)
    if fits:
        check_operands(aten.scaled_dot_product_attention.default, operands, {})
        return
    with pytest.raises(BadInput, match="scaled_dot_product_attention cannot be run"):
        check_operands(aten.scaled_dot_product_attention.default, operands, {})


def test_heads_that_share_keys() -> None:
    operands = (ones(1, 8, 5, 4), ones(1, 2, 5, 4), ones(1, 2, 5, 4))
    target = aten.scaled_dot_product_attention.default
    check_operands(target, operands, {"enable_gqa": True})
    with pytest.raises(BadInput, match="do not fit"):
        check_operands(target, operands, {})
    with pytest.raises(BadInput, match="at random"):
        check_operands(target, (operands[0],) * 3, {"dropout_p": 0.5})


def test_a_grid_of_another_mode() -> None:
    operands = (ones(1, 1, 4, 4), ones(1, 2, 2, 2))
    check_operands(aten.grid_sampler_2d.default, (*operands, 2, 2, False), {})
    for modes in ((7, 0), (0, 9), (-1, 0)):
        with pytest.raises(BadInput, match=r"_mode is .*, not 0, 1 or 2"):
            check_operands(aten.grid_sampler_2d.default, (*operands, *modes, False), {})


def test_pooling_to_nothing() -> None:
    with pytest.raises(BadInput, match="output size is 0 x -1"):
        check_operands(aten._adaptive_avg_pool2d.default, (ones(1, 1, 4, 4), [0, -1]), {})
    with pytest.raises(BadInput, match="training mode"):
        check_operands(aten.rrelu.default, (ones(4), 0.1, 0.3, True), {})
    check_operands(aten.rrelu.default, (ones(4),), {})


FORBIDDEN = """
    empty.memory_format empty_like.default new_empty.default empty_strided.default
    new_empty_strided.default empty_permuted.default rand.default randn_like.default
    randint.default randperm.default bernoulli.p multinomial.default native_dropout.default
    _weight_norm_interface.default native_batch_norm.default _native_batch_norm_legit.no_stats
    _scaled_dot_product_flash_attention_for_cpu.default
    _scaled_dot_product_attention_math.default _native_multi_head_attention.default
"""


class Follows(nn.Module):
    """Its channels are the images: as many as the weights for one image only."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(4, 4)
        self.register_buffer("one", torch.ones(1))

    def forward(self, x: Tensor) -> Tensor:
        y = self.fc(x).t()
        one = self.one
        return aten._native_batch_norm_legit_no_training(y, one, one, one, one, 0.1, 1e-5)[0].t()


def test_sizes_that_follow_the_input_are_checked_in_each_run() -> None:
    network = build_network(Follows(), "follows", ((4,),), batch=1)
    assert network.description.batch == 1  # no other number of images is ever run


@pytest.mark.parametrize("name", FORBIDDEN.split())
def test_operators_that_files_may_not_bring(name: str) -> None:
    with pytest.raises(Refused, match="not among those read from files"):
        check_operator(f"torch.ops.aten.{name}")


def test_what_an_allocation_holds_is_zero() -> None:
    module = Calls(lambda s: s.w.new_empty(8) + torch.empty_like(s.w), w=(8,))
    network = build_network(module, "allocates", ((4,),))
    assert not {"new_empty", "empty_like"} & set(network.description.not_quantized)
    x = torch.randn(3, 4)
    with torch.no_grad():
        torch.testing.assert_close(network.runner()(x), module.fc(x))


def test_real_layers_still_load() -> None:
    layers = (
        nn.Linear(8, 8),
        nn.utils.parametrizations.weight_norm(nn.Linear(8, 8)),
        nn.BatchNorm1d(8, track_running_stats=False),
        nn.Dropout(),
        nn.AlphaDropout(),
        nn.RReLU(),
        nn.Unflatten(1, (2, 4)),
        nn.CircularPad1d(1),
        nn.InstanceNorm1d(2, affine=True, track_running_stats=True),
        nn.Flatten(),
        nn.Linear(12, 3),
    )
    module = nn.Sequential(*layers).eval()
    network = build_network(module, "layers", ((8,),))
    x = torch.randn(3, 8)
    with torch.no_grad():
        torch.testing.assert_close(network.runner()(x), module(x))


class Expands(nn.Module):
    """A constant of one value, repeated."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.fc, self.count = nn.Linear(8, 8), count
        self.register_buffer("p", torch.ones(1))

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(self.fc(x), (self.p + 0).expand(8, self.count).t())[:, :4]


def test_a_constant_that_is_much_larger_than_its_file() -> None:
    with pytest.raises(BadInput, match="would take 762 MB; at most 256 MB"):
        build_network(Expands(25_000_000), "expands", ((8,),))


class ExpandsOften(Expands):
    def forward(self, x: Tensor) -> Tensor:
        y = self.fc(x)
        for number in range(4):
            y = y + (self.p + number).expand(8, self.count)[:, :1].sum()
        return y


class Viewed(Expands):
    """The same values again and again, which takes no memory."""

    def forward(self, x: Tensor) -> Tensor:
        y = self.fc(x)
        for number in range(4):
            y = y + self.big.view(4, -1)[number, :1]
        return y


def test_views_of_what_is_stored_take_nothing() -> None:
    module = Viewed(0)
    module.register_buffer("big", torch.zeros(48 << 20, dtype=torch.int8).half())
    assert build_network(module, "viewed", ((8,),)).description.layers


def test_many_constants_together() -> None:
    with pytest.raises(BadInput, match="would take more than 256 MB"):
        build_network(ExpandsOften(3_000_000), "expands", ((8,),))
